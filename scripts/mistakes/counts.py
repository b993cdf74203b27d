"""How many known mistakes are found and named: every suspect planted, and pairs of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mistakes.heldout import WRONG, HeldOut, score_held_out
from mistakes.inputs import all_cases, clean_cases
from mistakes.planting import Place, StepScore, score_function
from parity.check.cases import Case
from parity.check.summary import candidate_steps, reference_steps
from parity.check.workers import in_processes
from parity.compare.compare import Verdict
from parity.compare.trace import Trace, run_trace
from parity.compare.walk import compare_with_trace
from parity.suspects.catalogue import FAMILIES, suspects_of
from parity.suspects.trial import Trial

# Shares that must be reached.
DETECTED, NAMED, PAIRS_NAMED = 1.0, 0.95, 0.9
# Clean samples checked in one go by one process.
BLOCK = 500


@dataclass(frozen=True)
class Scorecard:
    """mode: whose output is expected, "live mmsegmentation" or "own clean steps".

    clean: samples checked without any mistake; false_alarms: cases among them that
    are called different.
    """

    mode: str
    rows: tuple[StepScore, ...]
    clean: int
    false_alarms: tuple[str, ...]
    held: tuple[HeldOut, ...] = ()

    @property
    def held_out(self) -> HeldOut:
        """Of all steps."""
        return sum(self.held, HeldOut("all"))

    @property
    def steps(self) -> tuple[StepScore, ...]:
        """One row per step, its functions summed up."""
        return tuple(
            sum((row for row in self.rows if row.step == step), StepScore(step, ""))
            for step in dict.fromkeys(row.step for row in self.rows)
        )

    @property
    def total(self) -> StepScore:
        """Of all steps."""
        return sum(self.rows, StepScore("all", ""))

    @property
    def failures(self) -> tuple[str, ...]:
        """What falls short of the shares that must be reached."""
        total = self.total
        rates = (
            ("detected", total.count("detected"), total.suspects, DETECTED),
            ("at the right step", total.count("right_step"), total.suspects, DETECTED),
            ("named first", total.count("named"), total.suspects, NAMED),
            ("pairs with both named", total.pairs_named, total.pairs, PAIRS_NAMED),
        )
        short = [
            f"{what}: {count} of {of}, needs {share:.0%}"
            for what, count, of, share in rates
            if count < share * of or not of
        ]
        if self.held_out.wrong > WRONG * self.held_out.places:
            names = f"{self.held_out.wrong} of {self.held_out.places}"
            short.append(f"wrong names of mistakes held out: {names}, needs below {WRONG:.0%}")
        if self.false_alarms:
            short.append(f"{len(self.false_alarms)} false alarms, first {self.false_alarms[0]}")
        return tuple(short)


@dataclass(frozen=True)
class _Part:
    """What one process found: scores, cases checked without a mistake, and false alarms."""

    rows: tuple[StepScore, ...] = ()
    cases: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    held: tuple[HeldOut, ...] = ()


Told = Callable[[Iterable[Any], int], Iterable[Any]]


def _untold(parts: Iterable[Any], count: int) -> Iterable[Any]:
    return parts


def score(
    *,
    live: bool,
    rounds: int = 2,
    pairs: int = 20,
    clean: int = 200,
    only: frozenset[str] = frozenset(),
    jobs: int = 1,
    held_out: bool = False,
    told: Told = _untold,
) -> Scorecard:
    """Plant and count.

    live: expect what live mmsegmentation gives, else what our clean steps give.
    rounds: how often each input is used. pairs: how many are planted per step
    function, 0 for all. clean: further samples without mistakes. only: names of
    step files, none meaning all. jobs: processes; the result does not depend on them.
    held_out: also diagnose every suspect while a tenth of them is unknown. told: is passed
    the parts of the work as they are done, and how many there are.
    """
    families = [family for family in FAMILIES if not only or family in only]
    tasks = [partial(_score_family, family, rounds, pairs, live, held_out) for family in families]
    blocks = range(0, clean, BLOCK)
    tasks += [partial(_check_clean, at, min(at + BLOCK, clean), live) for at in blocks]
    parts = list(told(_carried_out(tasks, jobs), len(tasks)))
    return Scorecard(
        mode="live mmsegmentation" if live else "own clean steps",
        rows=tuple(row for part in parts for row in part.rows),
        clean=len({case for part in parts for case in part.cases}),
        false_alarms=tuple(dict.fromkeys(case for part in parts for case in part.alarms)),
        held=tuple(row for part in parts for row in part.held),
    )


def _carried_out(tasks: Sequence[partial[_Part]], jobs: int) -> Iterator[_Part]:
    if jobs < 2 or len(tasks) < 2:
        yield from (task() for task in tasks)
        return
    yield from in_processes(_call, tasks, jobs)


def _call(task: partial[_Part]) -> _Part:
    return task()


def _score_family(family: str, rounds: int, pairs: int, live: bool, held_out: bool) -> _Part:
    cases = list(_up_to(family, all_cases(rounds)))
    places: dict[str, list[Place]] = {}
    alarms: list[str] = []
    for case in cases:
        trace, alarm = _run(case, live)
        alarms += [case.name] if alarm else []
        for place in _places(case, trace):
            if place.trial.step.module == family:
                places.setdefault(place.trial.step.function.__name__, []).append(place)
    rows = tuple(score_function(family, name, found, pairs) for name, found in places.items())
    held = [score_held_out(family, found) for found in places.values()] if held_out else []
    return _Part(rows, tuple(case.name for case in cases), tuple(alarms), _summed(held))


def _summed(rows: Sequence[HeldOut]) -> tuple[HeldOut, ...]:
    return (sum(rows[1:], rows[0]),) if rows else ()


def _check_clean(start: int, stop: int, live: bool) -> _Part:
    cases = list(clean_cases(start, stop))
    alarms = tuple(case.name for case in cases if _run(case, live)[1])
    return _Part((), tuple(case.name for case in cases), alarms)


def _up_to(family: str, cases: Iterable[Case]) -> Iterator[Case]:
    """The cases with a step of `family` that has suspects, cut off after the last such step."""
    for case in cases:
        wanted = [
            at for at, step in enumerate(case.steps) if step.module == family and suspects_of(step)
        ]
        if wanted:
            yield replace(case, steps=case.steps[: wanted[-1] + 1])


def _run(case: Case, live: bool) -> tuple[Trace, bool]:
    """The reference's trace, and whether our clean steps differ from it."""
    clean = candidate_steps(case.steps)
    trace = run_trace(reference_steps(case.steps) if live else clean, case.start(), case.seed)
    return trace, compare_with_trace(clean, trace).verdict is Verdict.DIFFERENT


def _places(case: Case, trace: Trace) -> Iterator[Place]:
    for index, (step, record) in enumerate(zip(case.steps, trace.steps, strict=False)):
        if not record.error and (suspects := suspects_of(step)):
            yield Place(case, index, trace, Trial(step, record, suspects))
