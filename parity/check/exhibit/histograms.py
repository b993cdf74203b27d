"""How far the elements of an array are off, near boundaries between labels and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.check.exhibit.planes import is_label_map
from parity.check.exhibit.records import Bin, Histogram, Region
from parity.compare.leaf import Leaf, blocks

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
    found = _boundaries(expected_arrays, expected.array)
    near = np.zeros(1, bool) if found is None else _spread(found[1], expected.array.shape)
    parts = _Parts(actual, expected, np.broadcast_to(near, expected.array.shape).reshape(-1))
    smallest, largest, odd = parts.extent()
    if not largest:
        return None
    edges = _edges(smallest, largest, integer=expected.bits is None)
    result = Histogram(path=path, bins=_bins(parts, edges), non_finite=odd)
    if found is None:
        return result
    near_by, away = (parts.region(side) for side in (True, False))
    return replace(result, labels=found[0], radius=RADIUS, near=near_by, away=away)


@dataclass(frozen=True, eq=False)
class _Parts:
    """Two arrays of one shape, looked at part by part. near: where labels change, flat."""

    actual: Leaf
    expected: Leaf
    near: NDArray[np.bool_]

    def __iter__(self) -> Iterator[_Part]:
        start = 0
        for one, other in blocks(self.actual, self.expected):
            unequal = one.differs_from(other)
            finite = one.finite & other.finite
            distance = np.where(finite & unequal, one.distance_to(other), 0.0)
            yield _Part(unequal, finite, distance, self.near[start : start + unequal.size])
            start += unequal.size

    def extent(self) -> tuple[float, float, int]:
        """The smallest and the largest distance above 0, and how many are of no finite one."""
        smallest, largest, odd = np.inf, 0.0, 0
        for part in self:
            above = part.distance[part.distance > 0]
            smallest = min(smallest, float(above.min(initial=np.inf)))
            largest = max(largest, float(above.max(initial=0.0)))
            odd += int(np.count_nonzero(part.unequal & ~part.finite))
        return smallest, largest, odd

    def region(self, near: bool) -> Region:
        """What differs near boundaries, or away from them."""
        elements, differing, max_abs = 0, 0, 0.0
        for part in self:
            where = part.near == near
            elements += int(np.count_nonzero(where))
            differing += int(np.count_nonzero(part.unequal & where))
            max_abs = max(max_abs, float(part.distance[where].max(initial=0.0)))
        return Region(elements=elements, differing=differing, max_abs=max_abs)


class _Part(NamedTuple):
    unequal: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    distance: NDArray[np.float64]
    near: NDArray[np.bool_]


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


def _bins(parts: _Parts, edges: list[float]) -> tuple[Bin, ...]:
    sides = np.zeros((2, len(edges) - 1), np.int64)
    for part in parts:
        off = part.distance > 0
        for side, where in enumerate((part.near, ~part.near)):
            sides[side] += _count(part.distance[off & where], edges)
    largest = max(int(sides.sum(axis=0).max()), 1)
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
