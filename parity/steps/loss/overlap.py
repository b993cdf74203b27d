"""Losses from the overlap of soft masks: Dice and Tversky.

Reproduces ``DiceLoss`` and ``TverskyLoss`` (mmseg 1.2.2
mmseg/models/losses/dice_loss.py and tversky_loss.py).
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, ClassWeight, class_weight_for, reduce_loss
from parity.steps.loss.refusal import explained


@explained
def dice_loss(
    pred: Tensor,
    label: Tensor,
    *,
    weight: Tensor | None = None,
    use_sigmoid: bool = True,
    activate: bool = True,
    naive_dice: bool = False,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
    ignore_index: int | None = 255,
    eps: float = 1e-3,
    loss_weight: float = 1.0,
) -> Tensor:
    """``DiceLoss`` of logits ``(N, C, H, W)``; one value per image before the reduction.

    label: int64 ``(N, H, W)``, where C and above belong to no class, or one-hot
    of the shape of `pred`. ignore_index: a channel left out; pixels that carry
    it still count as background. weight: ``(N,)``. Raises InputError.
    """
    target = label if label.shape == pred.shape else _one_hot_or_none(label, pred.shape[1])
    if activate and use_sigmoid:
        pred = pred.sigmoid()
    elif activate and pred.shape[1] != 1:
        pred = pred.softmax(dim=1)
    if ignore_index is not None:
        kept = torch.arange(pred.shape[1]) != ignore_index
        pred, target = pred[:, kept, :, :], target[:, kept, :, :]
        if pred.shape[1] == 0:
            raise InputError(f"the only class is ignore_index {ignore_index}; nothing is left")
    loss = 1 - dice_of_rows(pred.flatten(1), target.flatten(1).float(), naive_dice, eps)
    if weight is not None and weight.shape != loss.shape:
        raise InputError(f"weight must be (N,) = {tuple(loss.shape)}, got {tuple(weight.shape)}")
    return loss_weight * reduce_loss(
        loss, weight=weight, reduction=reduction, avg_factor=avg_factor
    )


def dice_of_rows(pred: Tensor, target: Tensor, naive: bool, eps: float) -> Tensor:
    """Of rows: sums in the denominator, or sums of squares."""
    both = torch.sum(pred * target, 1)
    if naive:
        return (2 * both + eps) / (torch.sum(pred, 1) + torch.sum(target, 1) + eps)
    pred_square = torch.sum(pred * pred, 1) + eps
    target_square = torch.sum(target * target, 1) + eps
    return (2 * both) / (pred_square + target_square)


def _one_hot_or_none(label: Tensor, classes: int) -> Tensor:
    """``(N, C, H, W)``; labels from `classes` on get no channel, negative ones that of 0."""
    planes = F.one_hot(torch.clamp(label, min=0, max=classes), classes + 1)
    return planes[..., :classes].permute(0, 3, 1, 2)


@explained
def tversky_loss(
    pred: Tensor,
    label: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1,
    class_weight: ClassWeight | None = None,
    ignore_index: int = 255,
    loss_weight: float = 1.0,
) -> Tensor:
    """``TverskyLoss`` of logits ``(N, C, H, W)`` and labels ``(N, H, W)``, a scalar.

    Pixels of `ignore_index` do not count, nor does a class of that number, but
    the sum over classes is always divided by C. Raises InputError, also unless
    ``alpha + beta == 1.0`` exactly.
    """
    if alpha + beta != 1.0:
        raise InputError(f"alpha + beta must be exactly 1.0, got {alpha} + {beta}")
    if ignore_index is None:
        raise InputError("this loss needs an integer ignore_index, got None; -1 ignores nothing")
    weights = class_weight_for(pred, class_weight)
    soft, classes = F.softmax(pred, dim=1), pred.shape[1]
    target = F.one_hot(torch.clamp(label.long(), 0, classes - 1), num_classes=classes)
    valid = (label != ignore_index).long()
    terms = []
    for index in range(classes):
        if index != ignore_index:
            share = _tversky(
                soft[:, index], target[..., index], valid, alpha=alpha, beta=beta, smooth=smooth
            )
            term = (1 - share).mean()
            terms.append(term if weights is None else term * weights[index])
    if not terms:
        raise InputError(f"the only class is ignore_index {ignore_index}; nothing is left")
    total = sum(terms, start=soft.new_zeros(()))
    return loss_weight * (total / classes).mean()


def _tversky(
    pred: Tensor, target: Tensor, valid: Tensor, *, alpha: float, beta: float, smooth: float
) -> Tensor:
    pred, target, valid = (part.reshape(part.shape[0], -1) for part in (pred, target, valid))
    hit = torch.sum(pred * target * valid, dim=1)
    surplus = torch.sum(pred * (1 - target) * valid, dim=1)
    missed = torch.sum((1 - pred) * target * valid, dim=1)
    return (hit + smooth) / (hit + alpha * surplus + beta * missed + smooth)
