"""Weight element-wise losses and reduce them; class weights from options.

Reproduces ``weight_reduce_loss`` and ``get_class_weight`` (mmseg 1.2.2
mmseg/models/losses/utils.py).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from parity.errors import InputError

# Of float32 whatever the loss's dtype, as in the reference.
EPS = torch.finfo(torch.float32).eps

ClassWeight = Sequence[float] | str
AvgFactor = float | Tensor


def reduce_loss(
    loss: Tensor,
    *,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
) -> Tensor:
    """`loss` times `weight`, then ``"none"``, ``"mean"`` or ``"sum"`` of it.

    With `avg_factor`, the mean is the sum over ``avg_factor + EPS``: dividing by
    zero pixels gives zero, not NaN. Raises InputError for another reduction,
    `avg_factor` with ``"sum"``, or a `weight` whose dimensions do not fit.
    """
    if reduction not in ("none", "mean", "sum"):
        raise InputError(f'reduction must be "none", "mean" or "sum", got {reduction!r}')
    if weight is not None:
        _check_weight(loss, weight)
        loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "mean":
        return mean_by(loss, avg_factor)
    if avg_factor is not None:
        raise InputError('avg_factor cannot be used with reduction "sum"; leave one of them out')
    return loss.sum()


def mean_by(loss: Tensor, avg_factor: AvgFactor | None) -> Tensor:
    """The mean of all, or their sum over `avg_factor`."""
    return loss.mean() if avg_factor is None else loss.sum() / (avg_factor + EPS)


def _check_weight(loss: Tensor, weight: Tensor) -> None:
    fits = weight.dim() == loss.dim()
    if fits and weight.dim() > 1:
        fits = weight.size(1) in (1, loss.size(1))
    if not fits:
        raise InputError(
            f"weight {tuple(weight.shape)} does not fit the loss {tuple(loss.shape)}: it needs as "
            f"many dimensions, and one channel or the same number"
        )


def class_weight_for(pred: Tensor, class_weight: ClassWeight | None) -> Tensor | None:
    """`class_weight`, or what the file it names holds, in the dtype of `pred`; None stays None."""
    if isinstance(class_weight, str):
        class_weight = read_class_weight(class_weight)
    return None if class_weight is None else pred.new_tensor(class_weight)


def read_class_weight(path: str) -> Any:
    """The weights in a ``.npy``, ``.json``, ``.yaml`` or ``.yml`` file.

    Raises InputError for a file that cannot be read, and for pickles, which the
    reference takes: loading one runs what is in it.
    """
    kind = Path(path).suffix
    try:
        if kind == ".npy":
            return np.load(path, allow_pickle=False)
        if kind == ".json":
            return json.loads(Path(path).read_text("utf-8"))
        if kind in (".yaml", ".yml"):
            return yaml.safe_load(Path(path).read_text("utf-8"))
    except (EOFError, MemoryError, OSError, RecursionError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as class weights: {error}") from error
    raise InputError(f"{path}: class weights must be .npy, .json, .yaml or .yml")
