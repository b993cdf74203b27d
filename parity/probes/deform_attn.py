"""Inputs for the `deform_attn` steps."""

from typing import Any

import numpy as np
import torch

from parity.probes.natural import probe
from parity.steps.deform_attn import initial_sampling_bias, multi_scale_deformable_attention


def make_attention(seed: int) -> dict[str, Any]:
    """One to four levels down to a single cell; locations inside, at edges and far outside."""
    rng = np.random.RandomState(seed)
    batch, heads, channels, queries, points = (int(rng.randint(1, top)) for top in (4, 5, 9, 8, 5))
    shapes = rng.randint(1, 9, (rng.randint(1, 5), 2))
    levels, keys = len(shapes), int(shapes.prod(1).sum())
    dtype = torch.float64 if seed % 5 == 4 else torch.float32
    locations = rng.uniform(-0.3, 1.3, (batch, queries, heads, levels, points, 2))
    at_grid = rng.rand(*locations.shape) < 0.2
    locations[at_grid] = rng.choice([0.0, 0.25, 0.5, 1.0, -2.0, 3.0], at_grid.sum())
    weights = rng.rand(batch, queries, heads, levels * points)
    weights /= weights.sum(-1, keepdims=True)
    return {
        "value": _tensor(rng.randn(batch, keys, heads, channels), dtype),
        "spatial_shapes": torch.from_numpy(shapes.astype(np.int64)),
        "sampling_locations": _tensor(locations, dtype),
        "attention_weights": _tensor(weights.reshape(locations.shape[:-1]), dtype),
        "grad_output": _tensor(rng.randn(batch, queries, heads * channels), dtype),
    }


def make_heads(seed: int) -> dict[str, int]:
    """Numbers of heads, levels and points; eight, three and four, as in Mask2Former, first."""
    if seed == 0:
        return {"num_heads": 8, "num_levels": 3, "num_points": 4}
    rng = np.random.RandomState(seed)
    names = ("num_heads", "num_levels", "num_points")
    return {name: int(rng.randint(1, 17)) for name in names}


def _tensor(array: np.ndarray[Any, Any], dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(array).to(dtype)


PROBES = (
    probe("deform_attn", multi_scale_deformable_attention, make_attention),
    probe("deform_attn_initial_bias", initial_sampling_bias, make_heads),
)
