"""What it costs to let a query stand for a segment: by class, by mask, by overlap.

Reproduces ``ClassificationCost``, ``CrossEntropyLossCost``, ``FocalLossCost`` with
``binary_input`` and ``DiceCost`` with ``pred_act`` (mmdet 3.3.0
mmdet/models/task_modules/assigners/match_cost.py). Masks are compared at points
or at pixels: any shape after the first dimension.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss.refusal import explained


@explained
def class_cost(scores: Tensor, labels: Tensor, *, weight: float = 1.0) -> Tensor:
    """Minus the probability of each segment's class, ``(Q, G)``.

    scores: logits ``(Q, C + 1)``, the last for "no object". labels: int64 ``(G,)``.
    """
    return -scores.softmax(-1)[:, labels] * weight


@explained
def mask_cross_entropy_cost(pred: Tensor, target: Tensor, *, weight: float = 1.0) -> Tensor:
    """Mean binary cross entropy of every pair of mask logits and segment, float32 ``(Q, G)``.

    pred: ``(Q, ...)``. target: 0 to 1, ``(G, ...)``, between them where it was sampled.
    """
    pred, target = pred.flatten(1).float(), target.flatten(1).float()
    inside = F.binary_cross_entropy_with_logits(pred, torch.ones_like(pred), reduction="none")
    outside = F.binary_cross_entropy_with_logits(pred, torch.zeros_like(pred), reduction="none")
    return of_pairs(inside, outside, target) / pred.shape[1] * weight


@explained
def mask_focal_cost(
    pred: Tensor,
    target: Tensor,
    *,
    weight: float = 1.0,
    alpha: float = 0.25,
    gamma: float = 2.0,
    eps: float = 1e-12,
) -> Tensor:
    """Mean focal loss of every pair of mask logits ``(Q, ...)`` and segment ``(G, ...)``.

    alpha: the weight inside of the segment, ``1 - alpha`` that outside.
    """
    soft, target = pred.flatten(1).sigmoid(), target.flatten(1).float()
    outside = -(1 - soft + eps).log() * (1 - alpha) * soft.pow(gamma)
    inside = -(soft + eps).log() * alpha * (1 - soft).pow(gamma)
    return of_pairs(inside, outside, target) / soft.shape[1] * weight


def of_pairs(inside: Tensor, outside: Tensor, target: Tensor) -> Tensor:
    """Sum over points, ``(Q, G)``: of `inside` where a segment is, of `outside` elsewhere."""
    return torch.einsum("qp,gp->qg", inside, target) + torch.einsum(
        "qp,gp->qg", outside, 1 - target
    )


@explained
def dice_cost(
    pred: Tensor, target: Tensor, *, weight: float = 1.0, eps: float = 1.0, naive_dice: bool = True
) -> Tensor:
    """One minus the overlap of every pair of mask logits ``(Q, ...)`` and segment ``(G, ...)``.

    eps: 1 in every config; the class's own default is 0.001. naive_dice: sums in the
    denominator, not sums of squares.
    """
    soft, target = pred.flatten(1).sigmoid(), target.flatten(1).float()
    return (1 - overlap_of_pairs(soft, target, eps=eps, naive_dice=naive_dice)) * weight


def overlap_of_pairs(soft: Tensor, target: Tensor, *, eps: float, naive_dice: bool) -> Tensor:
    """Dice coefficient ``(Q, G)`` of soft masks ``(Q, P)`` and segments ``(G, P)``."""
    both = 2 * torch.einsum("qp,gp->qg", soft, target)
    power = 1 if naive_dice else 2
    either = soft.pow(power).sum(-1)[:, None] + target.pow(power).sum(-1)[None, :]
    return (both + eps) / (either + eps)
