"""The engine of every check: a side beside reference traces, case by case, step by step."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.candidate.accepted import Acceptance, Accepted
from parity.candidate.judge import NOT_GIVEN, completed, judge, not_compared, settled, unexercised
from parity.candidate.runner import Outcome, Runner
from parity.candidate.whole import whole_record, whole_step
from parity.check.cases import Case
from parity.check.exhibit.build import exhibit
from parity.check.exhibit.classes import ClassNames
from parity.check.exhibit.collect import Exhibits
from parity.check.exhibit.records import Exhibit
from parity.check.summary import CaseResult, IsolatedRun, StepKey
from parity.compare import trace as traces
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.rounding import Rounding
from parity.compare.walk import walk
from parity.pipeline import Step
from parity.suspects.failures import (
    KEPT_BYTES,
    KEPT_EQUAL,
    KEPT_FAILURES,
    size_of_held,
    worth_keeping,
)
from parity.suspects.shelf import shelve


class Engine:
    """Checks one side, our own steps or a candidate, over many cases.

    replay: prefer apply functions to drawing ones. shown: exhibits per step; class_names:
    of label maps in files. rounding: what a difference by rounding counts as. only: the
    steps to show, none meaning all. manners: whether to tell what is odd about an
    answer and not wrong. accepted: differences that pass. failures,
    equal: the first of each step, by pipeline and step. unshown: steps whose differences
    cannot be pictured, with the reason. stopped: steps that are not run again because of
    a time limit or a crash, with the reason.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        replay: bool = False,
        shown: int = 0,
        class_names: ClassNames = (),
        rounding: Rounding = Rounding.PASS,
        only: frozenset[str] = frozenset(),
        manners: bool = True,
        accepted: Sequence[Accepted] = (),
    ) -> None:
        self.runner = runner
        self.acceptance = Acceptance(accepted, rounding_passes=rounding is Rounding.PASS)
        self.rounding = rounding
        self._only = only
        self._manners = manners
        self.replay = replay
        self.exhibits = Exhibits(shown)
        self._class_names = class_names
        self.failures: dict[StepKey, list[IsolatedRun]] = {}
        self.equal: dict[StepKey, list[IsolatedRun]] = {}
        self.stopped: dict[str, str] = {}
        self.unshown: dict[StepKey, str] = {}
        self._minor: dict[StepKey, Exhibit] = {}
        self._odd: set[StepKey] = set()
        self._room = KEPT_BYTES

    def records(self) -> dict[StepKey, list[IsolatedRun]]:
        """What is known of every step that failed: its failures, then where it is right."""
        return {key: [*wrong, *self.equal.get(key, [])] for key, wrong in self.failures.items()}

    def part(self, step: Step) -> str:
        """What of the candidate stands in for `step`, or ""."""
        return self.runner.description.part(step, replay=self.replay)

    def run(self, pairs: Iterable[tuple[Case, traces.Trace]]) -> Iterator[CaseResult]:
        """The results of all cases, in order: of a whole pipeline, then of single steps."""
        for case, trace in pairs:
            whole = whole_step(case.steps)
            file = case.info is not None
            if whole is not None and self.part(whole):
                result = self._whole(case, whole, trace)
                yield CaseResult(case.name, case.pipeline, result, file=file)
            if any(self.part(step) for step in case.steps):
                result = self._steps(case, trace)
                yield CaseResult(case.name, case.pipeline, result, file=file)
            del trace  # its arrays are not to stay while the next one is made

    def _whole(self, case: Case, step: Step, trace: traces.Trace) -> traces.TraceComparison:
        expected = whole_record(trace)
        if expected is None:
            result = not_compared("the reference raised at an earlier step")
        elif not self.runner.description.shares_stream:
            result = not_compared("it draws for itself; see the rows called distribution")
        else:
            _, result = self.isolated(case, step, expected)
        return traces.TraceComparison(
            case.seed, (traces.StepComparison(step.name, result, result),)
        )

    def _steps(self, case: Case, trace: traces.Trace) -> traces.TraceComparison:
        return walk([step.name for step in case.steps], trace, _Side(self, case, trace))

    def isolated(
        self, case: Case, step: Step, expected: traces.StepRecord
    ) -> tuple[traces.StepRecord, traces.StepResult]:
        """The step on the reference's input; shown, and kept for a diagnosis."""
        outcome = settled(self._call(step, expected.input, expected.state_before), expected)
        result = self._judged(case, step, outcome, expected)
        self._show(case, completed(outcome.record, expected), expected, result)
        held = (step, expected, outcome.record)
        # What is accepted is neither wrong nor right, and says nothing of a mistake.
        if result.verdict is not Verdict.WITHIN or not result.accepted:
            self._keep((case.pipeline, step.name), held, result)
        return outcome.record, result

    def _keep(self, key: StepKey, held: IsolatedRun, result: traces.StepResult) -> None:
        """For a diagnosis: the first failures of a step; all steps' equal cases share the room.

        One that differs by NaN alone makes room for one that tells more.
        """
        verdict = result.verdict
        if verdict is Verdict.DIFFERENT:
            kept = self.failures.setdefault(key, [])
            if not kept and result.is_odd:
                self._odd.add(key)
            elif key in self._odd and not result.is_odd:
                self._odd.discard(key)
                if not worth_keeping(kept, held, KEPT_FAILURES):
                    kept.pop()
            if worth_keeping(kept, held, KEPT_FAILURES):
                kept.append(held)
                shelve(held[1].input, held[1].output, held[2].output)
        elif verdict is not Verdict.NOT_COMPARED and len(self.equal.get(key, [])) < KEPT_EQUAL:
            size = size_of_held(held)
            if self._room >= size:
                self._room -= size
                self.equal.setdefault(key, []).append(held)

    def _show(
        self,
        case: Case,
        actual: traces.StepRecord,
        expected: traces.StepRecord,
        result: traces.StepResult,
        *,
        chained: bool = False,
    ) -> None:
        """Keep an exhibit of what differs, of the first such cases of a step."""
        asked = not self._only or expected.name in self._only
        wanted = asked and self.exhibits.wants(case.pipeline, expected.name, chained=chained)
        if result.verdict is not Verdict.DIFFERENT or not wanted:
            return
        key = (case.pipeline, expected.name)
        if result.is_minor and key in self._minor:
            return
        names = () if case.info is None else self._class_names
        try:
            made = exhibit(
                actual,
                expected,
                result,
                case=case.name,
                pipeline=case.pipeline,
                chained=chained,
                class_names=names,
            )
        except Exception as error:  # whatever a candidate gives, a picture costs itself only
            self.unshown.setdefault(key, f"{type(error).__name__}: {error}")
            return
        if result.is_minor:
            self._minor[key] = made
        else:
            self._minor.pop(key, None)
            self.exhibits.add(made)

    def shown(self) -> list[Exhibit]:
        """All exhibits; one of 0.0 beside -0.0 only where there is no larger difference."""
        there = {(one.facts.pipeline, one.facts.step) for one in self.exhibits}
        return [*self.exhibits, *(one for key, one in self._minor.items() if key not in there)]

    def chained(
        self,
        case: Case,
        step: Step,
        expected: traces.StepRecord,
        chain: tuple[Any, GeneratorState],
        *,
        passed_on: bool,
    ) -> tuple[traces.StepRecord, traces.StepResult]:
        """The step on the candidate's own value; shown where a difference is only passed on."""
        outcome = self._call(step, *chain)
        result = self._judged(case, step, outcome, expected, chained=True)
        if passed_on:
            self._show(case, completed(outcome.record, expected), expected, result, chained=True)
        return outcome.record, result

    def _call(self, step: Step, value: Any, state: GeneratorState) -> Outcome:
        outcome = self.runner.run(self.part(step), step, value, state)
        if outcome.ended:
            self.stopped[step.name] = f"not run again: {outcome.ended}"
        return outcome

    def _judged(
        self,
        case: Case,
        step: Step,
        outcome: Outcome,
        expected: traces.StepRecord,
        *,
        chained: bool = False,
    ) -> traces.StepResult:
        kind = self.part(step).partition(":")[0]
        partial = self.runner.description.partial
        result = judge(outcome, expected, replayed=kind == "apply", partial=partial)
        result = result if self._manners else replace(result, manner="")
        result = result.with_rounding_accepted() if self.rounding is Rounding.PASS else result
        return self.acceptance.judge(case.pipeline, step.name, result, chained=chained)


