"""Whether two sides score the same, by their scores over seeds and over images.

Two one-sided t tests (Schuirmann 1987, doi:10.1007/BF01068419) on the differences of runs
with the same seed; what they cannot decide is called undecided, never equal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # type: ignore[import-untyped]

Floats = NDArray[np.float64]
MARGIN = 0.5
LEVEL = 0.05
POWER = 0.8
RESAMPLES = 1000
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Equivalence:
    """Of one score in percent, seed by seed.

    interval: 95 % of the mean difference, candidate less reference; None with one seed.
    p: of two one-sided tests that the difference is within `margin`. spread: standard
    deviation of the reference over seeds. needed: seeds with which the tests would decide
    four times in five, were there no difference. verdict: "equal", "equivalent",
    "different" or "undecided".
    """

    candidate: tuple[float, ...]
    reference: tuple[float, ...]
    margin: float
    difference: float
    interval: tuple[float, float] | None
    p: float | None
    spread: float | None
    needed: int | None
    verdict: str


def equivalence(
    candidate: Sequence[float], reference: Sequence[float], *, margin: float = MARGIN
) -> Equivalence:
    """Hold the scores of runs with the same seeds beside each other."""
    ours, theirs = np.array(candidate, float), np.array(reference, float)
    apart = ours - theirs
    count, mean = len(apart), float(apart.mean())
    given = (tuple(candidate), tuple(reference), margin, mean)
    spread = float(theirs.std(ddof=1)) if count > 1 else None
    if not apart.any():
        return Equivalence(*given, (0.0, 0.0) if count > 1 else None, None, spread, None, "equal")
    if count == 1:
        return Equivalence(*given, None, None, None, None, "undecided")
    deviation = float(apart.std(ddof=1))
    half = float(stdtrit(count - 1, 1 - LEVEL / 2)) * deviation / math.sqrt(count)
    interval, p = (mean - half, mean + half), _tost(apart, margin)
    excluded = not interval[0] <= 0 <= interval[1]
    verdict = "equivalent" if p < LEVEL else "different" if excluded else "undecided"
    return Equivalence(*given, interval, p, spread, seeds_needed(deviation, margin), verdict)


def _tost(apart: Floats, margin: float) -> float:
    """The larger p of both tests; with differences that are all the same, 0 or 1."""
    if apart.std() == 0:
        return float(abs(apart.mean()) >= margin)
    error = float(apart.std(ddof=1)) / math.sqrt(len(apart))
    nearest = (margin - abs(float(apart.mean()))) / error
    return float(stdtr(len(apart) - 1, -nearest))


def seeds_needed(deviation: float, margin: float) -> int | None:
    """The fewest with which two one-sided tests have power `POWER`; None beyond `MOST_SEEDS`.

    deviation: of the differences from seed to seed.
    """
    for count in range(2, MOST_SEEDS + 1):
        needed = stdtrit(count - 1, 1 - LEVEL) + stdtrit(count - 1, (1 + POWER) / 2)
        if margin * math.sqrt(count) >= needed * deviation:
            return count
    return None


@dataclass(frozen=True)
class ClassEquivalence:
    """IoU of one class in percent over all seeds; NaN where it is in no image.

    interval: 95 % of the difference, candidate less reference, over images drawn anew.
    """

    name: str
    candidate: float
    reference: float
    interval: tuple[float, float]


def by_class(
    candidate: Sequence[Any], reference: Sequence[Any], names: Sequence[str] = ()
) -> tuple[ClassEquivalence, ...]:
    """Per class; both are areas ``(images, 4, classes)`` of the same images, one per seed."""
    ours, theirs = (np.sum([np.asarray(one) for one in side], 0) for side in (candidate, reference))
    images, _, classes = ours.shape
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(images, np.full(images, 1 / images), RESAMPLES)
    both = [_iou(drawn, side) for side in (ours, theirs)]
    low, high = _percentiles(both[0] - both[1])
    whole = np.ones((1, images), int)
    actual, expected = (_iou(whole, side)[0] for side in (ours, theirs))
    named = names if len(names) == classes else [str(index) for index in range(classes)]
    rows = zip(named, actual, expected, low, high, strict=True)
    return tuple(
        ClassEquivalence(name, float(one), float(two), (float(least), float(most)))
        for name, one, two, least, most in rows
    )


def mean_iou(areas: Any) -> float:
    """In percent, not rounded, of areas ``(images, 4, classes)``; NaN classes left out."""
    found = np.asarray(areas)
    ratios = _iou(np.ones((1, len(found)), int), found)
    return float(np.nanmean(ratios)) if np.isfinite(ratios).any() else math.nan


def _iou(weights: NDArray[Any], areas: NDArray[Any]) -> Floats:
    intersection, union = weights @ areas[:, 0], weights @ areas[:, 1]
    with np.errstate(invalid="ignore"):
        ratios: Floats = 100.0 * intersection / union
    return ratios


def _percentiles(values: Floats) -> tuple[Floats, Floats]:
    """2.5 and 97.5 % of each column, over the rows that are numbers; NaN where none is."""
    empty = np.isnan(values).all(0)
    found = np.nanpercentile(np.where(empty, 0.0, values), [2.5, 97.5], axis=0)
    found[:, empty] = np.nan
    return found[0], found[1]
