"""Both sides of an array and their amplified difference, as pictures of bounded size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.check.exhibit.planes import Plane, plane_of
from parity.check.exhibit.records import Picture, UInt8Array, View
from parity.compare.compare import Comparison
from parity.compare.leaf import Leaf

# Longest edges in pixels: of the whole plane, thinned, and of the part around the differences.
WHOLE_EDGE = 256
DETAIL_EDGE = 96
# Grey level, of 255, of the smallest difference: it must be seen on black.
FAINTEST = 40


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both planes as shown, at full size. unequal: ``(H, W)``; None when the shapes differ."""

    actual: UInt8Array
    expected: UInt8Array
    difference: UInt8Array | None
    unequal: NDArray[np.bool_] | None


def picture(path: str, actual: Leaf, expected: Leaf, comparison: Comparison) -> Picture | None:
    """Pictures of an array on both sides; None when it has no plane worth showing."""
    left = plane_of(path, actual, comparison.worst_index)
    right = plane_of(path, expected, comparison.worst_index)
    if left is None or right is None or left.kind != right.kind:
        return None
    low, high = _value_range(left, right)
    pair = _pair(left, right, low, high)
    worst = _worst_in_plane(right, comparison)
    views = [_whole(pair, worst)]
    if pair.unequal is not None and views[0].stride > 1 and pair.unequal.any():
        views.append(_detail(pair, worst))
    return Picture(
        path=path,
        kind=right.kind,
        caption=_caption(right, (actual, expected), low, high),
        gain=_gain_text(left, right),
        worst=_worst_text(comparison),
        views=tuple(views),
    )


def _pair(left: Plane, right: Plane, low: float, high: float) -> _Pair:
    shown = [_shown(plane, low, high) for plane in (left, right)]
    if left.values.shape != right.values.shape:
        return _Pair(shown[0], shown[1], None, None)
    difference = _amplified(left, right)
    unequal = difference > 0 if difference.ndim == 2 else np.any(difference > 0, axis=2)
    return _Pair(shown[0], shown[1], difference, np.asarray(unequal))


def _value_range(left: Plane, right: Plane) -> tuple[float, float]:
    """Smallest and largest finite value of both planes."""
    if left.kind != "values":
        return 0.0, 255.0
    finite = [plane.values[np.isfinite(plane.values)] for plane in (left, right)]
    values = np.concatenate([part.astype(np.float64).ravel() for part in finite])
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def _shown(plane: Plane, low: float, high: float) -> UInt8Array:
    """RGB, or class ids of a label map; ids outside a byte show as 254."""
    if plane.kind == "labels":
        ids = plane.values
        outside = (ids < 0) | (ids > 255)
        return np.where(outside, 254, ids).astype(np.uint8)
    if plane.kind == "image":
        return np.ascontiguousarray(plane.values)
    spread = (high - low) or 1.0
    filled = np.nan_to_num(plane.values.astype(np.float64), nan=low, posinf=high, neginf=low)
    grey = np.rint((filled - low) / spread * 255).astype(np.uint8)
    return grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)


def _amplified(left: Plane, right: Plane) -> UInt8Array:
    """Differences of planes of one shape, the largest at 255; for label maps just where."""
    if left.kind == "labels":
        return np.where(left.values != right.values, 255, 0).astype(np.uint8)
    distance = _distance(left, right)
    largest = distance.max(initial=0.0)
    if largest == 0.0:
        return np.zeros(distance.shape, np.uint8)
    scaled = np.rint(distance / largest * 255)
    return np.where(distance > 0, np.clip(scaled, FAINTEST, 255), 0).astype(np.uint8)


def _distance(left: Plane, right: Plane) -> NDArray[np.float64]:
    """Absolute differences; where one side alone is not finite, the largest of the others."""
    actual, expected = left.values.astype(np.float64), right.values.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(actual - expected)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    finite = np.isfinite(distance)
    largest = distance[finite].max(initial=0.0) or 1.0
    return np.where(same, 0.0, np.where(finite, distance, largest))


