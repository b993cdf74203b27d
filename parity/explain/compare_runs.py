"""Two runs held against each other: settings, curves, and where they part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.causes.cause import RunContext
from parity.check.exhibit.curves import curve as series
from parity.check.exhibit.records import Series
from parity.runs.record import Curve
from parity.settings import SettingDifference
from parity.settings.meaning import GROUPS

# Values in text logs have four decimals; JSON records hold float32 values in full.
TEXT_PRECISION, JSON_PRECISION = 1e-4, 1e-6
MAX_PLOTS = 8
NEVER_EQUAL = ("time", "data_time", "memory")


@dataclass(frozen=True)
class Overlap:
    """One curve in both runs. shared: iterations logged by both.

    parts_at: the first iteration at which the values differ beyond `precision`,
    the precision they were logged with; None when they never do.
    """

    name: str
    shared: int
    parts_at: int | None
    here: float | None
    there: float | None
    largest: float
    precision: float


@dataclass(frozen=True)
class RunComparison:
    """settings: by group. scores: iteration and both scores where both were validated.

    plots: the loss, and the other curves that part most, to be looked at.
    """

    here: str
    there: str
    settings: Mapping[str, tuple[SettingDifference, ...]]
    curves: tuple[Overlap, ...]
    scores: tuple[tuple[int, float, float], ...]
    plots: tuple[Series, ...] = ()

    @property
    def parts_at(self) -> int | None:
        """The first iteration from which the losses differ."""
        found = [c.parts_at for c in self.curves if c.name == "loss" and c.parts_at is not None]
        return min(found) if found else None


def compare_runs(context: RunContext) -> RunComparison:
    """Hold the run of `context` against the other run there."""
    here, there = context.run, context.other
    assert there is not None
    shared = [name for name in here.curves if name in there.curves and name not in NEVER_EQUAL]
    other = {score.step: score.value for score in there.scores}
    overlaps = [overlap(here.curves[name], there.curves[name]) for name in sorted(shared)]
    scores = tuple(
        (score.step, score.value, other[score.step])
        for score in here.scores
        if score.step is not None and score.step in other
    )
    return RunComparison(
        here.name,
        there.name,
        grouped(context.differences),
        tuple(overlaps),
        scores,
        tuple(plot(here.curves[name], there.curves[name]) for name in _looked_at(overlaps)),
    )


def _looked_at(overlaps: Sequence[Overlap]) -> list[str]:
    """Names of the curves worth a plot, most telling first."""

    def key(item: Overlap) -> tuple[bool, bool, float]:
        size = max(abs(item.here or 0.0), abs(item.there or 0.0), item.precision)
        return item.name != "loss", item.name != "lr", -item.largest / size

    found = [
        item for item in overlaps if item.shared > 1 and (item.parts_at or item.name == "loss")
    ]
    return [item.name for item in sorted(found, key=key)[:MAX_PLOTS]]


def plot(here: Curve, there: Curve) -> Series:
    """Both curves at the iterations that both logged, of which there must be one."""
    steps, mine, theirs = np.intersect1d(here.steps, there.steps, return_indices=True)
    return series(here.name, "iteration", steps, here.values[mine], there.values[theirs])


def grouped(found: Sequence[SettingDifference]) -> dict[str, tuple[SettingDifference, ...]]:
    """Every setting that differs, by group; all groups are present."""
    return {group: tuple(item for item in found if item.group == group) for group in GROUPS}


def overlap(here: Curve, there: Curve) -> Overlap:
    """Where two curves have values at the same iterations, and from where these differ."""
    steps, mine, theirs = np.intersect1d(here.steps, there.steps, return_indices=True)
    left, right = here.values[mine], there.values[theirs]
    precision = max(_precision(here), _precision(there))
    with np.errstate(invalid="ignore"):
        distance = np.abs(left - right)
        scale = np.maximum(1.0, np.abs(left)) if precision == JSON_PRECISION else 1.0
        near = np.isfinite(distance) & (distance <= precision * scale)
    apart = ~(near | (left == right) | (np.isnan(left) & np.isnan(right)))
    finite = distance[np.isfinite(distance)]
    largest = float(finite.max()) if finite.size else 0.0
    if not apart.any():
        return Overlap(here.name, len(steps), None, None, None, largest, precision)
    at = int(np.argmax(apart))
    return Overlap(
        here.name, len(steps), int(steps[at]), float(left[at]), float(right[at]), largest, precision
    )


def _precision(curve: Curve) -> float:
    used = {curve.files[int(part)] for part in np.unique(curve.parts)}
    return JSON_PRECISION if all(file.endswith(".json") for file in used) else TEXT_PRECISION
