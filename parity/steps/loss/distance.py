"""Squared errors weighed by the distance to the background.

Reproduces ``HuasdorffDisstanceLoss`` (mmseg 1.2.2
mmseg/models/losses/huasdorff_distance_loss.py).
"""

import importlib

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, ClassWeight, reduce_loss
from parity.steps.loss.refusal import explained


@explained
def hausdorff_loss(
    pred: Tensor,
    label: Tensor,
    *,
    reduction: str = "mean",
    class_weight: ClassWeight | None = None,
    avg_factor: AvgFactor | None = None,
    ignore_index: int = 255,
    loss_weight: float = 1.0,
) -> Tensor:
    """``HuasdorffDisstanceLoss`` of logits ``(N, C, H, W)`` and labels ``(N, H, W)``, a scalar.

    Ignored pixels count as class 0, and errors are taken against the class
    number, not against 0 and 1, as there. Raises InputError: without scipy, for
    fewer than two classes, and for `class_weight`, which the reference refuses
    in every case by asking for as many dimensions as classes.
    """
    if class_weight is not None:
        raise InputError("mmseg 1.2.2 fails with any class_weight here; leave it out")
    if ignore_index is None:
        raise InputError("this loss needs an integer ignore_index, got None; -1 ignores nothing")
    if pred.shape[1] < 2:
        raise InputError(f"class 0 is the background: pred {tuple(pred.shape)} needs two classes")
    soft = F.softmax(pred, dim=1)
    label = label * (label != ignore_index)
    with torch.no_grad():
        squares = distances_to_background(soft.argmax(dim=1), pred.dtype) ** 2
        squares = squares + distances_to_background(label, pred.dtype) ** 2
    terms: list[Tensor] = []
    for index in range(1, soft.shape[1]):
        if index != ignore_index:
            errors = (soft[:, index] - label.float()) ** 2
            terms.append(torch.einsum("bxy,bxy->bxy", errors, squares).mean())
        elif terms:
            terms.append(terms[-1])  # the reference adds what the class before it gave
        else:
            raise InputError("ignore_index must not be 1: there is no class before it to repeat")
    total = sum(terms, start=soft.new_zeros(()))
    loss = total / soft.shape[1]
    return loss_weight * reduce_loss(loss, reduction=reduction, avg_factor=avg_factor)


def distances_to_background(label: Tensor, dtype: torch.dtype) -> Tensor:
    """Distance of every pixel to the nearest 0, ``(N, H, W)`` float32 rounded to `dtype` first."""
    try:
        transform = importlib.import_module("scipy.ndimage").distance_transform_edt
    except ImportError as error:
        raise InputError("this loss needs scipy; install it with: pip install scipy") from error
    maps = torch.zeros(label.shape, dtype=dtype)
    for index, mask in enumerate(label.cpu().byte()):
        if mask.any():
            maps[index] = torch.from_numpy(transform(mask))
    return maps.float().to(label.device)
