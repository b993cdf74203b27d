"""A training side by side as text, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from parity import __version__
from parity.train.operations import OperationParting
from parity.train.record import BOTH, Training
from parity.train.tally import Count, LockstepTally

FORMAT = 1


def render_training(training: Training) -> str:
    """For a terminal: what was trained, the verdict, and a line per quantity."""
    return "".join(f"{line}\n" for line in _lines(training))


def _lines(training: Training) -> Iterator[str]:
    options = training.options
    where = f"{options.device}, {options.threads} thread{'s' if options.threads > 1 else ''}"
    yield f"{training.name}: seed {options.seed}, {where}"
    yield from (f"  on both sides: {change}" for change in training.changes)
    yield from (f"  not ours: {part}" for part in training.not_ours)
    yield from (f"  {note}" for note in training.notes)
    if training.tally is None:
        terms = ", ".join(f"{name} {value:.6g}" for name, value in training.losses.items())
        yield f"{options.side} alone, {options.iters} iterations; the last losses: {terms}"
        return
    if options.teacher or options.precise:
        yield "  each iteration begins with the state of the reference"
    yield verdict(training)
    yield from _judged(training)
    yield from _operations(training.tally.operations)
    yield from _table(training.tally)


def _judged(training: Training) -> Iterator[str]:
    """What a third training excused."""
    judge, tally = training.judge, training.tally
    if judge is None or tally is None or not tally.excused:
        return
    yield f"  not bit-equal, but {judge.word}: {tally.excused:,} values"
    for name, ratio in judge.largest.items():
        yield f"    {name}: at most {ratio:.3g} times as far from float64 as the reference"


def _operations(found: OperationParting | None) -> Iterator[str]:
    if found is None:
        return
    yield "the first operations whose results the other side never has:"
    for side, one in (("ours", found.ours), ("the reference's", found.theirs)):
        yield f"  {side}: {one or 'none'}"


def verdict(training: Training) -> str:
    """One line: equal, or the first thing that differs."""
    tally = training.tally
    if tally is None:
        return "not compared"
    if tally.first is not None and training.options.repeat and training.options.side != BOTH:
        return f"not deterministic: {tally.first}"
    if tally.first is not None:
        return f"different: {tally.first}"
    if tally.excused:
        return f"no finding: {tally.iterations} iterations, {_counted(tally)}"
    total = sum(count.compared for count in tally.counts.values())
    return f"equal: {tally.iterations} iterations, all {total:,} values bit-equal"


def _counted(tally: LockstepTally) -> str:
    total = sum(count.compared for count in tally.counts.values())
    return f"{total - tally.excused:,} of {total:,} values bit-equal"


def _table(tally: LockstepTally) -> Iterator[str]:
    yield _row("quantity", "compared", "different", "excused", "largest", "relative", "first")
    for name, count in tally.listed:
        first = count.first
        where = "" if first is None else f"iteration {first.iteration}: {first.name}"
        yield _row(
            name,
            f"{count.compared:,}",
            f"{count.differing:,}",
            f"{count.excused:,}",
            *_distances(count),
            where,
        )


def _row(name: str, *cells: str) -> str:
    *numbers, first = cells
    return f"  {name:<28}{''.join(f'{number:>11}' for number in numbers)}  {first}".rstrip()


def _distances(count: Count) -> tuple[str, str]:
    if not count.largest:
        return "", ""
    return f"{count.largest:.3g}", f"{count.relative:.3g}"


def render_training_json(training: Training) -> str:
    """Every field, for programs."""
    options = {**asdict(replace(training.options, port=None)), "work_dir": None}
    content: dict[str, Any] = {
        "format": FORMAT,
        "parity": __version__,
        "config": training.name,
        "options": options,
        "changes": training.changes,
        "not_ours": training.not_ours,
        "notes": training.notes,
        "losses": dict(training.losses),
    }
    if training.options.side == BOTH and training.tally is not None:
        tally = asdict(training.tally)
        content |= {"equal": training.equal, "verdict": verdict(training), **tally}
    return json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """With text for numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