def _whole(pair: _Pair, worst: tuple[int, int] | None) -> View:
    height, width = pair.expected.shape[:2]
    edge = max(*pair.actual.shape[:2], height, width)
    stride = -(-edge // WHOLE_EDGE)
    return _view("whole", pair, (0, 0, height, width), stride, worst)


def _detail(pair: _Pair, worst: tuple[int, int] | None) -> View:
    """A window at full resolution, around the differences or, when these are many, the worst."""
    assert pair.unequal is not None
    top, left, height, width = bounding_box(pair.unequal)
    rows, columns = pair.unequal.shape
    center = worst if worst is not None else (top + height // 2, left + width // 2)
    if height <= DETAIL_EDGE and width <= DETAIL_EDGE:
        center = (top + height // 2, left + width // 2)
    window = (min(DETAIL_EDGE, rows), min(DETAIL_EDGE, columns))
    at = [
        int(np.clip(middle - size // 2, 0, full - size))
        for middle, size, full in zip(center, window, (rows, columns), strict=True)
    ]
    return _view("detail", pair, (at[0], at[1], *window), 1, worst)


def _view(
    name: str,
    pair: _Pair,
    window: tuple[int, int, int, int],
    stride: int,
    worst: tuple[int, int] | None,
) -> View:
    top, left, height, width = window
    if pair.difference is None or pair.unequal is None:
        sides = [side[::stride, ::stride].copy() for side in (pair.actual, pair.expected)]
        return View(name, 0, 0, stride, sides[0], sides[1], None)
    cut = (slice(top, top + height), slice(left, left + width))
    thin = (slice(top, top + height, stride), slice(left, left + width, stride))
    unequal = pair.unequal[cut]
    return View(
        name=name,
        top=top,
        left=left,
        stride=stride,
        actual=pair.actual[thin].copy(),  # so that the whole array can be freed
        expected=pair.expected[thin].copy(),
        difference=_block_max(pair.difference[cut], stride),
        box=_shrunk(bounding_box(unequal), stride) if unequal.any() else None,
        worst=_inside(worst, window, stride),
    )


def _block_max(values: UInt8Array, stride: int) -> UInt8Array:
    """The largest of every stride x stride block, so that one wrong pixel stays visible."""
    if stride == 1:
        return values
    height, width = values.shape[:2]
    around = ((0, -height % stride), (0, -width % stride)) + ((0, 0),) * (values.ndim - 2)
    padded = np.pad(values, around)
    rows, columns = padded.shape[0] // stride, padded.shape[1] // stride
    blocks = padded.reshape(rows, stride, columns, stride, *values.shape[2:])
    return np.asarray(blocks.max(axis=(1, 3)))


def bounding_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """``(top, left, height, width)`` around all that is true; at least one element is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left


def _shrunk(box: tuple[int, int, int, int], stride: int) -> tuple[int, int, int, int]:
    top, left, height, width = box
    bottom, right = -(-(top + height) // stride), -(-(left + width) // stride)
    return top // stride, left // stride, bottom - top // stride, right - left // stride


def _inside(
    worst: tuple[int, int] | None, window: tuple[int, int, int, int], stride: int
) -> tuple[int, int] | None:
    if worst is None:
        return None
    row, column = worst[0] - window[0], worst[1] - window[1]
    inside = 0 <= row < window[2] and 0 <= column < window[3]
    return (row // stride, column // stride) if inside else None


def _worst_in_plane(plane: Plane, comparison: Comparison) -> tuple[int, int] | None:
    index = comparison.worst_index
    if index is None:
        return None
    if plane.kind == "image":
        return index[0], index[1]
    return index[-2], index[-1]


def _worst_text(comparison: Comparison) -> str:
    if comparison.worst_index is None:
        return ""
    at = ", ".join(map(str, comparison.worst_index))
    return f"[{at}]: actual {comparison.worst_actual}, expected {comparison.worst_expected}"


def _size(plane: Plane) -> str:
    return " x ".join(map(str, plane.values.shape[:2]))


def _caption(plane: Plane, sides: tuple[Leaf, Leaf], low: float, high: float) -> str:
    actual, expected = (f"{leaf.dtype}, {' x '.join(map(str, leaf.array.shape))}" for leaf in sides)
    parts = [expected if actual == expected else f"actual {actual}, expected {expected}"]
    if plane.lead:
        rest = ":, :, :" if plane.channel_first else ":, :"
        parts.append(f"shown: [{', '.join(map(str, plane.lead))}, {rest}]")
    if plane.kind == "values":
        parts.append(f"black {low:g}, white {high:g} on both sides")
    return "; ".join(parts)


def _gain_text(left: Plane, right: Plane) -> str:
    if left.values.shape != right.values.shape:
        return f"the shapes differ, {_size(left)} actual, {_size(right)} expected"
    if left.kind == "labels":
        return "white where the classes differ"
    largest = float(_distance(left, right).max(initial=0.0))
    if largest == 0.0:
        return "no difference in this plane"
    return f"largest difference, {largest:g}, at full brightness"
