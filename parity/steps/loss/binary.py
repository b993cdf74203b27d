"""Cross entropy of every channel on its own.

Reproduces ``CrossEntropyLoss(use_sigmoid=True)`` (mmseg 1.2.2
mmseg/models/losses/cross_entropy_loss.py).
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, ClassWeight, class_weight_for, reduce_loss
from parity.steps.loss.refusal import explained


@explained
def binary_cross_entropy(
    pred: Tensor,
    label: Tensor,
    *,
    weight: Tensor | None = None,
    class_weight: ClassWeight | None = None,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
    ignore_index: int | None = -100,
    avg_non_ignore: bool = False,
    loss_weight: float = 1.0,
) -> Tensor:
    """``CrossEntropyLoss(use_sigmoid=True)`` of logits and integer labels.

    pred: ``(N, C)`` or ``(N, C, H, W)``. label: ``(N,)`` or ``(N, H, W)``, made
    one-hot, or of the shape of `pred`; below 0 or `ignore_index` counts as 0 but
    is divided by, unless `avg_non_ignore`. A single channel takes labels 0 and 1.
    class_weight: of positives, broadcast over the last dimension of `pred`.
    Raises InputError.
    """
    if pred.size(1) == 1:
        _check_two_classes(label, ignore_index)
        pred = pred.squeeze(1)
    valid = label >= 0
    if ignore_index is not None:
        valid &= label != ignore_index
    if pred.dim() == label.dim():
        mask = valid.float()
        weight = mask if weight is None else weight * mask
    else:
        _check_dimensions(pred, label)
        mask = valid.unsqueeze(1).expand(pred.shape).float()
        label = _one_hot(label, valid, pred.shape)
        weight = mask if weight is None else weight.unsqueeze(1).expand(pred.shape) * mask
    if avg_non_ignore and reduction == "mean" and avg_factor is None:
        avg_factor = mask.sum().item()
    loss = F.binary_cross_entropy_with_logits(
        pred, label.float(), pos_weight=class_weight_for(pred, class_weight), reduction="none"
    )
    return loss_weight * reduce_loss(
        loss, weight=weight, reduction=reduction, avg_factor=avg_factor
    )


def _one_hot(label: Tensor, valid: Tensor, shape: torch.Size) -> Tensor:
    """Ones in the channel each valid pixel names; no channel for the others."""
    planes = label.new_zeros(shape)
    planes.movedim(1, -1)[(*valid.nonzero(as_tuple=True), label[valid])] = 1
    return planes


def _check_two_classes(label: Tensor, ignore_index: int | None) -> None:
    valid = label if ignore_index is None else label[label != ignore_index]
    if valid.numel() == 0:
        raise InputError("a single channel needs at least one pixel that is not ignored")
    if int(valid.max()) > 1:
        raise InputError(f"a single channel takes labels 0 and 1, got {int(valid.max())}")


def _check_dimensions(pred: Tensor, label: Tensor) -> None:
    if (pred.dim(), label.dim()) not in ((2, 1), (4, 3)):
        raise InputError(
            f"pred {tuple(pred.shape)} and label {tuple(label.shape)} do not fit; give (N, C) and "
            f"(N,), (N, C, H, W) and (N, H, W), or twice the same shape"
        )
