"""Series, such as the learning rate over the iterations, on both sides."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.check.exhibit.records import Series
from parity.compare.leaf import Leaf

MIN_POINTS = 8
MAX_POINTS = 400
# Columns of a table that are still read as one series each, such as parameter groups.
MAX_SERIES = 4


def curves(path: str, actual: Leaf, expected: Leaf) -> tuple[Series, ...]:
    """The columns of a floating array ``(n,)`` or ``(n, few)`` as series, those that differ.

    The shorter side of two that are not of one length ends in NaN.
    """
    left, right = actual.array, expected.array
    if left.shape[1:] != right.shape[1:] or expected.bits is None or right.ndim not in (1, 2):
        return ()
    if right.shape[0] < MIN_POINTS or (right.ndim == 2 and right.shape[1] > MAX_SERIES):
        return ()
    length = max(len(left), len(right))
    here, there = (_padded(side, length).T for side in (left, right))
    index = np.arange(length)
    return tuple(
        curve(title(path, column, len(there)), "index", index, mine, theirs)
        for column, (mine, theirs) in enumerate(zip(here, there, strict=True))
        if not np.array_equal(mine, theirs, equal_nan=True)
    )


def _padded(array: NDArray[Any], length: int) -> NDArray[np.float64]:
    """``(length, columns)``, what is missing as NaN."""
    table = array.astype(np.float64).reshape(len(array), -1)
    return np.pad(table, ((0, length - len(table)), (0, 0)), constant_values=np.nan)


def title(path: str, column: int, columns: int) -> str:
    """The name of a series."""
    name = path or "output"
    return f"{name}[:, {column}]" if columns > 1 else name


def curve(
    name: str,
    x_label: str,
    x: NDArray[np.int64],
    actual: NDArray[np.float64],
    expected: NDArray[np.float64],
) -> Series:
    """Both sides at the positions `x`, all ``(n,)`` with n > 0, thinned; the worst point stays."""
    with np.errstate(invalid="ignore", over="ignore"):
        difference = actual - expected
    at = _kept(difference)
    left, right, apart = (
        tuple(float(v) for v in side[at]) for side in (actual, expected, difference)
    )
    return Series(name, x_label, tuple(float(i) for i in x[at]), left, right, apart)


def _kept(difference: NDArray[np.float64]) -> NDArray[np.int64]:
    """Positions shown: evenly spaced, both ends, and the one that is most off."""
    length = len(difference)
    even = np.linspace(0, length - 1, min(length, MAX_POINTS)).round().astype(np.int64)
    worst = int(np.argmax(np.nan_to_num(np.abs(difference), nan=np.inf)))
    return np.union1d(even, [worst])
