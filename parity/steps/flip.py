"""Flip image and label map.

Reproduces ``RandomFlip`` (mmcv 2.1.0 mmcv/transforms/processing.py; mmseg 1.2.2
mmseg/datasets/transforms/transforms.py).
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.errors import InputError
from parity.sample import Array, Sample

Direction = Literal["horizontal", "vertical", "diagonal"]
_AXES: dict[str, tuple[int, ...]] = {"horizontal": (1,), "vertical": (0,), "diagonal": (0, 1)}


def draw_flip(
    rng: RandomState,
    *,
    prob: float | Sequence[float],
    direction: Direction | Sequence[Direction] = "horizontal",
) -> Direction | None:
    """Draw the direction to flip, or None; always one draw.

    One `prob` is shared evenly among several directions; a list gives each its own.

    Raises InputError for unknown directions and probabilities that do not fit.
    """
    directions = [direction] if isinstance(direction, str) else list(direction)
    probabilities = _probabilities(prob, len(directions))
    unknown = set(directions) - set(_AXES)
    if unknown:
        raise InputError(f"flip directions {sorted(unknown)} are unknown; use {list(_AXES)}")
    choices: list[Any] = [*directions, None]
    drawn: Direction | None = rng.choice(choices, p=probabilities)
    return drawn


def _probabilities(prob: float | Sequence[float], count: int) -> list[float]:
    # The order of the additions is the reference's: choice() sees the same floats.
    if isinstance(prob, (int, float)):
        listed, none = [float(prob) / count] * count, 1.0 - float(prob)
    else:
        listed = list(prob)
        none = 1 - sum(listed)
    if len(listed) != count or min(*listed, none) < 0:
        raise InputError(f"flip prob {prob} must give {count} probabilities with a sum up to 1")
    return [*listed, none]


def flip(array: NDArray[Any], direction: Direction) -> NDArray[Any]:
    """``(H, W)`` or ``(H, W, C)`` mirrored; "horizontal" swaps left and right."""
    if direction not in _AXES:
        raise InputError(f"flip direction {direction!r} is unknown; use one of {list(_AXES)}")
    return np.flip(array, axis=_AXES[direction]).copy()


def swap_labels(seg: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """Exchange the two ids of every pair, such as left arm and right arm."""
    swapped = seg.copy()
    for first, second in pairs:
        swapped[seg == first] = second
        swapped[seg == second] = first
    return swapped


def flip_sample(
    sample: Sample,
    rng: RandomState,
    *,
    prob: float | Sequence[float],
    direction: Direction | Sequence[Direction] = "horizontal",
    swap_seg_labels: Sequence[tuple[int, int]] | None = None,
) -> Sample:
    """``RandomFlip``. Sets meta ``flip`` and ``flip_direction`` (None when not flipped)."""
    drawn = draw_flip(rng, prob=prob, direction=direction)
    meta = sample.meta.replace(flip=drawn is not None, flip_direction=drawn)
    if drawn is None:
        return sample.replace(meta=meta)

    def flipped(label: Array) -> Array:
        turned = flip(label, drawn)
        return swap_labels(turned, swap_seg_labels) if swap_seg_labels else turned

    return sample.with_labels(flipped).replace(image=flip(sample.image, drawn), meta=meta)
