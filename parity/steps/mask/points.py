"""Points at which masks are compared: anywhere, and where a prediction is in doubt.

Reproduces ``get_uncertain_point_coords_with_randomness`` (mmdet 3.3.0
mmdet/models/utils/point_sample.py), ``get_points_train`` of PointHead (mmseg 1.2.2
mmseg/models/decode_heads/point_head.py) and ``point_sample`` (mmcv 2.1.0
mmcv/ops/point_sample.py). What draws takes a ``torch.Generator``; with None it
draws from torch's global one, as the reference does, so that
``torch.manual_seed(seed)`` before either gives the same points.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.refusal import explained


def draw_points(
    masks: int,
    points: int,
    *,
    device: torch.device | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Points anywhere in the image, float32 ``(masks, points, 2)``: x and y from 0 to 1."""
    return torch.rand(masks, points, 2, device=device, generator=generator)


@explained
def sample_points(maps: Tensor, points: Tensor) -> Tensor:
    """Bilinear values ``(N, P)`` of maps ``(N, H, W)`` at `points` ``(N, P, 2)``.

    Outside of the outermost pixels' centres, a map fades to zero.
    """
    return values_at(maps.unsqueeze(1), points).squeeze(1)


def values_at(
    maps: Tensor, points: Tensor, *, mode: str = "bilinear", align_corners: bool = False
) -> Tensor:
    """Values ``(N, C, P)`` of ``(N, C, h, w)`` at `points` ``(N, P, 2)``."""
    grid = points.unsqueeze(2) * 2.0 - 1.0  # grid_sample counts from -1 to 1
    return F.grid_sample(maps, grid, mode=mode, align_corners=align_corners).squeeze(3)


@explained
@torch.no_grad()
def draw_uncertain_points(
    masks: Tensor,
    *,
    num_points: int = 12544,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Points to train masks at, ``(N, num_points, 2)``, most of them in doubt.

    masks: logits ``(N, h, w)``, or ``(N, C, h, w)`` of classes. Draws
    ``num_points * oversample_ratio`` candidates for each mask and keeps those whose logits
    are nearest to zero, or whose two best classes are nearest to each other; a share of
    ``1 - importance_sample_ratio`` is then drawn anywhere, and follows them.
    """
    if oversample_ratio < 1 or not 0 <= importance_sample_ratio <= 1:
        raise InputError(
            f"oversample_ratio must be 1 or more and importance_sample_ratio from 0 to 1, got "
            f"{oversample_ratio} and {importance_sample_ratio}"
        )
    count, device = len(masks), masks.device
    oversampled = int(num_points * oversample_ratio)
    candidates = draw_points(count, oversampled, device=device, generator=generator)
    uncertain = most_uncertain(masks, candidates, int(importance_sample_ratio * num_points))
    rest = num_points - uncertain.shape[1]
    if rest == 0:
        return uncertain
    return torch.cat([uncertain, draw_points(count, rest, device=device, generator=generator)], 1)


def at_uncertain_points(pred: Tensor, target: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    """Mask logits ``(M, h, w)`` and their segments ``(M, H, W)`` at points, ``(M, P)`` each.

    options: those of `draw_uncertain_points`.
    """
    points = draw_uncertain_points(pred, **options)
    return sample_points(pred, points), sample_points(target.float(), points)


def most_uncertain(masks: Tensor, points: Tensor, count: int) -> Tensor:
    """The `count` of `points` ``(N, P, 2)`` at which the logits are most in doubt."""
    doubt = doubt_of_classes(masks, points) if masks.dim() == 4 else doubt_of(masks, points)
    chosen = doubt.topk(count, dim=1).indices
    return points.take_along_dim(chosen[:, :, None], dim=1)


def doubt_of(masks: Tensor, points: Tensor) -> Tensor:
    """Minus the distance from zero of logits ``(N, h, w)`` at `points`, ``(N, P)``."""
    return -sample_points(masks, points).abs()


def doubt_of_classes(logits: Tensor, points: Tensor) -> Tensor:
    """Minus what the best class of ``(N, C, h, w)`` is ahead of the second by, ``(N, P)``."""
    best, second = values_at(logits, points).topk(2, dim=1).values.unbind(1)
    return second - best
