"""Balanced binary cross entropy of boundary maps.

Reproduces ``BoundaryLoss`` (mmseg 1.2.2 mmseg/models/losses/boundary_loss.py), of PIDNet.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss.refusal import explained


@explained
def boundary_loss(pred: Tensor, label: Tensor, *, loss_weight: float = 1.0) -> Tensor:
    """``BoundaryLoss`` of logits ``(N, 1, H, W)`` and labels ``(N, H, W)``, a scalar.

    Boundary pixels (1) weigh as the share of the others (0), and the reverse.
    Other labels weigh nothing, but the mean divides by all pixels. Raises InputError.
    """
    logits = pred.permute(0, 2, 3, 1).contiguous().view(1, -1)
    target = label.view(1, -1).float()
    edge, plain = target == 1, target == 0
    edges, plains = edge.sum(), plain.sum()
    weight = torch.zeros_like(logits)
    weight[edge] = plains * 1.0 / (edges + plains)
    weight[plain] = edges * 1.0 / (edges + plains)
    return loss_weight * F.binary_cross_entropy_with_logits(
        logits, target, weight, reduction="mean"
    )
