"""Softmax cross entropy, and the cross entropy of instance masks.

Reproduces two of the three branches of ``CrossEntropyLoss`` (mmseg 1.2.2
mmseg/models/losses/cross_entropy_loss.py); the third is in ``binary.py``.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, ClassWeight, class_weight_for, reduce_loss
from parity.steps.loss.refusal import explained


@explained
def cross_entropy(
    pred: Tensor,
    label: Tensor,
    *,
    weight: Tensor | None = None,
    class_weight: ClassWeight | None = None,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
    ignore_index: int = -100,
    avg_non_ignore: bool = False,
    loss_weight: float = 1.0,
) -> Tensor:
    """``CrossEntropyLoss()`` of logits ``(N, C, ...)`` and int64 labels ``(N, ...)``.

    The mean divides by all pixels, ignored ones included, unless
    `avg_non_ignore`; with `class_weight`, by the class weights at these pixels.
    `weight` is per pixel. Raises InputError.
    """
    if ignore_index is None:
        raise InputError("softmax cross entropy needs an integer ignore_index, got None")
    weights = class_weight_for(pred, class_weight)
    loss = pixel_losses(pred, label, weights, ignore_index)
    if avg_factor is None and reduction == "mean":
        avg_factor = mean_divisor(label, weights, ignore_index, avg_non_ignore)
    weight = None if weight is None else weight.float()
    return loss_weight * reduce_loss(
        loss, weight=weight, reduction=reduction, avg_factor=avg_factor
    )


def pixel_losses(pred: Tensor, label: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor:
    """The loss of each pixel, ``(N, ...)``, times the weight of its class; 0 of ignored ones."""
    return F.cross_entropy(pred, label, weights, reduction="none", ignore_index=ignore_index)


def mean_divisor(
    label: Tensor, class_weight: Tensor | None, ignore_index: int, avg_non_ignore: bool
) -> AvgFactor:
    """What the mean divides by: pixels or their class weights, without ignored ones if told so."""
    ignored = label == ignore_index
    if class_weight is None:
        return label.numel() - int(ignored.sum()) if avg_non_ignore else label.numel()
    _check_weighted(label, len(class_weight))
    weights = class_weight[label]
    return (weights.masked_fill(ignored, 0) if avg_non_ignore else weights).sum()


def _check_weighted(label: Tensor, classes: int) -> None:
    """The reference looks up the weight of ignored pixels too, and fails at 255."""
    if label.numel() == 0:
        raise InputError("class_weight needs at least one image; the batch is empty")
    if bool(((label < -classes) | (label >= classes)).any()):
        raise InputError(
            f"class_weight has {classes} entries, and label holds {int(label.min())} to "
            f"{int(label.max())}: the mean looks up every pixel's weight, ignored ones included; "
            f"use an ignore_index from {-classes} to {classes - 1}, or give avg_factor"
        )


@explained
def mask_cross_entropy(
    pred: Tensor,
    label: Tensor,
    *,
    mask_class: Tensor,
    class_weight: Sequence[float] | None = None,
    loss_weight: float = 1.0,
) -> Tensor:
    """``CrossEntropyLoss(use_mask=True)``: each instance's mask in the channel of its class.

    pred: logits ``(N, C, H, W)``. label: float masks ``(N, H, W)``. mask_class:
    int64 ``(N,)``, passed as `weight` there. class_weight: multiplies the pixels,
    broadcast over ``(N, H, W)``. Gives shape ``(1,)``, always the mean. Raises InputError.
    """
    instances = torch.arange(pred.size(0), dtype=torch.long, device=pred.device)
    chosen = pred[instances, mask_class].squeeze(1)
    weights = class_weight_for(pred, class_weight)
    loss = F.binary_cross_entropy_with_logits(chosen, label, weights, reduction="mean")
    return loss_weight * loss[None]
