"""Scale-invariant logarithmic error of depth maps.

Reproduces ``SiLogLoss`` (mmseg 1.2.2 mmseg/models/losses/silog_loss.py), and
``VPDDepthHead.loss_by_feat`` (mmseg/models/decode_heads/vpd_depth_head.py).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import AvgFactor, reduce_loss
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm, summed


@explained
def si_log_loss(
    pred: Tensor,
    label: Tensor,
    *,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: AvgFactor | None = None,
    eps: float = 1e-6,
    loss_weight: float = 1.0,
) -> Tensor:
    """``SiLogLoss`` of depths ``(N, ...)``, both of one shape; one value per image.

    Pixels whose `label` is not above `eps` do not count. weight: ``(N,)``. Equal
    maps give zero with a NaN gradient, that of a root at zero. Raises InputError.
    """
    if pred.shape != label.shape:
        raise InputError(f"pred {tuple(pred.shape)} and label {tuple(label.shape)} must be alike")
    rows, target = pred.flatten(1), label.flatten(1)
    ratio = torch.log(target.clamp(min=eps)) - torch.log(rows.clamp(min=eps))
    counted = (target > eps) & ~torch.isnan(ratio)
    ratio = ratio.masked_fill(~counted, 0.0)
    mask = counted.float()
    number = mask.sum(dim=1).clamp(min=eps)
    square_mean = (ratio.pow(2) * mask).sum(dim=1) / number
    mean = (ratio * mask).sum(dim=1) / number
    loss = torch.sqrt(square_mean - 0.5 * mean.pow(2))
    weight = None if weight is None else weight.float()
    return loss_weight * reduce_loss(
        loss, weight=weight, reduction=reduction, avg_factor=avg_factor
    )


SI_LOG = (LossTerm("loss_silog", si_log_loss),)


@explained
def depth_head_loss(
    pred: Tensor, label: Tensor, *, losses: Sequence[LossTerm] = SI_LOG, align_corners: bool = False
) -> dict[str, Tensor]:
    """Losses by name of depths `pred` ``(N, 1, h, w)``, brought to the size of the true ones.

    label: float ``(N, 1, H, W)`` in metres, 0 where it is not known. Raises InputError.
    """
    size = label.shape[2:]
    depth = F.interpolate(pred, size, mode="bilinear", align_corners=align_corners)
    return summed(losses, lambda term: term.alone(depth, label))
