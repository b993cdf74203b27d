"""One actual-expected pair: what differs, how much, where.

The order is fixed: structure, shape, dtype, non-finite mask, values. The first
of them that differs is the reason; nothing is broadcast, cast, averaged or
sorted to make two things fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.compare.leaf import Leaf, as_leaf, blocks
from parity.compare.tolerance import EXACT, Tolerance
from parity.text import ulp


class Verdict(str, Enum):
    """How a comparison ended, best first."""

    EQUAL = "equal"
    WITHIN = "within tolerance"
    DIFFERENT = "different"
    NOT_COMPARED = "not compared"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Comparison:
    """The record of one actual-expected pair.

    reason: the stage that failed ("structure", "shape", "dtype", "non-finite",
    "values"), or "" when nothing did. count, differing: elements compared, and
    those whose bits differ. max_abs: largest absolute difference of finite
    elements. max_ulp: largest distance in representable numbers (None for
    integers). worst_index: where max_abs occurs, first in row-major order, with
    both values. box: ``(start, stop)`` per axis around all differing elements.
    """

    verdict: Verdict
    reason: str = ""
    detail: str = ""
    count: int = 0
    differing: int = 0
    max_abs: float = 0.0
    max_ulp: int | None = None
    worst_index: tuple[int, ...] | None = None
    worst_actual: float | None = None
    worst_expected: float | None = None
    box: tuple[tuple[int, int], ...] | None = None
    tolerance: Tolerance = EXACT

    @property
    def weight(self) -> tuple[bool, bool, float]:
        """Larger for what is worse: beyond tolerance, by more than rounding, by how much."""
        return self.verdict is Verdict.DIFFERENT, self.reason != "rounding", self.max_abs

    @property
    def passed(self) -> bool:
        """Equal, or within the tolerance; nothing compared is never a pass."""
        return self.verdict in (Verdict.EQUAL, Verdict.WITHIN)

    @property
    def is_minor(self) -> bool:
        """Whether it differs by nothing but 0.0 beside -0.0."""
        real = self.reason != "values" or self.max_abs > 0 or self.max_ulp is None
        return self.verdict is Verdict.DIFFERENT and not real

    def __str__(self) -> str:
        parts = [str(self.verdict)]
        if self.reason:
            parts.append(f"({self.reason})")
        if self.detail:
            parts.append(self.detail)
        return " ".join(parts)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several together: different if any is, not compared if none was."""
    seen = set(verdicts)
    for verdict in (Verdict.DIFFERENT, Verdict.WITHIN, Verdict.EQUAL):
        if verdict in seen:
            return verdict
    return Verdict.NOT_COMPARED


def compare(actual: Any, expected: Any, tolerance: Tolerance = EXACT) -> Comparison:
    """Compare two arrays, tensors or plain values.

    Arrays are equal when every bit is, except that any NaN equals any NaN at
    the same place; 0.0 and -0.0 differ by one ULP. Plain values are equal when
    type and value are. Raises InputError for what is none of these.
    """
    left, right = as_leaf(actual), as_leaf(expected)
    if left.kind != right.kind:
        return _failed("structure", f"actual is {left.kind}, expected {right.kind}", tolerance)
    if left.values is None or right.values is None:
        return _compare_plain(actual, expected, tolerance)
    if left.values.shape != right.values.shape:
        detail = f"actual shape {left.values.shape}, expected {right.values.shape}"
        return _failed("shape", detail, tolerance)
    if left.dtype != right.dtype:
        return _failed("dtype", f"actual {left.dtype}, expected {right.dtype}", tolerance)
    if left.values.size == 0:
        return Comparison(Verdict.NOT_COMPARED, detail="no elements", tolerance=tolerance)
    return _compare_values(left, right, tolerance)


def _failed(reason: str, detail: str, tolerance: Tolerance) -> Comparison:
    return Comparison(Verdict.DIFFERENT, reason, detail, tolerance=tolerance)


