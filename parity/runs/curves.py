"""Logged values as curves: collected point by point, and several sources joined into one."""

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from parity.runs.record import Curve

MAX_NAMES = 2_000
MAX_STEP = 1 << 53
# Of one file; 160,000 iterations, each logged with 35 values, are 5.6 million.
MAX_VALUES = 8_000_000
# What other writers call the same thing (mmcv 0.x's TensorBoard hook: learning_rate).
_ALIASES = {"learning_rate": "lr", "base_learning_rate": "base_lr"}
_NO_CURVE = frozenset({"step", "iter", "epoch", "eta", "mode", "eta_seconds"})


def curve_name(name: str) -> str:
    """The name without the mode in front of it: ``train/loss`` is ``loss``."""
    bare = name.removeprefix("train/")
    return _ALIASES.get(bare, bare)


def number(value: object) -> float | None:
    """`value` as a float, NaN and infinities included; None when it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def step_number(value: object) -> int | None:
    """`value` as a count of iterations; None when it cannot be one."""
    found = number(value)
    if found is None or not math.isfinite(found) or not 0 <= found < MAX_STEP:
        return None
    return int(found)


class _Series:
    __slots__ = ("rows", "values")

    def __init__(self) -> None:
        self.rows = array("i")
        self.values = array("d")


class Points:
    """Collects the values of one file, a row at a time.

    overflow: there were more names or values than are kept.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.overflow = False
        self._steps = array("q")
        self._lines = array("q")
        self._series: dict[str, _Series] = {}
        # By the name as written, so that each is looked at once; None: no curve.
        self._written: dict[str, _Series | None] = dict.fromkeys(_NO_CURVE)
        self._room = MAX_VALUES

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, line: int, values: Iterable[tuple[str, object]]) -> None:
        """Take the numbers among `values`, logged after `step` iterations in `line`."""
        row, room = len(self._steps), self._room
        for name, value in values:
            try:
                series = self._written[name]
            except KeyError:
                series = self._new(name, value)
            found = value if type(value) is float else number(value)
            if series is not None and found is not None and room > 0:
                series.rows.append(row)
                series.values.append(found)
                room -= 1
        if room < self._room:
            self._steps.append(step)
            self._lines.append(line)
        self._room = room
        self.overflow |= room <= 0

    def _new(self, name: str, value: object) -> _Series | None:
        """Where values of `name` go from now on; not decided by a value that is no number."""
        if number(value) is None:
            return None
        if len(self._written) >= MAX_NAMES:
            self.overflow = True
            return None
        series = self._series.setdefault(curve_name(name), _Series())
        self._written[name] = series
        return series

    def curves(self) -> dict[str, Curve]:
        """One curve per name; of several values at one step the first is kept."""
        steps, lines = np.array(self._steps, np.int64), np.array(self._lines, np.int64)
        parts = np.zeros(len(steps), np.int16)
        found = {}
        for name, series in self._series.items():
            whole = Curve(name, steps, np.zeros(0), lines, parts, (self.file,))
            values = np.array(series.values, np.float64)
            if len(values) == len(steps):  # logged in every row: the arrays are shared
                found[name] = _first_of_each_step(replace(whole, values=values))
            else:
                rows = np.array(series.rows, np.int64)
                curve = replace(
                    whole, steps=steps[rows], values=values, lines=lines[rows], parts=parts[rows]
                )
                found[name] = _first_of_each_step(curve)
        return found


def _first_of_each_step(curve: Curve) -> Curve:
    if np.all(np.diff(curve.steps) > 0):
        return curve
    return curve.select(np.unique(curve.steps, return_index=True)[1])


def fill(sources: Sequence[Mapping[str, Curve]]) -> dict[str, Curve]:
    """One set of curves from several of the same training; at one step the first source counts."""
    names = dict.fromkeys(name for curves in sources for name in curves)
    return {name: _union([c[name] for c in sources if name in c]) for name in names}


def _union(curves: Sequence[Curve]) -> Curve:
    if len(curves) == 1:
        return curves[0]
    offsets = np.cumsum([0] + [len(curve.files) for curve in curves[:-1]], dtype=np.int16)
    return _first_of_each_step(
        Curve(
            curves[0].name,
            np.concatenate([curve.steps for curve in curves]),
            np.concatenate([curve.values for curve in curves]),
            np.concatenate([curve.lines for curve in curves]),
            np.concatenate([c.parts + n for c, n in zip(curves, offsets, strict=True)]),
            tuple(file for curve in curves for file in curve.files),
        )
    )


def join(parts: Sequence[tuple[int | None, Mapping[str, Curve]]]) -> dict[str, Curve]:
    """The curves of a run from those of its segments, in time order.

    parts: each segment's iterations already done when it started (None: not
    known, then its first logged step decides) and its curves. What an earlier
    segment logged beyond that was discarded by the resumption and is cut.
    """
    joined: dict[str, Curve] = {}
    for resumed_at, curves in parts:
        firsts = [int(curve.steps[0]) for curve in curves.values() if len(curve)]
        if not firsts:
            continue
        begin = min(firsts) if resumed_at is None else min(resumed_at + 1, *firsts)
        kept = {name: curve.select(curve.steps < begin) for name, curve in joined.items()}
        joined = fill([curves, kept])
    return {name: curve for name, curve in joined.items() if len(curve)}
