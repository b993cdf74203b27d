"""Refining a prediction at the points that it is least sure of, in training and testing.

Reproduces ``loss``, ``loss_by_feat``, ``predict`` and ``get_points_test`` of PointHead (mmseg 1.2.2
mmseg/models/decode_heads/point_head.py) and ``point_sample`` (mmcv 2.1.0
mmcv/ops/point_sample.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss.head import pixel_accuracy
from parity.steps.loss.ohem import CROSS_ENTROPY
from parity.steps.loss.refusal import explained
from parity.steps.loss.terms import LossTerm
from parity.steps.mask.infer import padded_size
from parity.steps.mask.points import draw_uncertain_points, values_at


@explained
def point_head_loss(
    pred: Tensor,
    features: Tensor,
    label: Tensor,
    *,
    head: Callable[[Tensor, Tensor], Tensor] = torch.add,
    losses: Sequence[LossTerm] = CROSS_ENTROPY,
    num_points: int = 2048,
    oversample_ratio: float = 3.0,
    importance_sample_ratio: float = 0.75,
    ignore_index: int = 255,
    align_corners: bool = False,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Losses at points, such as ``pointloss_ce``, and ``acc_point``.

    pred: logits ``(N, C, h, w)`` of the head before. features: ``(N, F, h, w)``. label:
    int64 ``(N, H, W)``. head: the network, from features ``(N, F, P)`` and logits
    ``(N, C, P)`` at the points to logits ``(N, C, P)``. Points are where the two best
    classes are nearest, and drawn without `align_corners`, which the rest has.
    """
    points = draw_uncertain_points(
        pred,
        num_points=num_points,
        oversample_ratio=oversample_ratio,
        importance_sample_ratio=importance_sample_ratio,
        generator=generator,
    )
    logits = head(
        *(values_at(maps, points, align_corners=align_corners) for maps in (features, pred))
    )
    wanted = labels_at(label, points, align_corners)
    # Of two losses of one name the last stays, as there.
    named = {f"point{one.name}": one(logits, wanted, ignore_index=ignore_index) for one in losses}
    return {**named, "acc_point": pixel_accuracy(logits, wanted, ignore_index)}


@explained
def point_head_inference(
    pred: Tensor,
    features: Tensor,
    metas: Sequence[Mapping[str, Any]],
    *,
    head: Callable[[Tensor, Tensor], Tensor] = torch.add,
    subdivision_steps: int = 2,
    subdivision_num_points: int = 8196,
    scale_factor: float = 2,
    align_corners: bool = False,
) -> Tensor:
    """Logits ``(N, C, H, W)``: `pred` enlarged step by step, each time refined where in doubt.

    pred, features, head: as of `point_head_loss`; points always see the first `pred`.
    metas: one mapping an image, of which the first gives the size.
    """
    refined = pred
    for _ in range(subdivision_steps):
        refined = F.interpolate(
            refined, scale_factor=scale_factor, mode="bilinear", align_corners=align_corners
        )
        pixels, points = most_doubtful(refined, subdivision_num_points)
        logits = head(
            *(values_at(maps, points, align_corners=align_corners) for maps in (features, pred))
        )
        refined = replaced_at(refined, pixels, logits)
    size = padded_size(metas)
    return F.interpolate(refined, size, mode="bilinear", align_corners=align_corners)


def most_doubtful(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` pixels whose two best classes are nearest to each other.

    Their numbers, ``(N, P)``, and their centres as points, ``(N, P, 2)``.
    """
    height, width = logits.shape[2:]
    best, second = logits.topk(2, dim=1).values.unbind(1)
    chosen = (second - best).flatten(1).topk(min(count, height * width), dim=1).indices
    x = 1.0 / width / 2.0 + (chosen % width).float() * (1.0 / width)
    y = 1.0 / height / 2.0 + (chosen // width).float() * (1.0 / height)
    return chosen, torch.stack((x, y), dim=-1)


def replaced_at(maps: Tensor, pixels: Tensor, values: Tensor) -> Tensor:
    """Maps ``(N, C, H, W)`` with `values` ``(N, C, P)`` at `pixels` ``(N, P)``."""
    places = pixels.unsqueeze(1).expand(-1, maps.shape[1], -1)
    return maps.flatten(2).scatter(2, places, values).view_as(maps)


def labels_at(label: Tensor, points: Tensor, align_corners: bool) -> Tensor:
    """Labels ``(N, P)`` of the pixels nearest to `points`."""
    planes = label.unsqueeze(1).float()
    found = values_at(planes, points, mode="nearest", align_corners=align_corners)
    return found.squeeze(1).long()
