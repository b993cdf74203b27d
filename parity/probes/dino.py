"""Inputs for the `dino` steps."""

from typing import Any

import torch
from numpy.random import RandomState
from torch import Tensor

from parity.probes.natural import probe
from parity.steps.dino import DinoBackbone, dinov2, interpolate_positions

SIZES = ((12, 3, 2), (16, 3, 4), (18, 4, 3))
# The original's, and that of transformers and of its models with registers.
OFFSETS = (0.1, 0.1, 0.0)


def make_positions(seed: int) -> dict[str, Any]:
    """A table and sizes below, at and above its own, square and not."""
    rng = RandomState(seed)
    side, channels = int(rng.randint(2, 9)), int(rng.randint(1, 9))
    height, width = _size(rng, seed, side)
    return {
        "table": _normal(rng, 1, 1 + side * side, channels).to(_dtype(seed)),
        "height": height,
        "width": width,
        "interpolate_offset": OFFSETS[seed // 2 % 3],
        "grad_output": _normal(rng, 1, 1 + height * width, channels).to(_dtype(seed)),
    }


def make_backbone(seed: int) -> dict[str, Any]:
    """Small networks with random weights, of which the last one to three layers are given."""
    rng = RandomState(seed)
    width, depth, heads = SIZES[seed // 3 % len(SIZES)]
    patch, side, batch = int(rng.choice([2, 14])), int(rng.randint(2, 6)), int(rng.randint(1, 3))
    rows, columns = _size(rng, seed, side)
    with torch.device("meta"):
        model = DinoBackbone((width, depth, heads), image_size=side * patch, patch_size=patch)
    dtype, layers = _dtype(seed), 1 + seed % 3
    maps = (_normal(rng, batch, width, rows, columns).to(dtype) for _ in range(layers))
    return {
        "images": _normal(rng, batch, 3, rows * patch, columns * patch).to(dtype),
        "weights": {n: _weight(rng, n, one).to(dtype) for n, one in model.named_parameters()},
        "heads": heads,
        "out_layers": layers,
        "interpolate_offset": OFFSETS[seed // 2 % 3],
        "grad_output": tuple(maps),
    }


def _size(rng: RandomState, seed: int, side: int) -> tuple[int, int]:
    """Other than square in three of four; of the others half is of the table's own size."""
    rows, columns = (int(size) for size in rng.randint(1, side + 4, 2))
    if seed % 8 == 7:
        return side, side
    return (rows, rows if seed % 4 == 3 else columns)


def _weight(rng: RandomState, name: str, like: Tensor) -> Tensor:
    """Of norms and layer scales about 1, of the rest so small that eps shows."""
    values = _normal(rng, *like.shape) * 0.2
    is_factor = like.ndim == 1 and not name.endswith("bias")
    return 1 + values if is_factor else values


def _normal(rng: RandomState, *shape: int) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape)).float()


def _dtype(seed: int) -> torch.dtype:
    return torch.float64 if seed % 5 == 4 else torch.float32


PROBES = (
    probe("dino_positions", interpolate_positions, make_positions),
    probe("dino", dinov2, make_backbone),
)
