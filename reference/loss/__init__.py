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

__all__ = [
    "accuracy",
    "binary_cross_entropy",
    "boundary_loss",
    "cross_entropy",
    "decode_head_loss",
    "dice_loss",
    "focal_loss",
    "hausdorff_loss",
    "kl_div_loss",
    "lovasz_loss",
    "mask_cross_entropy",
    "ohem_cross_entropy",
    "ohem_weights",
    "si_log_loss",
    "total_loss",
    "tversky_loss",
]
