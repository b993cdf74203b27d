"""Losses, their gradients, and the accuracy that is logged beside them.

Reproduces mmseg 1.2.2 mmseg/models/losses and mmseg/structures/sampler, and what
mmseg/models/decode_heads make of them. Each loss takes ``(pred, label)`` and
keyword-only options and gives a tensor; that of a head gives tensors by name.
"""

from __future__ import annotations

from parity.steps.loss.binary import binary_cross_entropy
from parity.steps.loss.depth import depth_head_loss, si_log_loss
from parity.steps.loss.detail import stdc_head_loss
from parity.steps.loss.distance import hausdorff_loss
from parity.steps.loss.divergence import kl_div_loss
from parity.steps.loss.edge import boundary_loss
from parity.steps.loss.entropy import (
    cross_entropy,
    mask_cross_entropy,
)
from parity.steps.loss.focal import focal_loss
from parity.steps.loss.head import decode_head_loss, total_loss
from parity.steps.loss.lovasz import lovasz_loss
from parity.steps.loss.ohem import (
    OhemSampler,
    ohem_cross_entropy,
    ohem_weights,
)
from parity.steps.loss.overlap import (
    dice_loss,
    tversky_loss,
)
from parity.steps.loss.several import (
    da_head_loss,
    ddr_head_loss,
    enc_head_loss,
    knet_loss,
    pid_head_loss,
)
from parity.steps.loss.terms import LossTerm
from parity.steps.loss.topk import accuracy

__all__ = [
    "LossTerm",
    "OhemSampler",
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
