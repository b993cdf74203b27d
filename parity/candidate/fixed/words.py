"""In words, by iteration and by the names of parameters: what differs from the config."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.candidate.fixed.named import GROUPS, ByName
from parity.check.summary import IsolatedRun
from parity.compare.rounding import bound, roundings_of
from parity.probes.natural.recipe import Table
from parity.text import count, names

_SHOWN = 4


def difference_in_words(held: IsolatedRun) -> str:
    """What a record of the candidate says beside the reference's; "" where that is not clear."""
    _, expected, actual = held
    if actual.error or actual.output is None:
        return ""
    if isinstance(expected.output, np.ndarray):
        return _of_rates(actual.output, expected.output, roundings_of(expected.input))
    if expected.name == GROUPS:
        return _of_groups(actual.output, expected.output)
    return _of_options(actual.output, expected.output)


def _of_rates(actual: Table, expected: Table, roundings: float) -> str:
    if actual.shape != expected.shape:
        return ""
    apart = np.abs(actual - expected)
    wrong = ~(apart <= bound("float64", float(expected.max()), roundings))
    rows = np.flatnonzero(wrong.any(axis=1))
    if not len(rows):
        return ""
    first, worst = rows[0], int(np.nanargmax(apart.max(axis=1)))
    text = (
        f"{len(rows):,} of {count(len(expected), 'iteration')} differ by more than rounding, the "
        f"first is {_at(actual, expected, int(first))}, the largest difference {apart.max():.3g} "
        f"is at {_at(actual, expected, worst)}"
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (actual / expected)[expected > 0]
    even = len(ratios) and np.ptp(ratios) <= 1e-9 * abs(ratios[0]) and np.isfinite(ratios).all()
    return f"{text}; every rate is {ratios[0]:.6g} times the config's" if even else text


def _at(actual: Table, expected: Table, iteration: int) -> str:
    column = int(np.argmax(np.abs(actual[iteration] - expected[iteration])))
    pair = (actual[iteration, column], expected[iteration, column])
    return f"iteration {iteration:,} ({pair[0]:.9g} for {pair[1]:.9g})"


def _of_options(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    keys = dict.fromkeys([*expected, *actual])
    wrong = [key for key in keys if actual.get(key) != expected.get(key)]
    return "; ".join(f"{key} {actual.get(key)} for {expected.get(key)}" for key in wrong)


def _of_groups(mine: ByName, theirs: ByName) -> str:
    """By parameter name; every way in which some differ, with the first of them."""
    absent = [name for name in theirs if name not in mine]
    surplus = [name for name in mine if name not in theirs]
    told = [f"{len(absent)} in no group ({names(absent, _SHOWN)})"] if absent else []
    told += [f"{len(surplus)} that the reference does not train"] if surplus else []
    for (key, one, other), some in _ways(mine, theirs).items():
        told.append(f"{key} {one:g} for {other:g} of {len(some)} ({names(some, _SHOWN)})")
    shown = told[:_SHOWN] + ([f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else [])
    return f"of {count(len(theirs), 'parameter')}: {'; '.join(shown)}" if told else ""


def _ways(mine: ByName, theirs: ByName) -> dict[tuple[str, float, float], list[str]]:
    """Names of parameters by what they have for what, most of them first."""
    ways: dict[tuple[str, float, float], list[str]] = {}
    for name in theirs:
        for key, other in theirs[name].items():
            one = mine.get(name, theirs[name])[key]
            if abs(one - other) > 1e-12 * max(abs(one), abs(other)):
                ways.setdefault((key, one, other), []).append(name)
    return dict(sorted(ways.items(), key=lambda item: -len(item[1])))
