"""mmseg's losses, pixel sampler and head loss, live; names as in ``parity.steps.loss``."""

from __future__ import annotations

from reference.loss.classes import (
    accuracy,
    binary_cross_entropy,
    boundary_loss,
    cross_entropy,
    dice_loss,
    focal_loss,
    hausdorff_loss,
    kl_div_loss,
    lovasz_loss,
    mask_cross_entropy,
    ohem_cross_entropy,
    si_log_loss,
    tversky_loss,
)
from reference.loss.head import (
    decode_head_loss,
    ohem_weights,
    total_loss,
)
from reference.loss.several import (
    da_head_loss,
    ddr_head_loss,
    depth_head_loss,
    enc_head_loss,
    knet_loss,
    pid_head_loss,
    stdc_head_loss,
)

__all__ = [
    "accuracy",
    "binary_cross_entropy",
    "boundary_loss",
    "cross_entropy",
    "da_head_loss",
    "ddr_head_loss",
    "decode_head_loss",
    "depth_head_loss",
    "dice_loss",
    "enc_head_loss",
    "focal_loss",
    "hausdorff_loss",
    "kl_div_loss",
    "knet_loss",
    "lovasz_loss",
    "mask_cross_entropy",
    "ohem_cross_entropy",
    "ohem_weights",
    "pid_head_loss",
    "si_log_loss",
    "stdc_head_loss",
    "total_loss",
    "tversky_loss",
]
