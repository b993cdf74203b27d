"""Which query stands for which segment: the assignment that costs least in all.

Reproduces ``HungarianAssigner`` with ``MaskPseudoSampler`` (mmdet 3.3.0
mmdet/models/task_modules) and the matching half of ``_get_targets_single`` of
Mask2FormerHead and MaskFormerHead (mmdet/models/dense_heads).
"""

import importlib
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained
from parity.steps.mask.cost import (
    class_cost,
    dice_cost,
    mask_cross_entropy_cost,
    mask_focal_cost,
)
from parity.steps.mask.points import draw_points, sample_points


class Match(NamedTuple):
    """Pairs, by rising query: int64 ``(M,)`` each, M the smaller of queries and segments."""

    queries: Tensor
    segments: Tensor


class MaskWeights(NamedTuple):
    """How much class, mask and overlap weigh, in a cost or in a loss."""

    classes: float
    mask: float
    dice: float


# configs/mask2former and configs/maskformer have the same weights for costs and losses.
MASK2FORMER = MaskWeights(2.0, 5.0, 5.0)
MASKFORMER = MaskWeights(1.0, 20.0, 1.0)


def assign_queries(cost: Tensor) -> Match:
    """The pairs of least total cost, each query and each segment in one at most.

    cost: ``(Q, G)``. Raises InputError for NaN, and where every choice costs infinity.
    """
    solve = importlib.import_module("scipy.optimize").linear_sum_assignment  # slow to import
    try:
        queries, segments = solve(cost.detach().cpu())
    except ValueError as error:
        raise InputError(f"these costs {tuple(cost.shape)} cannot be assigned: {error}") from error
    return Match(
        torch.from_numpy(queries).to(cost.device), torch.from_numpy(segments).to(cost.device)
    )


@explained
@torch.no_grad()
def mask2former_match(
    scores: Tensor,
    masks: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    num_points: int = 12544,
    cost_weights: MaskWeights = MASK2FORMER,
    generator: torch.Generator | None = None,
) -> Match:
    """The queries of one image for its segments, masks compared at points drawn anew.

    scores: logits ``(Q, C + 1)``. masks: logits ``(Q, h, w)``. labels: ``(G,)``.
    targets: ``(G, H, W)``. All masks and segments share the points, which are
    drawn even where there is no segment.
    """
    points = draw_points(1, num_points, device=scores.device, generator=generator)
    if len(labels) == 0:
        return nothing_matched(labels)
    drawn = sample_points(masks, points.repeat(len(masks), 1, 1))
    wanted = sample_points(targets.float(), points.repeat(len(targets), 1, 1))
    return cheapest(scores, labels, drawn, wanted, mask_cross_entropy_cost, cost_weights)


@explained
@torch.no_grad()
def maskformer_match(
    scores: Tensor,
    masks: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    cost_weights: MaskWeights = MASKFORMER,
) -> Match:
    """As :func:`mask2former_match`, at every pixel of the smaller masks, by focal loss.

    The segments are brought to ``(h, w)`` by nearest neighbour.
    """
    if len(labels) == 0:
        return nothing_matched(labels)
    small = F.interpolate(targets.unsqueeze(1).float(), masks.shape[-2:], mode="nearest")
    return cheapest(scores, labels, masks, small.squeeze(1), mask_focal_cost, cost_weights)


def cheapest(
    scores: Tensor,
    labels: Tensor,
    masks: Tensor,
    wanted: Tensor,
    mask_cost: Callable[..., Tensor],
    weights: MaskWeights,
) -> Match:
    """The match of least cost by class, by mask (``mask_cost(masks, wanted)``) and by overlap."""
    costs = (
        class_cost(scores, labels, weight=weights.classes),
        mask_cost(masks, wanted, weight=weights.mask),
        dice_cost(masks, wanted, weight=weights.dice),
    )
    return assign_queries(total_cost(*costs))


def total_cost(*costs: Tensor) -> Tensor:
    """Their sum, element by element."""
    return torch.stack(costs).sum(dim=0)


def nothing_matched(labels: Tensor) -> Match:
    """No pair."""
    none = labels.new_zeros(0, dtype=torch.long)
    return Match(none, none)
