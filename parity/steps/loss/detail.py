"""Where a label map has detail, as what a head is to find.

Reproduces ``STDCHead.loss_by_feat`` (mmseg 1.2.2 mmseg/models/decode_heads/stdc_head.py).
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.head import decode_head_loss
from parity.steps.loss.refusal import explained

STRIDES = (1, 2, 4)
# What detail at each stride counts for; the paper learns it, the code does not.
SHARES = (6.0 / 10, 3.0 / 10, 1.0 / 10)


@explained
def stdc_head_loss(
    pred: Tensor, label: Tensor, *, boundary_threshold: float = 0.1, **options: Any
) -> dict[str, Tensor]:
    """``decode_head_loss`` of logits ``(N, C, h, w)`` beside the detail of `label`.

    label: int64 ``(N, H, W)``. options: those of `decode_head_loss`.
    """
    return decode_head_loss(pred, detail_targets(label, boundary_threshold), **options)


def detail_targets(label: Tensor, threshold: float = 0.1) -> Tensor:
    """1 where class numbers change, 0 elsewhere, int64 ``(N, H, W)``.

    Numbers are taken as heights: a pixel counts where it is above its neighbours, at
    stride 1 and 2 (that at 4 alone is not above `threshold`, as float32 has it). So does
    an ignored one, as 255.
    """
    if label.dim() != 3:
        raise InputError(f"label must be (N, H, W), got {tuple(label.shape)}")
    heights = label.float().unsqueeze(1)
    planes = [detail_at(heights, stride, threshold) for stride in STRIDES]
    shares = torch.tensor(SHARES, device=label.device).view(1, -1, 1, 1)
    return (F.conv2d(torch.cat(planes, 1), shares) > threshold).squeeze(1).long()


def detail_at(heights: Tensor, stride: int, threshold: float) -> Tensor:
    """1.0 where the Laplacian of ``(N, 1, H, W)`` is above `threshold`, taken every `stride`."""
    kernel = torch.full((1, 1, 3, 3), -1.0, device=heights.device)
    kernel[..., 1, 1] = 8.0
    steep = F.conv2d(heights, kernel, stride=stride, padding=1).clamp(min=0)
    return (F.interpolate(steep, heights.shape[2:], mode="nearest") > threshold).float()
