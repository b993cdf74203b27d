"""What a report keeps of every case while a check runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from parity.check.exhibit.records import Exhibit
from parity.check.summary import CaseResult
from parity.compare.compare import Verdict, worst_verdict
from parity.compare.trace import StepResult

# Cases shown in full per step of a pipeline, and exhibits altogether.
CASES_PER_STEP = 2
MAX_EXHIBITS = 60
# One character per step of a case.
CODES = {
    Verdict.EQUAL: "=",
    Verdict.WITHIN: "~",
    Verdict.DIFFERENT: "x",
    Verdict.NOT_COMPARED: "-",
}
UNSTABLE, NOT_COUNTED = "u", "."


@dataclass(frozen=True)
class CaseOutcome:
    """One case in one line.

    isolated, chained: one character per step, in order: ``=`` equal, ``~``
    within tolerance, ``x`` different, ``-`` not compared, ``u`` the reference
    differs from itself, ``.`` not asked for. note: what differs first, or why
    nothing was compared. file: as in `CaseResult`.
    """

    name: str
    pipeline: str
    verdict: Verdict
    steps: tuple[str, ...]
    isolated: str
    chained: str
    note: str = ""
    broken: bool = False
    file: bool = False


class Exhibits:
    """The exhibits of a report, a few per step.

    What enters at a step is shown before what is only passed on by it.
    """

    def __init__(self, per_step: int = CASES_PER_STEP) -> None:
        self._per_step = per_step
        self._made: list[Exhibit] = []

    def __iter__(self) -> Iterator[Exhibit]:
        return iter(self._made)

    def wants(self, pipeline: str, step: str, *, chained: bool) -> bool:
        """Whether one more of this kind has a place."""
        alone, passed = self._of(pipeline, step)
        if chained:
            return len(alone) + len(passed) < self._per_step and len(self._made) < MAX_EXHIBITS
        return len(alone) < self._per_step and (bool(passed) or len(self._made) < MAX_EXHIBITS)

    def add(self, exhibit: Exhibit) -> None:
        """Keep `exhibit` where it has a place, if need be that of one that was passed on."""
        facts = exhibit.facts
        if not self.wants(facts.pipeline, facts.step, chained=facts.chained):
            return
        alone, passed = self._of(facts.pipeline, facts.step)
        full = len(alone) + len(passed) >= self._per_step or len(self._made) >= MAX_EXHIBITS
        if full and not facts.chained:
            self._made.remove(passed[-1])
        self._made.append(exhibit)

    def _of(self, pipeline: str, step: str) -> tuple[list[Exhibit], list[Exhibit]]:
        """Those of a step: of what enters there, and of what it passes on."""
        key = (pipeline, step)
        mine = [one for one in self._made if (one.facts.pipeline, one.facts.step) == key]
        passed = [one for one in mine if one.facts.chained]
        return [one for one in mine if not one.facts.chained], passed


class Collector:
    """Watches the results of a check go by. only: the steps that count, none meaning all."""

    def __init__(self, *, only: frozenset[str] = frozenset()) -> None:
        self.outcomes: list[CaseOutcome] = []
        self._only = only

    def watch(self, results: Iterable[CaseResult]) -> Iterator[CaseResult]:
        """The same results, each noted down as it passes."""
        for result in results:
            self.outcomes.append(outcome_of(result, self._only))
            yield result


def outcome_of(result: CaseResult, only: frozenset[str] = frozenset()) -> CaseOutcome:
    """`result` in one line."""
    if result.comparison is None:
        head = (result.case, result.pipeline, Verdict.NOT_COMPARED, (), "", "")
        return CaseOutcome(*head, note=result.broken, broken=True, file=result.file)
    steps = result.comparison.steps
    counted = [step for step in steps if (not only or step.name in only)]
    stable = [step for step in counted if step.name not in result.unstable]
    pairs = [(step.name, side) for step in stable for side in (step.isolated, step.chained)]

    def codes(sides: Iterable[tuple[str, StepResult]]) -> str:
        return "".join(_code(name, side, only, result) for name, side in sides)

    return CaseOutcome(
        name=result.case,
        pipeline=result.pipeline,
        verdict=worst_verdict(side.verdict for _, side in pairs),
        steps=tuple(step.name for step in steps),
        isolated=codes((step.name, step.isolated) for step in steps),
        chained=codes((step.name, step.chained) for step in steps),
        note=_note(pairs),
        file=result.file,
    )


def _code(name: str, side: StepResult, only: frozenset[str], result: CaseResult) -> str:
    if only and name not in only:
        return NOT_COUNTED
    return UNSTABLE if name in result.unstable else CODES[side.verdict]


def _note(pairs: list[tuple[str, StepResult]]) -> str:
    """The first difference, else the first reason for not comparing."""
    for wanted in (Verdict.DIFFERENT, Verdict.NOT_COMPARED):
        for name, side in pairs:
            if side.verdict is wanted:
                return f"{name}: {side.explain()}"
    return ""
