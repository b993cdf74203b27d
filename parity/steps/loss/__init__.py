"""Losses, their gradients, and the accuracy that is logged beside them.

Reproduces mmseg 1.2.2 mmseg/models/losses and mmseg/structures/sampler. Each
loss takes ``(pred, label)`` and keyword-only options and gives a tensor;
``<loss>_with_grad`` is the same as a step that also gives the gradient.
"""

from __future__ import annotations

from parity.steps.loss.binary import binary_cross_entropy, binary_cross_entropy_with_grad
from parity.steps.loss.depth import si_log_loss, si_log_loss_with_grad
from parity.steps.loss.distance import hausdorff_loss, hausdorff_loss_with_grad
from parity.steps.loss.divergence import kl_div_loss, kl_div_loss_with_grad
from parity.steps.loss.edge import boundary_loss, boundary_loss_with_grad
from parity.steps.loss.entropy import (
    cross_entropy,
    cross_entropy_with_grad,
    mask_cross_entropy,
    mask_cross_entropy_with_grad,
)
from parity.steps.loss.focal import focal_loss, focal_loss_with_grad
from parity.steps.loss.gradient import with_grad
from parity.steps.loss.head import decode_head_loss, decode_head_loss_with_grad, total_loss
from parity.steps.loss.lovasz import lovasz_loss, lovasz_loss_with_grad
from parity.steps.loss.ohem import (
    OhemSampler,
    ohem_cross_entropy,
    ohem_cross_entropy_with_grad,
    ohem_weights,
    ohem_weights_of,
)
from parity.steps.loss.overlap import (
    dice_loss,
    dice_loss_with_grad,
    tversky_loss,
    tversky_loss_with_grad,
)
from parity.steps.loss.terms import LossTerm
from parity.steps.loss.topk import accuracy, accuracy_of

__all__ = [
    "LossTerm",
    "OhemSampler",
    "accuracy",
    "accuracy_of",
    "binary_cross_entropy",
    "binary_cross_entropy_with_grad",
    "boundary_loss",
    "boundary_loss_with_grad",
    "cross_entropy",
    "cross_entropy_with_grad",
    "decode_head_loss",
    "decode_head_loss_with_grad",
    "dice_loss",
    "dice_loss_with_grad",
    "focal_loss",
    "focal_loss_with_grad",
    "hausdorff_loss",
    "hausdorff_loss_with_grad",
    "kl_div_loss",
    "kl_div_loss_with_grad",
    "lovasz_loss",
    "lovasz_loss_with_grad",
    "mask_cross_entropy",
    "mask_cross_entropy_with_grad",
    "ohem_cross_entropy",
    "ohem_cross_entropy_with_grad",
    "ohem_weights",
    "ohem_weights_of",
    "si_log_loss",
    "si_log_loss_with_grad",
    "total_loss",
    "tversky_loss",
    "tversky_loss_with_grad",
    "with_grad",
]
