"""How far the elements of an array are off, near boundaries between labels and elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.compare.exhibit.planes import is_label_map
from parity.compare.exhibit.records import Bin, Histogram, Region
from parity.compare.leaf import Leaf

# Up to this many pixels from a boundary, interpolation mixes two labels at usual scales.
RADIUS = 3
BINS = 12


def histogram(
    path: str, actual: Leaf, expected: Leaf, expected_arrays: dict[str, Leaf]
) -> Histogram | None:
    """The histogram of a differing array; None when its shapes differ or it holds class ids.

    expected_arrays: all arrays of the expected output, among which a label map
    of the same height and width is looked for.
    """
    if actual.array.shape != expected.array.shape or is_label_map(path, expected):
        return None
    unequal = actual.differs_from(expected)
    finite = actual.finite & expected.finite
    distance = np.where(finite & unequal, actual.distance_to(expected), 0.0)
    if not np.any(distance > 0):
        return None
    found = _boundaries(expected_arrays, expected.array)
    near = np.zeros(distance.shape, bool)
    if found is not None:
        near = np.broadcast_to(_spread(found[1], distance.shape), distance.shape)
    result = Histogram(
        path=path,
        bins=_bins(distance, near, integer=expected.bits is None),
        non_finite=int(np.count_nonzero(unequal & ~finite)),
    )
    if found is None:
        return result
    regions = [_region(unequal, distance, where) for where in (near, ~near)]
    return replace(result, labels=found[0], radius=RADIUS, near=regions[0], away=regions[1])


def near_boundary(labels: NDArray[Any], radius: int = RADIUS) -> NDArray[np.bool_]:
    """Pixels of a label map ``(H, W)`` up to `radius` (in rows and columns) from another label."""
    edge = np.zeros(labels.shape, np.uint8)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    reach = 2 * radius - 1  # the pixels on both sides of a boundary are 1 away
    return np.asarray(cv2.dilate(edge, np.ones((reach, reach), np.uint8)) > 0)


def _boundaries(
    arrays: dict[str, Leaf], array: NDArray[Any]
) -> tuple[str, NDArray[np.bool_]] | None:
    """Path of a label map that fits `array`, and where it is near a boundary: ``(..., H, W)``."""
    for path, leaf in arrays.items():
        if not is_label_map(path, leaf) or leaf.array.ndim not in (2, 3):
            continue
        maps = leaf.array if leaf.array.ndim == 3 else leaf.array[None]
        last = array.ndim == 3 and array.shape[:2] == maps.shape[1:] and len(maps) == 1
        batch = array.ndim == 4 and array.shape[0] == len(maps)
        first = array.ndim in (2, 3) and array.shape[-2:] == maps.shape[1:] and len(maps) == 1
        if last or first or (batch and array.shape[-2:] == maps.shape[1:]):
            return path, np.stack([near_boundary(one) for one in maps])
    return None


def _spread(near: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """``(N, H, W)`` brought to the axes of an array: (H, W, C), (C, H, W), (N, C, H, W), (H, W)."""
    if len(shape) == 4:
        return np.asarray(near[:, None])
    if len(shape) == 3 and shape[:2] == near.shape[1:]:
        return np.asarray(near[0][..., None])
    return np.asarray(near[0])


def _bins(
    distance: NDArray[np.float64], near: NDArray[np.bool_], *, integer: bool
) -> tuple[Bin, ...]:
    off = distance > 0
    values, beside = distance[off], near[off]
    edges = _edges(float(values.min()), float(values.max()), integer=integer)
    sides = [_count(values[beside == side], edges) for side in (True, False)]
    largest = max(int((sides[0] + sides[1]).max()), 1)
    return tuple(
        Bin(low, high, int(n), int(a), int(n) / largest, int(a) / largest)
        for low, high, n, a in zip(edges[:-1], edges[1:], *sides, strict=True)
    )


def _count(values: NDArray[np.float64], edges: list[float]) -> NDArray[np.int64]:
    """How many values lie above each edge, up to and including the next."""
    above = np.searchsorted(np.asarray(edges), values, side="left") - 1
    return np.bincount(np.clip(above, 0, len(edges) - 2), minlength=len(edges) - 1)


def _edges(smallest: float, largest: float, *, integer: bool) -> list[float]:
    """Powers of two for integers, else powers of ten; at most `BINS` bins, the lowest widest."""
    base = 2.0 if integer else 10.0
    top = int(np.ceil(np.log(largest) / np.log(base) - 1e-9))
    bottom = int(np.floor(np.log(smallest) / np.log(base) - 1e-9))
    bottom = max(min(bottom, top - 1), top - BINS)
    edges = [base**exponent for exponent in range(bottom, top + 1)]
    from_zero = smallest <= edges[0] or (integer and edges[0] < 1)
    return [0.0, *edges[1:]] if from_zero else edges


def _region(
    unequal: NDArray[np.bool_], distance: NDArray[np.float64], where: NDArray[np.bool_]
) -> Region:
    return Region(
        elements=int(np.count_nonzero(where)),
        differing=int(np.count_nonzero(unequal & where)),
        max_abs=float(distance[where].max(initial=0.0)),
    )
