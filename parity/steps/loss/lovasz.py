"""Lovász extensions of the Jaccard index.

Reproduces ``LovaszLoss`` (mmseg 1.2.2 mmseg/models/losses/lovasz_loss.py).
"""

from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, ClassWeight, class_weight_for, reduce_loss
from parity.steps.loss.refusal import explained


@explained
def lovasz_loss(
    pred: Tensor,
    label: Tensor,
    *,
    loss_type: str = "multi_class",
    classes: str | list[int] = "present",
    per_image: bool = False,
    reduction: str = "mean",
    class_weight: ClassWeight | None = None,
    avg_factor: AvgFactor | None = None,
    ignore_index: int | None = 255,
    loss_weight: float = 1.0,
) -> Tensor:
    """``LovaszLoss`` of logits and integer labels ``(N, H, W)``.

    pred: ``(N, C, H, W)``, or ``(N, H, W)`` for ``loss_type="binary"`` with labels
    0 and 1. classes: ``"all"``, ``"present"`` or a list. Over the whole batch a
    scalar and `reduction` must be ``"none"``; with `per_image` one value per
    image, then reduced. No valid pixel gives zero, of shape ``(0, C)`` for
    several classes. Raises InputError, also for float64 and, with several
    classes, a single valid pixel, as the reference does.
    """
    _check_options(loss_type, classes, per_image, reduction)
    weights = class_weight_for(pred, class_weight)
    if loss_type == "binary":
        surrogate = partial(_hinge, ignore_index=ignore_index)
    else:
        pred = F.softmax(pred, dim=1)
        surrogate = partial(
            _softmax, classes=classes, class_weight=weights, ignore_index=ignore_index
        )
    if not per_image:
        return loss_weight * surrogate(pred, label)
    images = zip(pred, label, strict=False)
    losses = torch.stack([surrogate(image[None], truth[None]) for image, truth in images])
    return loss_weight * reduce_loss(losses, reduction=reduction, avg_factor=avg_factor)


def jaccard_steps(sorted_truth: Tensor) -> Tensor:
    """What each further pixel adds to the Jaccard loss, ``(P,)``, worst pixel first."""
    positives = sorted_truth.sum()
    intersection = positives - sorted_truth.float().cumsum(0)
    union = positives + (1 - sorted_truth).float().cumsum(0)
    jaccard = 1.0 - intersection / union
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])


def _hinge(logits: Tensor, label: Tensor, *, ignore_index: int | None) -> Tensor:
    logits, label = logits.view(-1), label.view(-1)
    if ignore_index is not None:
        valid = label != ignore_index
        logits, label = logits[valid], label[valid]
    if len(label) == 0:
        return logits.sum() * 0.0
    errors = 1.0 - logits * (2.0 * label.float() - 1.0)
    ranked, order = torch.sort(errors, dim=0, descending=True)
    return torch.dot(F.relu(ranked), jaccard_steps(label[order]))


def _softmax(
    probs: Tensor,
    label: Tensor,
    *,
    classes: str | list[int],
    class_weight: Tensor | None,
    ignore_index: int | None,
) -> Tensor:
    rows, label = _valid_rows(probs, label, ignore_index)
    if rows.numel() == 0:
        return rows * 0.0
    channels = rows.size(1)
    if channels == 1 and len(classes) > 1:
        raise InputError(f"one channel takes a list of one class, not classes={classes!r}")
    losses = []
    for index in range(channels) if isinstance(classes, str) else classes:
        truth = (label == index).float()
        if classes == "present" and truth.sum() == 0:
            continue
        errors = (truth - rows[:, 0 if channels == 1 else index]).abs()
        ranked, order = torch.sort(errors, 0, descending=True)
        loss = torch.dot(ranked, jaccard_steps(truth[order]))
        losses.append(loss if class_weight is None else loss * class_weight[index])
    if not losses:
        raise InputError("none of the classes occurs in label; nothing can be averaged")
    return torch.stack(losses).mean()


def _valid_rows(probs: Tensor, label: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    """Probabilities ``(P, C)`` and labels ``(P,)`` of the pixels that are not ignored."""
    planes = probs.unsqueeze(1) if probs.dim() == 3 else probs
    rows = planes.permute(0, 2, 3, 1).contiguous().view(-1, planes.size(1))
    label = label.view(-1)
    if ignore_index is None:
        return rows, label
    valid = label != ignore_index
    if int(valid.sum()) == 1:
        raise InputError("mmseg 1.2.2 cannot take a single valid pixel here; leave the image out")
    return rows[valid.nonzero().squeeze()], label[valid]


def _check_options(
    loss_type: str, classes: str | list[int], per_image: bool, reduction: str
) -> None:
    if loss_type not in ("binary", "multi_class"):
        raise InputError(f'loss_type must be "binary" or "multi_class", got {loss_type!r}')
    numbers = isinstance(classes, list) and all(isinstance(index, int) for index in classes)
    if not numbers and classes not in ("all", "present"):
        raise InputError(f'classes must be "all", "present" or a list of ints, got {classes!r}')
    if not per_image and reduction != "none":
        raise InputError(f'per_image=False needs reduction="none", got {reduction!r}')
