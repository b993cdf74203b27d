"""mmseg's losses, pixel sampler and head loss, live; names as in ``parity.steps.loss``."""

from reference.loss.classes import accuracy as accuracy
from reference.loss.classes import binary_cross_entropy as binary_cross_entropy
from reference.loss.classes import boundary_loss as boundary_loss
from reference.loss.classes import cross_entropy as cross_entropy
from reference.loss.classes import dice_loss as dice_loss
from reference.loss.classes import focal_loss as focal_loss
from reference.loss.classes import hausdorff_loss as hausdorff_loss
from reference.loss.classes import kl_div_loss as kl_div_loss
from reference.loss.classes import lovasz_loss as lovasz_loss
from reference.loss.classes import mask_cross_entropy as mask_cross_entropy
from reference.loss.classes import ohem_cross_entropy as ohem_cross_entropy
from reference.loss.classes import si_log_loss as si_log_loss
from reference.loss.classes import tversky_loss as tversky_loss
from reference.loss.head import decode_head_loss as decode_head_loss
from reference.loss.head import ohem_weights as ohem_weights
from reference.loss.head import total_loss as total_loss
from reference.loss.several import da_head_loss as da_head_loss
from reference.loss.several import ddr_head_loss as ddr_head_loss
from reference.loss.several import depth_head_loss as depth_head_loss
from reference.loss.several import enc_head_loss as enc_head_loss
from reference.loss.several import knet_loss as knet_loss
from reference.loss.several import pid_head_loss as pid_head_loss
from reference.loss.several import stdc_head_loss as stdc_head_loss
