"""Kullback-Leibler divergence of two predictions.

Reproduces ``KLDivLoss`` (mmseg 1.2.2 mmseg/models/losses/kldiv_loss.py).
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained


@explained
def kl_div_loss(
    pred: Tensor, label: Tensor, *, temperature: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """``KLDivLoss`` of two logit tensors ``(N, C, ...)``; one value per image, or all of them.

    As there, `pred` enters ``F.kl_div`` as a probability, not as the logarithm
    that function expects, so the result is not a divergence and may be negative.
    Raises InputError.
    """
    if pred.shape != label.shape:
        raise InputError(f"pred {tuple(pred.shape)} and label {tuple(label.shape)} must be alike")
    if temperature == 0:
        raise InputError("temperature must not be zero")
    if reduction not in ("none", "mean", "sum"):
        raise InputError(f'reduction must be "none", "mean" or "sum", got {reduction!r}')
    soft = F.softmax(pred / temperature, dim=1)
    target = F.softmax(label / temperature, dim=1)
    loss = F.kl_div(soft, target, reduction="none", log_target=False) * temperature**2
    if reduction == "none":
        return loss
    rows = loss.view(pred.shape[0], -1)
    return rows.sum(dim=1) if reduction == "sum" else rows.mean(dim=1)