@dataclass(eq=False)
class _Side:
    """The candidate as a side of one case. differs: whether the last step does by itself."""

    engine: Engine
    case: Case
    trace: traces.Trace
    differs: bool = False

    def withheld(self, at: int) -> str:
        step = self.case.steps[at]
        return self.engine.stopped.get(step.name, "") if self.engine.part(step) else NOT_GIVEN

    def run(
        self, at: int, value: Any, state: GeneratorState, *, chained: bool
    ) -> tuple[traces.StepRecord | None, traces.StepResult]:
        step, expected = self.case.steps[at], self.trace.steps[at]
        if chained:
            record, result = self.engine.chained(
                self.case, step, expected, (value, state), passed_on=not self.differs
            )
        else:
            record, result = self.engine.isolated(self.case, step, expected)
            self.differs = result.verdict is Verdict.DIFFERENT
        if result.accepted and result.verdict is Verdict.WITHIN:
            # What is accepted of a step is no matter of the steps after it.
            record = replace(record, output=expected.output)
        return None if unexercised(record) else completed(record, expected), result

    def bridge(self, at: int, value: Any, state: GeneratorState) -> traces.StepRecord:
        """Ours does what the candidate does not do, on the candidate's sample."""
        step = self.case.steps[at]
        return traces.run_step(step.name, step, value, state)
