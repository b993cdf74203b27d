"""Focal loss of one-hot targets.

Reproduces ``FocalLoss`` on the CPU, that is its ``py_sigmoid_focal_loss``
(mmseg 1.2.2 mmseg/models/losses/focal_loss.py).
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, reduce_loss
from parity.steps.loss.refusal import explained

# Of options that are other than a float.
_TYPES: Mapping[str, tuple[type, ...]] = {
    "alpha": (float, list),
    "class_weight": (list, type(None)),
    "ignore_index": (int,),
}


@explained
def focal_loss(
    pred: Tensor,
    label: Tensor,
    *,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: float | list[float] = 0.5,
    class_weight: list[float] | None = None,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
    ignore_index: int = 255,
    loss_weight: float = 1.0,
) -> Tensor:
    """``FocalLoss`` of logits ``(N, C, ...)`` and a one-hot `label` of the same shape.

    ignore_index: pixels whose largest target is in this channel do not count.
    weight: ``(P,)`` or ``(P, C)`` of the ``P = N * ...`` pixels, batch first.
    alpha: of positives, one for all or one per class. ``"none"`` gives the shape
    of `pred`. Raises InputError, also for class indices as `label`, which the
    reference cannot take on the CPU.
    """
    if label.shape != pred.shape:
        raise InputError(
            f"label {tuple(label.shape)} must be one-hot like pred {tuple(pred.shape)}: given "
            f"class indices, mmseg 1.2.2 takes column C of the one-hot form for the columns "
            f"before it on the CPU, and fails; make label one-hot"
        )
    given = {"gamma": gamma, "alpha": alpha, "class_weight": class_weight}
    _check_types({**given, "ignore_index": ignore_index, "loss_weight": loss_weight})
    rows, target = _rows(pred), _rows(label)  # (P, C)
    loss = _focal(rows, target, gamma, alpha)
    scale = torch.ones(1, rows.size(1)).type_as(loss)
    if weight is not None:
        scale = scale * _fitting(weight, loss)
    if class_weight is not None:
        scale = scale * rows.new_tensor(class_weight)
    scale = scale * (target.argmax(dim=1) != ignore_index).view(-1, 1)
    result = loss_weight * reduce_loss(
        loss, weight=scale, reduction=reduction, avg_factor=avg_factor
    )
    return _unrows(result, pred.shape) if reduction == "none" else result


def _focal(pred: Tensor, target: Tensor, gamma: float, alpha: float | list[float]) -> Tensor:
    positive = pred.new_tensor(alpha) if isinstance(alpha, list) else alpha
    probability, target = pred.sigmoid(), target.type_as(pred)
    miss = (1 - probability) * target + probability * (1 - target)
    balance = positive * target + (1 - positive) * (1 - target)
    factor = balance * miss.pow(gamma)
    return F.binary_cross_entropy_with_logits(pred, target, reduction="none") * factor


def _rows(tensor: Tensor) -> Tensor:
    """``(N, C, ...)`` as one row of C per pixel."""
    channels = tensor.transpose(0, 1)
    return channels.reshape(channels.size(0), -1).transpose(0, 1).contiguous()


def _unrows(rows: Tensor, shape: torch.Size) -> Tensor:
    channels = rows.transpose(0, 1).reshape(shape[1], shape[0], *shape[2:])
    return channels.transpose(0, 1).contiguous()


def _fitting(weight: Tensor, loss: Tensor) -> Tensor:
    if weight.shape != loss.shape and weight.size(0) == loss.size(0):
        weight = weight.view(-1, 1)
    if weight.dim() != loss.dim():
        raise InputError(
            f"weight {tuple(weight.shape)} does not fit; give ({loss.size(0)},) or "
            f"{tuple(loss.shape)}, a value per pixel or per pixel and class"
        )
    return weight


def _check_types(given: Mapping[str, Any]) -> None:
    """The reference takes 2.0 and refuses 2; so a configuration fails here as it does there."""
    for name, value in given.items():
        if not isinstance(value, kinds := _TYPES.get(name, (float,))):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise InputError(f"{name} must be a {wanted}, got {value!r}")
