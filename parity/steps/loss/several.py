"""Heads of several outputs, each of which is trained.

Reproduces ``loss_by_feat`` of IterativeDecodeHead (K-Net), DAHead, EncHead, DDRHead and
PIDHead (mmseg 1.2.2 mmseg/models/decode_heads/knet_head.py, da_head.py, enc_head.py,
ddr_head.py and pid_head.py).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.binary import binary_cross_entropy
from parity.steps.loss.edge import boundary_loss
from parity.steps.loss.entropy import cross_entropy
from parity.steps.loss.head import decode_head_loss, enlarged, pixel_accuracy
from parity.steps.loss.ohem import ohem_cross_entropy
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm

# configs/_base_/models/encnet_r50-d8.py
SEMANTIC = LossTerm("loss_ce", binary_cross_entropy, {"loss_weight": 0.2})
_OHEM = {"thresh": 0.9, "min_kept": 131_072}
# configs/ddrnet and configs/pidnet, without their weights of classes
DDR = (
    LossTerm("loss_ohem", ohem_cross_entropy, _OHEM),
    LossTerm("loss_ohem", ohem_cross_entropy, {**_OHEM, "loss_weight": 0.4}),
)
PID = (
    LossTerm("loss_ce", cross_entropy, {"loss_weight": 0.4}),
    LossTerm("loss_ohem", ohem_cross_entropy, _OHEM),
    LossTerm("loss_boundary", boundary_loss, {"loss_weight": 20.0}),
    LossTerm("loss_ohem", ohem_cross_entropy, _OHEM),
)


@explained
def knet_loss(preds: Sequence[Tensor] | Tensor, label: Tensor, **options: Any) -> dict[str, Tensor]:
    """Losses of every stage by name, ``loss_ce.s0`` that of the first.

    preds: logits ``(N, C, h, w)`` of the generating head and then of each update of the
    kernels. label: int64 ``(N, H, W)``. options: those of `decode_head_loss`, alike for all.
    """
    return {
        f"{name}.s{stage}": loss
        for stage, pred in enumerate(preds)
        for name, loss in decode_head_loss(pred, label, **options).items()
    }


@explained
def da_head_loss(
    preds: Sequence[Tensor] | Tensor, label: Tensor, **options: Any
) -> dict[str, Tensor]:
    """Losses of DANet: of both attentions summed, of position alone, of channels alone.

    preds: these three, logits ``(N, C, h, w)``. label: int64 ``(N, H, W)``. options: those
    of `decode_head_loss`. Names begin with ``pam_cam.``, ``pam.`` and ``cam.``.
    """
    return {
        f"{branch}.{name}": loss
        for branch, pred in zip(("pam_cam", "pam", "cam"), preds, strict=True)
        for name, loss in decode_head_loss(pred, label, **options).items()
    }


@explained
def enc_head_loss(
    pred: Tensor, se_pred: Tensor, label: Tensor, *, se_loss: LossTerm = SEMANTIC, **options: Any
) -> dict[str, Tensor]:
    """Losses of EncNet: those of the pixels, and ``loss_se`` of the classes that an image shows.

    pred: logits ``(N, C, h, w)``. se_pred: logits ``(N, C)``. label: int64 ``(N, H, W)``.
    options: those of `decode_head_loss`.
    """
    found = decode_head_loss(pred, label, **options)
    return {**found, "loss_se": se_loss.alone(se_pred, shown_classes(label, se_pred.shape[1]))}


def shown_classes(label: Tensor, classes: int) -> Tensor:
    """1 for each class that a pixel of the image has, int64 ``(N, C)``."""
    rows = [image.float().histc(bins=classes, min=0, max=classes - 1) > 0 for image in label]
    return torch.stack(rows).to(label.dtype)


@explained
def ddr_head_loss(
    context: Tensor,
    spatial: Tensor,
    label: Tensor,
    *,
    losses: Sequence[LossTerm] = DDR,
    ignore_index: int = 255,
    align_corners: bool = False,
) -> dict[str, Tensor]:
    """``loss_context`` and ``loss_spatial`` of DDRNet's two branches, and ``acc_seg``.

    context, spatial: logits ``(N, C, h, w)`` each. label: int64 ``(N, H, W)``. losses: one
    for each. ignore_index is that of the accuracy; losses have their own, as there.
    """
    _check_terms(losses, 2)
    context, spatial = (enlarged(pred, label, align_corners) for pred in (context, spatial))
    return {
        "loss_context": losses[0].alone(context, label),
        "loss_spatial": losses[1].alone(spatial, label),
        "acc_seg": pixel_accuracy(context, label, ignore_index),
    }


@explained
def pid_head_loss(
    detail: Tensor,
    pred: Tensor,
    boundary: Tensor,
    label: Tensor,
    edge: Tensor,
    *,
    losses: Sequence[LossTerm] = PID,
    ignore_index: int = 255,
    align_corners: bool = False,
) -> dict[str, Tensor]:
    """The four losses of PIDNet's three branches, and ``acc_seg``.

    detail, pred: logits ``(N, C, h, w)`` of the branches P and I. boundary: of D,
    ``(N, 1, h, w)``. label, edge: int64 ``(N, H, W)``, edge 1 at boundaries. losses: of
    P, of I, of D, and of I where D is sure of a boundary. Raises InputError.
    """
    _check_terms(losses, 4)
    detail, pred = (enlarged(one, label, align_corners) for one in (detail, pred))
    boundary = enlarged(boundary, edge, align_corners)
    return {
        "loss_sem_p": losses[0](detail, label, ignore_index=ignore_index),
        "loss_sem_i": losses[1].alone(pred, label),
        "loss_bd": losses[2].alone(boundary, edge),
        "loss_sem_bd": losses[3].alone(pred, at_boundaries(label, boundary, ignore_index)),
        "acc_seg": pixel_accuracy(pred, label, ignore_index),
    }


def at_boundaries(label: Tensor, boundary: Tensor, ignore_index: int) -> Tensor:
    """`label` where logits `boundary` ``(N, 1, H, W)`` have a probability above 0.8."""
    return label.masked_fill(~(boundary[:, 0].sigmoid() > 0.8), ignore_index)


def _check_terms(losses: Sequence[LossTerm], count: int) -> None:
    if len(losses) < count:
        raise InputError(f"losses must hold {count} LossTerms, one for each output")
