"""Hard examples only: as a loss, and as pixel weights for other losses.

Reproduces ``OhemCrossEntropy`` and ``OHEMPixelSampler`` (mmseg 1.2.2
mmseg/models/losses/ohem_cross_entropy_loss.py and
mmseg/structures/sampler/ohem_pixel_sampler.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.entropy import cross_entropy, pixel_losses
from parity.steps.loss.reduction import class_weight_for
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm

# What a head has unless told otherwise.
CROSS_ENTROPY = (LossTerm("loss_ce", cross_entropy),)


@explained
def ohem_cross_entropy(
    pred: Tensor,
    label: Tensor,
    *,
    thresh: float = 0.7,
    min_kept: int = 100_000,
    class_weight: Sequence[float] | None = None,
    ignore_index: int = 255,
    loss_weight: float = 1.0,
) -> Tensor:
    """``OhemCrossEntropy`` of logits ``(N, C, H, W)`` and int64 labels ``(N, H, W)``, a scalar.

    The mean over pixels whose class has a probability below `thresh`, or below
    that of the pixel at rank `min_kept` when this is higher. `thresh` and
    `ignore_index` are ``thres`` and ``ignore_label`` there. No valid pixel gives
    zero, cut off from `pred`. Raises InputError.
    """
    if isinstance(class_weight, str):
        raise InputError("this loss reads no file; give class_weight as numbers")
    weights = class_weight_for(pred, class_weight)
    losses = pixel_losses(pred, label, weights, ignore_index)
    valid = label != ignore_index
    ranked, order = own_probability(pred, label, ignore_index)[valid].sort()
    if ranked.numel() == 0:
        return pred.new_tensor(0.0)
    limit = probability_limit(ranked, max(1, min_kept), thresh)
    hard = losses[valid][order][ranked < limit]
    return loss_weight * hard.mean()


def own_probability(logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
    """What each pixel gives to its own class, ``(N, H, W)``; ignored ones to class 0."""
    known = label.masked_fill(label == ignore_index, 0)
    return F.softmax(logits.detach(), dim=1).gather(1, known.unsqueeze(1)).squeeze(1)


def probability_limit(ranked: Tensor, kept: int, thresh: float) -> Tensor | float:
    """`thresh`, unless fewer than `kept` pixels are below it; NaN at that rank stays NaN."""
    at_rank = ranked[min(kept, ranked.numel() - 1)]
    return thresh if bool(thresh > at_rank) else at_rank


@dataclass(frozen=True)
class OhemSampler:
    """Options of ``OHEMPixelSampler``; without `thresh`, the largest losses are kept."""

    thresh: float | None = None
    min_kept: int = 100_000


@explained
@torch.no_grad()
def ohem_weights(
    pred: Tensor,
    label: Tensor,
    *,
    thresh: float | None = None,
    min_kept: int = 100_000,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    ignore_index: int = 255,
) -> Tensor:
    """``OHEMPixelSampler``: 1 for hard pixels, 0 for the others, ``(N, H, W)`` like `pred`.

    pred: logits ``(N, C, H, W)``. label: int64 ``(N, H, W)``. min_kept: pixels
    per image, but counted over the batch. losses: ranked by, without `thresh`.
    Raises InputError.
    """
    if min_kept <= 1:
        raise InputError(f"min_kept must be above 1, got {min_kept}")
    if not losses:
        raise InputError("losses must hold at least one LossTerm")
    if pred.shape[2:] != label.shape[1:]:
        raise InputError(f"pred {tuple(pred.shape)} and label {tuple(label.shape)} do not fit")
    label = label.long()
    valid = label != ignore_index
    kept = min_kept * label.size(0)
    weights = pred.new_zeros(size=label.size())
    chosen = weights[valid]
    if thresh is None:
        ranked = summed_losses(pred, label, losses, ignore_index)[valid].sort(descending=True)[1]
        chosen[ranked[:kept]] = 1.0
    else:
        own = own_probability(pred, label, ignore_index)[valid]
        if own.numel() > 0:
            chosen[own < probability_limit(own.sort()[0], kept, thresh)] = 1.0
    weights[valid] = chosen
    return weights


def summed_losses(
    pred: Tensor, label: Tensor, losses: Sequence[LossTerm], ignore_index: int
) -> Tensor:
    """The sum of `losses`, in place as there: the first one's shape must hold the others'."""
    options = {"weight": None, "ignore_index": ignore_index, "reduction": "none"}
    total = 0.0 + losses[0](pred, label, **options)
    for term in losses[1:]:
        total += term(pred, label, **options)
    return total
