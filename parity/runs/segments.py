"""One start of the training program, from all files that it wrote."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from parity.errors import RunFormatError
from parity.runs.config import parse_config
from parity.runs.curves import fill
from parity.runs.facts import Config, Fact, Source, first_known
from parity.runs.log_data import LogData
from parity.runs.reading import Reading
from parity.runs.record import Evaluation, Segment
from parity.runs.tree import Start

# Logs round to 4 decimals what JSON files keep whole; mmcv 0.x rounds fractions so.
_SAME_METRIC = 0.006


@dataclass(frozen=True)
class Loaded:
    """A segment with what only the whole run needs of it."""

    segment: Segment
    logger: str
    exp_name: Fact[str]
    max_iters: Fact[int]
    loader_length: Fact[int]
    images: tuple[Fact[int], ...]


def load_start(start: Start, reading: Reading) -> Loaded:
    """Everything the files of `start` say together; exact JSON values count before log lines."""
    scalars = [reading.scalars(file) for file in start.of("scalars")]
    copies = [
        reading.scalars(file)
        for file in start.of("scalars copy")
        if not reading.is_copy(file, start.of("scalars"))
    ]
    tests = [reading.scalars(file, split="test") for file in start.of("test scalars")]
    logs = [reading.log(file) for file in start.of("log")]
    others = [reading.log(file) for file in start.of("rank log")]
    events = reading.events(start.of("events"))
    configs = [reading.config(file) for file in start.of("config")]
    ordered = [data for data in (*scalars, *copies, *tests, *logs, *events) if data is not None]
    config = next((found for found in configs if found is not None), None)
    ranks = [data for data in others if data is not None]
    return combine(start.stamp, ordered, ranks, config or printed_config(ordered, reading))


def combine(
    name: str, sources: Sequence[LogData], ranks: Sequence[LogData], config: Config | None
) -> Loaded:
    """`sources` of one start, the most exact first; of other ranks only their messages."""
    evaluations: tuple[Evaluation, ...] = ()
    for data in sources:
        evaluations = merge_evaluations(evaluations, data.evaluations)
    segment = Segment(
        name=name,
        environment={k: v for data in reversed(sources) for k, v in data.environment.items()},
        config=config,
        curves=fill([data.points.curves() for data in sources]),
        evaluations=evaluations,
        weights=tuple(load for data in sources for load in data.weights),
        messages=tuple(m for data in (*sources, *ranks) for m in data.tally.messages()),
        notices={k: v for data in reversed(sources) for k, v in data.notices.items()},
        resumed_at=first_known([data.resumed_at for data in sources]),
    )
    return Loaded(
        segment,
        next((data.logger for data in sources if data.logger), ""),
        first_known([data.exp_name for data in sources]),
        first_known([data.max_iters for data in sources]),
        first_known([data.loader_length for data in sources]),
        next((tuple(data.images) for data in sources if data.images), ()),
    )


def printed_config(sources: Sequence[LogData], reading: Reading) -> Config | None:
    """The config that a log printed; one that cannot be parsed is listed as unread."""
    printed = [(data, data.config) for data in sources if data.config is not None]
    for data, found in sorted(printed, key=lambda item: not item[1].own_lines):
        try:
            if found.own_lines:
                return parse_config(found.text, file=data.file, line=found.line, work=reading.work)
            config = parse_config(found.text, file=data.file, work=reading.work)
            place = Source(data.file, found.line)
            return replace(config, origins=dict.fromkeys(config.origins, place))
        except RunFormatError as error:
            reading.failed(data.file, error)
    return None


def merge_evaluations(
    known: Sequence[Evaluation], more: Sequence[Evaluation]
) -> tuple[Evaluation, ...]:
    """`known` completed by `more` of the same start; what `more` alone has is added.

    The same evaluation is told by its split and by its metrics, rounding aside:
    a log does not state its step.
    """
    merged = list(known)
    pairs = _paired(known, more)
    for index, item in enumerate(more):
        if index not in pairs:
            merged.append(item)
            continue
        old = merged[pairs[index]]
        merged[pairs[index]] = replace(
            old,
            source=old.source if old.source.text else item.source,
            samples=old.samples or item.samples,
            classes=max(old.classes, item.classes, key=len),
            step=item.step if old.step is None else old.step,
        )
    return tuple(sorted(merged, key=lambda item: (item.split == "test", item.step or 0)))


def _paired(known: Sequence[Evaluation], more: Sequence[Evaluation]) -> dict[int, int]:
    """Which of `known` each of `more` is: first where their steps agree, then in order."""
    at_step = {(item.split, item.step): index for index, item in enumerate(known)}
    pairs: dict[int, int] = {}
    for index, item in enumerate(more):
        match = at_step.get((item.split, item.step))
        if match is not None and _same(known[match], item):
            pairs[index] = match
            del at_step[item.split, item.step]
    taken = set(pairs.values())
    free = [index for index in range(len(known)) if index not in taken]
    for index, item in enumerate(more):
        match = None if index in pairs else next((i for i in free if _same(known[i], item)), None)
        if match is not None:
            pairs[index] = match
            free.remove(match)
    return pairs


def _same(left: Evaluation, right: Evaluation) -> bool:
    shared = left.metrics.keys() & right.metrics.keys()
    pairs = [(left.metrics[name], right.metrics[name]) for name in shared]
    same_split = left.split == right.split
    return same_split and bool(pairs) and all(_close(a, b) for a, b in pairs)


def _close(left: float, right: float) -> bool:
    both_nan = math.isnan(left) and math.isnan(right)
    return both_nan or left == right or abs(left - right) < _SAME_METRIC
