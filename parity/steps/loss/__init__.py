"""Losses, their gradients, and the accuracy that is logged beside them.

Reproduces mmseg 1.2.2 mmseg/models/losses and mmseg/structures/sampler, and what
mmseg/models/decode_heads make of them. Each loss takes ``(pred, label)`` and
keyword-only options and gives a tensor; that of a head gives tensors by name.
"""

from parity.steps.loss.binary import binary_cross_entropy as binary_cross_entropy
from parity.steps.loss.depth import depth_head_loss as depth_head_loss
from parity.steps.loss.depth import si_log_loss as si_log_loss
from parity.steps.loss.detail import stdc_head_loss as stdc_head_loss
from parity.steps.loss.distance import hausdorff_loss as hausdorff_loss
from parity.steps.loss.divergence import kl_div_loss as kl_div_loss
from parity.steps.loss.edge import boundary_loss as boundary_loss
from parity.steps.loss.entropy import cross_entropy as cross_entropy
from parity.steps.loss.entropy import mask_cross_entropy as mask_cross_entropy
from parity.steps.loss.focal import focal_loss as focal_loss
from parity.steps.loss.head import decode_head_loss as decode_head_loss
from parity.steps.loss.head import total_loss as total_loss
from parity.steps.loss.lovasz import lovasz_loss as lovasz_loss
from parity.steps.loss.ohem import OhemSampler as OhemSampler
from parity.steps.loss.ohem import ohem_cross_entropy as ohem_cross_entropy
from parity.steps.loss.ohem import ohem_weights as ohem_weights
from parity.steps.loss.overlap import dice_loss as dice_loss
from parity.steps.loss.overlap import tversky_loss as tversky_loss
from parity.steps.loss.several import da_head_loss as da_head_loss
from parity.steps.loss.several import ddr_head_loss as ddr_head_loss
from parity.steps.loss.several import enc_head_loss as enc_head_loss
from parity.steps.loss.several import knet_loss as knet_loss
from parity.steps.loss.several import pid_head_loss as pid_head_loss
from parity.steps.loss.terms import LossTerm as LossTerm
from parity.steps.loss.topk import accuracy as accuracy
