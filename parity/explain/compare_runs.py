"""Two runs held against each other: settings, curves, and where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.causes.options import shown
from parity.compare.exhibit.curves import curve as series
from parity.compare.exhibit.records import Curve as Plot
from parity.runs.facts import Config, Source
from parity.runs.record import Curve, Run

# Values in text logs have four decimals; JSON records hold float32 values in full.
TEXT_PRECISION, JSON_PRECISION = 1e-4, 1e-6
MAX_PLOTS = 8
GROUPS = ("data", "model", "schedule", "precision", "evaluation", "other")
_PRECISION_KEYS = ("type", "dtype", "loss_scale", "use_fp16")
_BY_TOP = {
    "train_dataloader": "data",
    "data": "data",
    "data_preprocessor": "data",
    "val_dataloader": "evaluation",
    "test_dataloader": "evaluation",
    "val_evaluator": "evaluation",
    "test_evaluator": "evaluation",
    "evaluation": "evaluation",
    "test_cfg": "evaluation",
    "tta_model": "evaluation",
    "tta_pipeline": "evaluation",
    "model": "model",
    "load_from": "model",
    "optim_wrapper": "schedule",
    "optimizer": "schedule",
    "optimizer_config": "schedule",
    "param_scheduler": "schedule",
    "lr_config": "schedule",
    "train_cfg": "schedule",
    "runner": "schedule",
    "resume": "schedule",
    "auto_scale_lr": "schedule",
    "fp16": "precision",
}


@dataclass(frozen=True)
class Difference:
    """One setting that differs; "absent" where a run does not have it."""

    path: str
    here: str
    there: str
    source: Source | None = None


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
    settings: Mapping[str, tuple[Difference, ...]]
    curves: tuple[Overlap, ...]
    scores: tuple[tuple[int, float, float], ...]
    plots: tuple[Plot, ...] = ()

    @property
    def parts_at(self) -> int | None:
        """The first iteration from which the losses differ."""
        found = [c.parts_at for c in self.curves if c.name == "loss" and c.parts_at is not None]
        return min(found) if found else None


def compare_runs(here: Run, there: Run) -> RunComparison:
    """Hold `here` against `there`."""
    shared = [name for name in here.curves if name in there.curves and _compared(name)]
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
        config_differences(here.config, there.config),
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


def plot(here: Curve, there: Curve) -> Plot:
    """Both curves at the iterations that both logged, of which there must be one."""
    steps, mine, theirs = np.intersect1d(here.steps, there.steps, return_indices=True)
    return series(here.name, "iteration", steps, here.values[mine], there.values[theirs])


def _compared(name: str) -> bool:
    """Times and memory differ between any two runs."""
    return name not in ("time", "data_time", "memory")


def config_differences(
    here: Config | None, there: Config | None
) -> dict[str, tuple[Difference, ...]]:
    """Every setting that differs, by group; all groups are present."""
    found: dict[str, list[Difference]] = {group: [] for group in GROUPS}
    if here is not None and there is not None:
        mine, theirs = leaves(here.values), leaves(there.values)
        for path in dict.fromkeys([*mine, *theirs]):
            left, right = (
                shown(side[path]) if path in side else "absent" for side in (mine, theirs)
            )
            if left != right:
                place = here.source(*path) if path in mine else None
                text = ".".join(map(str, path))
                found[group_of(path)].append(Difference(text, left, right, place))
    return {group: tuple(items) for group, items in found.items()}


def group_of(path: tuple[str | int, ...]) -> str:
    """What a setting is about."""
    top = str(path[0])
    if top == "optim_wrapper" and len(path) == 2 and path[1] in _PRECISION_KEYS:
        return "precision"
    if top == "model" and len(path) > 1 and path[1] in ("test_cfg", "data_preprocessor"):
        return "evaluation" if path[1] == "test_cfg" else "data"
    return _BY_TOP.get(top, "other")


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    """Every scalar, and every list of scalars, by its path."""
    if isinstance(value, Mapping) and value:
        parts = [leaves(item, (*place, key)) for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(
        isinstance(i, (Mapping, list, tuple)) for i in value
    ):
        parts = [leaves(item, (*place, index)) for index, item in enumerate(value)]
    else:
        return {place: list(value) if isinstance(value, tuple) else value}
    return {path: item for part in parts for path, item in part.items()}


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
