"""One run from its segments: curves and evaluations joined, settings derived, notes taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from parity.runs.curves import fill, join
from parity.runs.facts import Config, Fact, Source
from parity.runs.log_data import LogData
from parity.runs.reading import Reading
from parity.runs.record import CheckpointFile, Curve, Evaluation, Run, Segment, WeightLoad
from parity.runs.segments import Loaded, merge_evaluations
from parity.runs.settings import SettingSources, settings_of

# The largest difference between a loss and the same loss printed with 4 decimals.
_ROUNDING = 1e-3


@dataclass
class Shared:
    """What belongs to no single start: consoles, event files, tables, configs, checkpoints.

    configs: with the name of the file each was dumped under. stated: what a
    table of another program says of the run.
    """

    consoles: list[LogData] = field(default_factory=list)
    events: list[LogData] = field(default_factory=list)
    tables: list[LogData] = field(default_factory=list)
    configs: list[tuple[str, Config]] = field(default_factory=list)
    checkpoints: tuple[CheckpointFile, ...] = ()
    stated: dict[str, Fact[Any]] = field(default_factory=dict)


def assemble(path: Path, loaded: Sequence[Loaded], shared: Shared, reading: Reading) -> Run:
    """The run that the `loaded` segments, in time order, and what they share make."""
    segments = tuple(item.segment for item in loaded)
    trained = [item for item in loaded if item.segment.steps]
    last = trained[-1] if trained else loaded[-1]
    curves = join([(segment.resumed_at.value, segment.curves) for segment in segments])
    evaluations = _joined_evaluations(segments)
    notes = _restarts(segments)
    fitting = [data for data in shared.consoles if _fits(curves, data, notes)]
    for data in [*shared.tables, *shared.events, *fitting]:
        curves = fill([curves, data.points.curves()])
        evaluations = merge_evaluations(evaluations, data.evaluations)
    environments = [data.environment for data in reversed(fitting)]
    environments.append(dict(last.segment.environment))
    environment = {name: fact for part in environments for name, fact in part.items()}
    config = last.segment.config or (shared.configs[-1][1] if shared.configs else None)
    evidence = SettingSources(
        config, _config_name(shared, last), _framework(environment, last), environment, segments,
        curves, evaluations, shared.checkpoints, last, shared.stated,
    )  # fmt: skip
    return Run(
        path=path,
        name=path.resolve().name,
        segments=segments,
        config=config,
        settings=settings_of(evidence),
        environment=environment,
        curves=curves,
        evaluations=evaluations,
        weights=_weights(segments, fitting),
        messages=tuple(m for segment in segments for m in segment.messages),
        console=tuple(reading.findings),
        checkpoints=shared.checkpoints,
        files=tuple(reading.files),
        unread=tuple(dict.fromkeys(reading.unread)),
        notes=(*notes, *(config.notes if config else ())),
        consoles=tuple(data.file for data in fitting),
    )


def _joined_evaluations(segments: Sequence[Segment]) -> tuple[Evaluation, ...]:
    """Of all segments; those of iterations that a resumption discarded are left out."""
    kept: list[Evaluation] = []
    for segment in segments:
        begin = _begin(segment)
        if begin is not None:
            kept = [e for e in kept if e.split == "test" or e.step is None or e.step < begin]
        kept += segment.evaluations
    return tuple(kept)


def _begin(segment: Segment) -> int | None:
    """The first iteration that `segment` trained; None when it trained none."""
    if segment.steps is None:
        return None
    resumed = segment.resumed_at.value
    return segment.steps[0] if resumed is None else min(resumed + 1, segment.steps[0])


def _restarts(segments: Sequence[Segment]) -> list[str]:
    """Starts that counted from the beginning although another had trained before."""
    notes, before = [], ""
    for segment in segments:
        if segment.steps is None:
            continue
        if before and not segment.resumed_at.known:
            loads = [load.path for load in segment.weights if load.purpose == "load"]
            how = f" from the weights of {loads[-1]}, without resuming," if loads else " anew"
            notes.append(
                f"{segment.name} started{how} after {before}; where both logged an iteration, "
                f"{segment.name} counts"
            )
        before = segment.name
    return notes


def _fits(curves: Mapping[str, Curve], data: LogData, notes: list[str]) -> bool:
    """Whether a console shows the same training; noted when its losses contradict."""
    printed, logged = data.points.curves().get("loss"), curves.get("loss")
    if printed is None or logged is None:
        return True
    _, left, right = np.intersect1d(printed.steps, logged.steps, return_indices=True)
    a, b = printed.values[left], logged.values[right]
    both = np.isfinite(a) & np.isfinite(b)
    differs = both & (np.abs(np.where(both, a - b, 0)) > _ROUNDING * np.maximum(1, np.abs(b)))
    if not np.any(differs):
        return True
    step = int(printed.steps[left][differs][0])
    notes.append(
        f"{data.file} looks like the console of another run: its loss at iteration {step} differs "
        "from the log's; only its failure lines are used"
    )
    return False


def _config_name(shared: Shared, last: Loaded) -> Fact[str]:
    """mmengine dumps a config under its own name, or under the time stamp if it has none."""
    # The one that the last segment dumped too, then the others.
    dumped = sorted(shared.configs, key=lambda item: item[1] is not last.segment.config)
    named = [Fact(PurePosixPath(file).stem, Source(file)) for file, _ in dumped]
    named += [last.exp_name]
    for item in shared.checkpoints:
        stated = item.content.meta.get("experiment_name") if item.content else None
        named += [Fact(stated, Source(item.file))] if isinstance(stated, str) else []
    for fact in named:
        if fact.value and not fact.value.replace("_", "").isdigit():
            return fact
    return Fact(note="the config was given no file name")


def _framework(environment: Mapping[str, Fact[str]], last: Loaded) -> Fact[str]:
    for key, name in (("MMEngine", "mmengine"), ("MMCV", "mmcv")):
        if key in environment:
            return Fact(f"{name} {environment[key].value}", environment[key].source)
    if last.logger:
        return Fact(last.logger, note="by the name of the logger")
    return Fact(note="no environment in the log")


def _weights(segments: Sequence[Segment], consoles: Sequence[LogData]) -> tuple[WeightLoad, ...]:
    """As logged, completed by what only a console shows.

    `load_from`, and some backbones, print what did not match without a logger.
    """
    loads = [load for segment in segments for load in segment.weights]
    for printed in (load for data in consoles for load in data.weights):
        same = [i for i, load in enumerate(loads) if load.path == printed.path]
        if not same:
            loads.append(printed)
        elif printed.listed is not None and loads[same[0]].listed is None:
            purpose, source = loads[same[0]].purpose, loads[same[0]].source
            loads[same[0]] = replace(printed, purpose=purpose, source=source)
    return tuple(loads)
