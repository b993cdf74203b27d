"""Multi-scale deformable attention in plain PyTorch.

Reproduces ``multi_scale_deformable_attn_pytorch`` and the sampling grid of
``MultiScaleDeformableAttention.init_weights`` (mmcv 2.1.0
mmcv/ops/multi_scale_deform_attn.py).
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the usual name

from parity.errors import InputError

Shapes = torch.Tensor | Sequence[Sequence[int]]


def multi_scale_deformable_attention(
    value: torch.Tensor,
    spatial_shapes: Shapes,
    sampling_locations: torch.Tensor,
    attention_weights: torch.Tensor,
) -> torch.Tensor:
    """For every query and head, the weighted sum of bilinear samples of all levels.

    value: float ``(batch, keys, heads, channels)``, the levels' cells one after
    another, row by row. spatial_shapes: ``(levels, 2)``, height and width.
    sampling_locations: ``(batch, queries, heads, levels, points, 2)``, x before
    y, 0 and 1 being the outer edges of the first and last cell; beyond them
    lies 0. attention_weights: ``(batch, queries, heads, levels, points)``.
    Returns ``(batch, queries, heads * channels)``. Raises InputError.
    """
    sizes = _check(value, spatial_shapes, sampling_locations, attention_weights)
    batch, queries, heads, levels, points, _ = sampling_locations.shape
    channels = value.shape[3]
    grids = grids_of(sampling_locations)
    sampled = []
    parts = torch.split(value, [height * width for height, width in sizes], dim=1)
    for level, ((height, width), part) in enumerate(zip(sizes, parts, strict=True)):
        maps = part.flatten(2).transpose(1, 2).reshape(batch * heads, channels, height, width)
        grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)  # (B * M, Q, P, 2)
        sampled.append(samples(maps, grid, padding_mode="zeros", align_corners=False))
    weights = attention_weights.transpose(1, 2)
    weights = weights.reshape(batch * heads, 1, queries, levels * points)
    weighted = torch.stack(sampled, dim=-2).flatten(-2) * weights  # (B * M, C, Q, L * P)
    output = weighted.sum(-1).view(batch, heads * channels, queries)
    return output.transpose(1, 2).contiguous()


def grids_of(locations: torch.Tensor) -> torch.Tensor:
    """Locations from 0 to 1 as ``grid_sample`` counts them, from -1 to 1."""
    return 2 * locations - 1


def samples(maps: torch.Tensor, grid: torch.Tensor, **options: Any) -> torch.Tensor:
    """Values of ``(B, C, H, W)`` at a grid ``(B, Q, P, 2)``: ``(B, C, Q, P)``."""
    return F.grid_sample(maps, grid, **options)


def initial_sampling_bias(num_heads: int, num_levels: int, num_points: int) -> torch.Tensor:
    """The bias ``sampling_offsets`` starts from, float32 ``(heads * levels * points * 2,)``.

    Head by head in another direction, point by point one cell further, to the
    edge of a square. Raises InputError unless all three are positive.
    """
    if min(num_heads, num_levels, num_points) < 1:
        raise InputError(
            f"num_heads, num_levels and num_points must be positive, "
            f"got {(num_heads, num_levels, num_points)}"
        )
    angles = torch.arange(num_heads, dtype=torch.float32) * (2.0 * math.pi / num_heads)
    directions = torch.stack([angles.cos(), angles.sin()], -1)
    directions = directions / directions.abs().max(-1, keepdim=True).values
    steps = torch.arange(1, num_points + 1, dtype=torch.float32)
    grid = directions.view(num_heads, 1, 1, 2) * steps.view(1, 1, num_points, 1)
    return grid.repeat(1, num_levels, 1, 1).view(-1)


def _check(
    value: torch.Tensor, shapes: Shapes, locations: torch.Tensor, weights: torch.Tensor
) -> list[tuple[int, int]]:
    """The levels' sizes as plain numbers."""
    if value.ndim != 4 or locations.ndim != 6 or locations.shape[-1] != 2:
        raise InputError(
            f"value must be (batch, keys, heads, channels) and sampling_locations "
            f"(batch, queries, heads, levels, points, 2), "
            f"got {tuple(value.shape)} and {tuple(locations.shape)}"
        )
    rows = shapes.tolist() if isinstance(shapes, torch.Tensor) else shapes
    sizes = [(int(height), int(width)) for height, width in rows]
    expected = {
        "keys of value": (value.shape[1], sum(height * width for height, width in sizes)),
        "levels": (locations.shape[3], len(sizes)),
        "batch and heads": (locations.shape[0:3:2], value.shape[0:3:2]),
        "attention_weights": (weights.shape, locations.shape[:-1]),
        "dtypes": ({value.dtype}, {locations.dtype, weights.dtype}),
    }
    for name, (actual, wanted) in expected.items():
        if actual != wanted:
            raise InputError(f"{name} do not fit: {actual} beside {wanted}, levels {sizes}")
    return sizes
