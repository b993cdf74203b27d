"""Two samples of one parameter: do they come from the same distribution?

scipy is imported when a test is made.
"""

import importlib
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from parity.errors import InputError

# Chance that any parameter of a candidate that draws as the reference does is called different.
ALPHA = 0.001
POWER = 0.9
# What the reference cannot draw at all must be seen this often; one may be an estimate gone wrong.
FEWEST_BEYOND = 2
# Fewer values a side than this are not tested.
FEWEST_VALUES = 20


@dataclass(frozen=True)
class ParameterTest:
    """One test. p: as computed; adjusted: after Holm's correction.

    statistic: a difference of rates, or of distribution functions, 0 to 1.
    detectable: the smallest such difference that is found with power `POWER`.
    effect: what differs, in words.
    """

    parameter: str
    name: str
    statistic: float
    p: float
    detectable: float
    effect: str
    adjusted: float = 1.0

    @property
    def differs(self) -> bool:
        """Whether chance is ruled out at `ALPHA` for all tests together."""
        return self.adjusted < ALPHA


def holm(tests: Sequence[ParameterTest]) -> list[ParameterTest]:
    """The same tests with p values corrected for their number (Holm 1979)."""
    order = sorted(range(len(tests)), key=lambda index: tests[index].p)
    adjusted, running = list(tests), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, tests[index].p * (len(tests) - rank)))
        adjusted[index] = replace(tests[index], adjusted=running)
    return adjusted


def rates(
    parameter: str,
    name: str,
    sides: tuple[Sequence[Hashable], Sequence[Hashable]],
    tests: int,
) -> ParameterTest | None:
    """Chi-square of the categories on both sides (Fisher's exact test where counts are small).

    sides: actual and expected. tests: how many there are in all, for the power.
    None with too few values.
    """
    actual, expected = sides
    if min(len(actual), len(expected)) < FEWEST_VALUES:
        return None
    left, right = Counter(actual), Counter(expected)
    keys = sorted({*left, *right}, key=str)
    table = np.array([[side[key] for key in keys] for side in (left, right)])
    shares = table / table.sum(axis=1, keepdims=True)
    moved = int(np.argmax(np.abs(shares[0] - shares[1]).round(9)))  # of two, the first
    effect = (
        f"{name} {_named(keys[moved])}{shares[0, moved]:.2f}; the reference {shares[1, moved]:.2f}"
    )
    statistic = float(np.abs(shares[0] - shares[1]).max())
    detectable = detectable_rate(len(actual), len(expected), tests)
    return ParameterTest(parameter, name, statistic, _table_p(table), detectable, effect)


def values(
    parameter: str, sides: tuple[Sequence[float], Sequence[float]], tests: int, digits: int
) -> ParameterTest | None:
    """Kolmogorov-Smirnov of two samples, as `rates`. None with too few values."""
    actual, expected = sides
    if min(len(actual), len(expected)) < FEWEST_VALUES:
        return None
    found = _stats().ks_2samp(actual, expected)
    effect = "; the reference ".join(_summary(side, digits) for side in (actual, expected))
    detectable = detectable_shift(len(actual), len(expected), tests)
    return ParameterTest(
        parameter, "values", float(found.statistic), float(found.pvalue), detectable, effect
    )


def reach(
    parameter: str, actual: Sequence[float], bounds: tuple[float, float], error: float, digits: int
) -> ParameterTest | None:
    """Whether values pass the `bounds` of the reference's uniform draw, or stay short of them.

    error: the largest error of an estimate. Beyond the bounds the reference
    cannot be at all; short of them, it is with probability F(largest) ** n.
    """
    if len(actual) < FEWEST_VALUES:
        return None
    low, high = bounds
    found = np.asarray(actual, dtype=np.float64)
    past = int((found > high + error).sum()), int((found < low - error).sum())
    if max(past) >= FEWEST_BEYOND:
        end, stop = (found.max(), high) if past[0] >= past[1] else (found.min(), low)
        effect = f"{parameter} reaches {end:+.{digits}f}; the reference stops at {stop:+.{digits}f}"
        return ParameterTest(parameter, "reach", max(past) / len(found), 0.0, 0.0, effect)
    upper = _inside(found.max() + error, low, high) ** len(found)
    lower = _inside(low + high - found.min() + error, low, high) ** len(found)
    end, stop = (found.max(), high) if upper <= lower else (found.min(), low)
    effect = f"{parameter} stops at {end:+.{digits}f}; the reference reaches {stop:+.{digits}f}"
    short = 1 - _inside(end if upper <= lower else low + high - end, low, high)
    detectable = 1 - math.exp(math.log(ALPHA / 40) / len(found))
    return ParameterTest(
        parameter, "reach", short, min(1.0, 2 * min(upper, lower)), detectable, effect
    )


def detectable_rate(actual: int, expected: int, tests: int) -> float:
    """The difference of two rates near 1/2 that is found with power `POWER`."""
    normal = NormalDist()
    quantiles = normal.inv_cdf(1 - ALPHA / tests / 2) + normal.inv_cdf(POWER)
    return quantiles * math.sqrt(0.25 / actual + 0.25 / expected)


def detectable_shift(actual: int, expected: int, tests: int) -> float:
    """The difference of two distribution functions that is found with power `POWER`."""
    spread = math.sqrt(1 / actual + 1 / expected)
    critical = math.sqrt(-math.log(ALPHA / tests / 2) / 2) * spread
    return critical + NormalDist().inv_cdf(POWER) * 0.5 * spread


def _stats() -> Any:
    try:
        return importlib.import_module("scipy.stats")
    except ModuleNotFoundError:
        raise InputError("comparing distributions needs scipy; pip install scipy") from None


def _table_p(table: np.ndarray[Any, Any]) -> float:
    if table.shape[1] < 2:
        return 1.0
    if table.shape[1] == 2 and table.sum(axis=0).min() < 20:
        return float(_stats().fisher_exact(table).pvalue)
    return float(_stats().chi2_contingency(table).pvalue)


def _inside(value: float, low: float, high: float) -> float:
    return float(min(max((value - low) / (high - low), 0.0), 1.0))


def _summary(side: Sequence[float], digits: int) -> str:
    low, middle, high = np.quantile(np.asarray(side, dtype=np.float64), (0, 0.5, 1))
    return f"median {middle:.{digits}f} from {low:.{digits}f} to {high:.{digits}f}"


def _named(key: Hashable) -> str:
    return "" if isinstance(key, bool) else f"{key} "
