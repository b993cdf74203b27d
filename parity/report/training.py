"""Trainings side by side as text."""

import math
from collections.abc import Iterator
from typing import Any

from parity.train.asked import BOTH
from parity.train.equivalence import ClassEquivalence, Equivalence
from parity.train.operations import OperationParting
from parity.train.record import Training
from parity.train.seeds import Trainings
from parity.train.tally import Count, LockstepTally

SHOWN_CLASSES = 5


def render_training(found: Trainings) -> str:
    """For a terminal: what was trained, the verdicts, a line per quantity, and the scores."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Trainings) -> Iterator[str]:
    first = found.each[0]
    yield heading(found)
    yield from (f"  on both sides: {change}" for change in first.changes)
    yield from (f"  not ours: {part}" for part in first.not_ours)
    yield from (f"  {remark}" for remark in remarks(first))
    for training in found.each:
        yield from _training(training, several=len(found.each) > 1)
    if found.scores is not None:
        yield from _scores(found, found.scores)


def _alone(training: Training) -> str:
    ((side, trace),) = training.traces.items()
    terms = ", ".join(f"{name} {value:.6g}" for name, value in trace.last.items())
    made = f"{side} alone, {trace.steps[-1] if trace.steps else 0} iterations"
    made += f" of {training.options.iters}, interrupted" if training.interrupted else ""
    return f"{made}; the last losses: {terms}"


def remarks(training: Training) -> Iterator[str]:
    """What else there is to say of both sides."""
    yield from training.notes
    if training.options.teacher or training.options.precise:
        yield "each iteration begins with the state of the reference"


def heading(found: Trainings) -> str:
    """What was trained, where, and with which seeds."""
    options = found.each[0].options
    seeds = ", ".join(str(training.options.seed) for training in found.each)
    where = f"{options.device}, {options.threads} thread{'s' if options.threads > 1 else ''}"
    named = f"seed{'s' if len(found.each) > 1 else ''} {seeds}"
    missing = ", ".join(map(str, found.missing))
    left = f"; interrupted before seed {missing}" if missing else ""
    return f"{found.each[0].name}: {named}, {where}{left}"


def _training(training: Training, *, several: bool) -> Iterator[str]:
    seed = f"seed {training.options.seed}: " if several else ""
    if training.begun:
        yield f"  {seed}gone on with from iteration {training.begun}"
    if training.tally is None:
        yield f"{seed}{_alone(training)}"
        for trace in training.traces.values():
            yield from (_validated(at, scores) for at, scores in trace.scores.items())
        return
    yield f"{seed}{verdict(training)}"
    if not several or training.tally.first is not None or training.tally.excused:
        yield from details(training)
        yield from _table(training.tally)


def details(training: Training) -> Iterator[str]:
    """What was excused, and the first operations that part."""
    yield from _judged(training)
    yield from _operations(training.tally.operations if training.tally else None)


def summary(found: Trainings) -> str:
    """One line of all seeds."""
    first = next((one for one in found.each if not one.equal), found.each[0])
    if first.tally is None:
        return _alone(first)
    if len(found.each) == 1:
        return verdict(first)
    equal = sum(training.equal for training in found.each)
    worst = "" if first.equal else f"; seed {first.options.seed}: {verdict(first)}"
    return f"{equal} of {len(found.seeds or found.each)} seeds equal in every bit{worst}"


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


def _validated(iteration: int, scores: Any) -> str:
    told = ", ".join(f"{name} {value:.2f}" for name, value in scores.items() if name != "areas")
    return f"  iteration {iteration}: {told}"


def verdict(training: Training) -> str:
    """One line: equal, or the first thing that differs; and why it ended early."""
    tally = training.tally
    if tally is None:
        return "not compared"
    if training.interrupted:
        where = f"iteration {tally.iterations} of {training.options.iters}"
        return f"incomplete, interrupted in {where}; so far {_verdict(training, tally, '')}"
    return _verdict(training, tally, f"; both stopped at {tally.stopped}" if tally.stopped else "")


def _verdict(training: Training, tally: LockstepTally, ended: str) -> str:
    if tally.first is not None:
        alone = training.options.repeat and training.options.side != BOTH
        word = "not deterministic" if alone else "different"
        return f"{word}: {tally.first}{ended}"
    if tally.excused:
        return f"no finding: {tally.iterations} iterations, {_counted(tally)}{ended}"
    total = sum(count.compared for count in tally.counts.values())
    made = tally.iterations - training.begun
    return f"equal: {made} iterations, all {total:,} values bit-equal{ended}"


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
            *distances(count),
            where,
        )


def _row(name: str, *cells: str) -> str:
    *numbers, first = cells
    return f"  {name:<28}{''.join(f'{number:>11}' for number in numbers)}  {first}".rstrip()


def distances(count: Count) -> tuple[str, str]:
    """The largest difference, absolute and relative; nothing for 0."""
    if not count.largest:
        return "", ""
    return f"{count.largest:.3g}", f"{count.relative:.3g}"


def _scores(found: Trainings, scores: Equivalence) -> Iterator[str]:
    yield f"mIoU, {len(found.each[0].classes) or 'all'} classes, percent:"
    yield _row("seed", "ours", "reference", "difference", "")
    rows = zip(found.each, scores.candidate, scores.reference, strict=True)
    for training, ours, theirs in rows:
        cells = (f"{ours:.3f}", f"{theirs:.3f}", f"{ours - theirs:+.3f}", "")
        yield _row(str(training.options.seed), *cells)
    yield f"  {score_verdict(scores)}"
    for one in farthest(found.classes)[:SHOWN_CLASSES]:
        low, high = one.interval
        apart = f"{one.candidate - one.reference:+.2f} [{low:+.2f}, {high:+.2f}]"
        yield f"  {one.name}: {one.candidate:.2f} and {one.reference:.2f}, {apart} over images"


def farthest(classes: tuple[ClassEquivalence, ...]) -> list[ClassEquivalence]:
    """The classes whose scores differ, those that do the most first."""
    apart = {one.name: one.candidate - one.reference for one in classes}
    kept = [one for one in classes if apart[one.name] and not math.isnan(apart[one.name])]
    return sorted(kept, key=lambda one: -abs(apart[one.name]))


def score_verdict(scores: Equivalence) -> str:
    """What the scores say, and how many seeds would say more."""
    if scores.verdict == "equal":
        return "equal in every seed" if len(scores.candidate) > 1 else "equal with this seed"
    if scores.interval is None:
        return (
            f"undecided: one run against one; a difference of {scores.difference:+.3f} cannot be "
            "told from the noise between seeds; give several --seeds"
        )
    low, high = scores.interval
    told = f"mean difference {scores.difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
    test = f"two one-sided t tests with a margin of {scores.margin:g}: p = {scores.p:.2g}"
    spread = f"the reference spreads by {scores.spread:.3f} from seed to seed"
    undecided = scores.verdict == "undecided" and scores.needed
    more = f"; {scores.needed} seeds would decide" if undecided else ""
    return f"{scores.verdict}: {told}; {test}; {spread}{more}"