def _compare_plain(actual: Any, expected: Any, tolerance: Tolerance) -> Comparison:
    if actual == expected:
        return Comparison(Verdict.EQUAL, count=1, tolerance=tolerance)
    detail = f"actual {actual!r}, expected {expected!r}"
    return Comparison(Verdict.DIFFERENT, "values", detail, 1, 1, tolerance=tolerance)


def _compare_values(left: Leaf, right: Leaf, tolerance: Tolerance) -> Comparison:
    unequal = np.empty(left.array.size, dtype=bool)
    parts: list[_Part] = []
    start = 0
    for one, other in blocks(left, right):
        where = one.differs_from(other)
        unequal[start : start + where.size] = where
        parts += [_Part.of(start, one, other, where, tolerance)] if np.any(where) else []
        start += where.size
    if not parts:
        return Comparison(Verdict.EQUAL, count=start, max_ulp=left.zero_ulp, tolerance=tolerance)
    ulps = [part.max_ulp for part in parts if part.max_ulp is not None]
    odd = sum(part.odd for part in parts)
    # Where an element is not finite on one side, that is worst; else the largest distance.
    worst = max(parts, key=lambda part: (part.odd > 0, 0.0 if part.odd else part.max_abs))
    index = tuple(int(axis) for axis in np.unravel_index(worst.worst, left.array.shape))
    fields: dict[str, Any] = {
        "count": start,
        "differing": int(np.count_nonzero(unequal)),
        "max_abs": max(part.max_abs for part in parts),
        "max_ulp": max(ulps, default=None),
        "worst_index": index,
        "worst_actual": left.array[index].item(),
        "worst_expected": right.array[index].item(),
        "box": _bounding_box(unequal.reshape(left.array.shape)),
        "tolerance": tolerance,
    }
    fields["detail"] = _describe(fields, odd)
    if odd:
        return Comparison(Verdict.DIFFERENT, "non-finite", **fields)
    if all(part.within for part in parts):
        return Comparison(Verdict.WITHIN, **fields)
    return Comparison(Verdict.DIFFERENT, "values", **fields)


@dataclass(frozen=True)
class _Part:
    """What differs in some of the elements. odd: how many are not finite on some side.

    worst: position in the whole array, flat, of the first of these, else of the largest
    distance. within: whether the tolerance accepts all of them.
    """

    odd: int
    worst: int
    max_abs: float
    max_ulp: int | None
    within: bool

    @classmethod
    def of(
        cls, start: int, left: Leaf, right: Leaf, unequal: NDArray[np.bool_], tolerance: Tolerance
    ) -> _Part:
        """Of flat arrays that begin at `start` in the whole ones."""
        finite = left.finite & right.finite & unequal
        odd = unequal & ~finite
        distance = np.where(finite, left.distance_to(right), 0.0)
        ulps = left.ulps_to(right)
        badness = next((one for one in (odd, distance) if np.any(one)), unequal)
        return cls(
            odd=int(np.count_nonzero(odd)),
            worst=start + int(np.argmax(badness)),
            max_abs=float(distance.max()),
            max_ulp=None if ulps is None else int(np.where(finite, ulps, 0).max()),
            within=tolerance.accepts(distance, right.array, ulps, unequal),
        )


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        hits = np.flatnonzero(mask.any(axis=others))
        box.append((int(hits[0]), int(hits[-1]) + 1))
    return tuple(box)


def _describe(fields: dict[str, Any], odd: int) -> str:
    """In words. odd: how many of those that differ are not finite on some side."""
    size = f"by up to {fields['max_abs']:g}"
    size += f", {told} ULP" if (told := ulp(fields["max_ulp"])) else ""
    if odd:
        rest = f", others {size}" if odd < fields["differing"] else ""
        size = f"{odd} of them NaN or infinite on a side{rest}"
    return (
        f"{fields['differing']} of {fields['count']} elements differ, "
        f"{size}; at {fields['worst_index']}: "
        f"actual {fields['worst_actual']}, expected {fields['worst_expected']}"
    )
