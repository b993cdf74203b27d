"""Hold a candidate against reference traces, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from itertools import zip_longest
from typing import Any

from parity.candidate.guard import NOTHING, UNUSABLE
from parity.candidate.manners import forgiven
from parity.candidate.runner import Outcome, Runner
from parity.candidate.whole import whole_record, whole_step
from parity.compare.cases import Case
from parity.compare.check import CaseResult, Held, StepKey
from parity.compare.compare import Verdict
from parity.compare.exhibit.build import exhibit
from parity.compare.exhibit.classes import ClassNames
from parity.compare.exhibit.collect import Exhibits
from parity.compare.exhibit.records import Exhibit
from parity.compare.rng import GeneratorState
from parity.compare.rounding import Rounding
from parity.compare.trace import (
    StepComparison,
    StepRecord,
    StepResult,
    Trace,
    TraceComparison,
    compare_records,
    run_step,
)
from parity.errors import InputError, NotExercised
from parity.pipeline import Step
from parity.probes.natural import Partly
from parity.suspects.failures import KEPT_EQUAL, KEPT_FAILURES, worth_keeping

NOT_GIVEN = "the candidate does not give this step"


@dataclass(frozen=True, eq=False)
class Chain:
    """Where the candidate's own sample stands. parted: it is no longer the reference's.

    broken: a step raised, and there is nothing to go on with.
    """

    value: Any
    state: GeneratorState
    parted: bool = False
    broken: bool = False


class CandidateCheck:
    """Checks one candidate over many cases.

    replay: prefer apply functions to drawing ones. shown: exhibits per step; class_names:
    of label maps in files. rounding: what a difference by rounding counts as. failures,
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
    ) -> None:
        self.runner = runner
        self._rounding = rounding
        self.replay = replay
        self.exhibits = Exhibits(shown)
        self._class_names = class_names
        self.failures: dict[StepKey, list[Held]] = {}
        self.equal: dict[StepKey, list[Held]] = {}
        self.stopped: dict[str, str] = {}
        self.unshown: dict[StepKey, str] = {}
        self._minor: dict[StepKey, Exhibit] = {}

    def records(self) -> dict[StepKey, list[Held]]:
        """What is known of every step that failed: its failures, then where it is right."""
        return {key: [*wrong, *self.equal.get(key, [])] for key, wrong in self.failures.items()}

    def part(self, step: Step) -> str:
        """What of the candidate stands in for `step`, or ""."""
        return self.runner.description.part(step, replay=self.replay)

    def run(self, pairs: Iterable[tuple[Case, Trace]]) -> Iterator[CaseResult]:
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

    def _whole(self, case: Case, step: Step, trace: Trace) -> TraceComparison:
        expected = whole_record(trace)
        if expected is None:
            result = _not_compared("the reference raised at an earlier step")
        elif not self.runner.description.shares_stream:
            result = _not_compared("it draws for itself; see the rows called distribution")
        else:
            _, result = self._isolated(case, step, expected)
        return TraceComparison(case.seed, (StepComparison(step.name, result, result),))

    def _steps(self, case: Case, trace: Trace) -> TraceComparison:
        first = trace.steps[0]
        chain = Chain(first.input, first.state_before)
        compared = []
        for step, expected in zip(case.steps, trace.steps, strict=False):
            one, chain = self._step(case, step, expected, chain)
            compared.append(one)
        unreached = _not_compared("the reference raised at an earlier step")
        names = [step.name for step in case.steps[len(trace.steps) :]]
        compared += [StepComparison(name, unreached, unreached) for name in names]
        return TraceComparison(case.seed, tuple(compared))

    def _step(
        self, case: Case, step: Step, expected: StepRecord, chain: Chain
    ) -> tuple[StepComparison, Chain]:
        """One step isolated and chained, and where the chain stands after it."""
        reason = self.stopped.get(step.name, "") if self.part(step) else NOT_GIVEN
        if reason:
            result = _not_compared(reason)
            return StepComparison(step.name, result, result), _bridge(step, expected, chain)
        outcome, isolated = self._isolated(case, step, expected)
        if unexercised(outcome.record):
            return StepComparison(step.name, isolated, isolated), _bridge(step, expected, chain)
        if chain.broken:
            return StepComparison(
                step.name, isolated, _not_compared("an earlier step raised")
            ), chain
        chained = isolated
        if chain.parted:
            outcome = self._call(step, chain.value, chain.state)
            chained = self._judged(step, outcome, expected)
            if isolated.verdict is not Verdict.DIFFERENT:
                self._show(case, outcome.record, expected, chained, chained=True)
        parted = chain.parted or chained.verdict is not Verdict.EQUAL
        record = outcome.record
        broken = bool(record.error) or record.output is None
        ahead = Chain(record.output, record.state_after, parted, broken)
        return StepComparison(step.name, isolated, chained), ahead

    def _isolated(self, case: Case, step: Step, expected: StepRecord) -> tuple[Outcome, StepResult]:
        outcome = settled(self._call(step, expected.input, expected.state_before), expected)
        result = self._judged(step, outcome, expected)
        failed = result.verdict is Verdict.DIFFERENT
        self._show(case, outcome.record, expected, result)
        records, most = (self.failures, KEPT_FAILURES) if failed else (self.equal, KEPT_EQUAL)
        kept = records.setdefault((case.pipeline, step.name), [])
        held = (step, expected, outcome.record)
        if result.verdict is not Verdict.NOT_COMPARED and worth_keeping(kept, held, most):
            kept.append(held)
        return outcome, result

    def _show(
        self,
        case: Case,
        actual: StepRecord,
        expected: StepRecord,
        result: StepResult,
        *,
        chained: bool = False,
    ) -> None:
        """Keep an exhibit of what differs, of the first such cases of a step."""
        wanted = self.exhibits.wants(case.pipeline, expected.name, chained=chained)
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

    def _call(self, step: Step, value: Any, state: GeneratorState) -> Outcome:
        outcome = self.runner.run(self.part(step), step, value, state)
        if outcome.ended:
            self.stopped[step.name] = f"not run again: {outcome.ended}"
        return outcome

    def _judged(self, step: Step, outcome: Outcome, expected: StepRecord) -> StepResult:
        kind = self.part(step).partition(":")[0]
        partial = self.runner.description.partial
        result = judge(outcome, expected, replayed=kind == "apply", partial=partial)
        return result.with_rounding_accepted() if self._rounding is Rounding.PASS else result


def judge(
    outcome: Outcome, expected: StepRecord, *, replayed: bool = False, partial: bool = False
) -> StepResult:
    """Compare what a candidate did with the reference's record; misuse is a difference.

    replayed: the draws were ours. partial: only what the candidate gives is compared.
    """
    outcome = settled(outcome, expected)
    actual = outcome.record
    if reason := unexercised(actual):
        return _not_compared(reason)
    if replayed and not actual.error and actual.draws != expected.draws:
        return _not_compared("our draws are not the reference's here; run parity check first")
    if (partial or isinstance(actual.output, (Partly, list))) and not actual.error:
        expected = replace(
            expected, output=_common(expected.output, actual.output, partial=partial)
        )
    try:
        result = compare_records(actual, expected)
    except InputError as error:  # the candidate returned what cannot be compared
        result = StepResult(Verdict.DIFFERENT, error=str(error))
    result = replace(result, manner=outcome.manner)
    if not outcome.misuse:
        return result
    rest = result.explain() if result.verdict is Verdict.DIFFERENT else str(result.verdict)
    alone = outcome.misuse.startswith((NOTHING, UNUSABLE))
    text = outcome.misuse if alone else f"{outcome.misuse}; otherwise {rest}"
    return replace(result, verdict=Verdict.DIFFERENT, error=text)


def _bridge(step: Step, expected: StepRecord, chain: Chain) -> Chain:
    """Past a step that the candidate does not do: ours does it, on the candidate's sample."""
    if chain.broken:
        return chain
    if not chain.parted:
        return Chain(expected.output, expected.state_after, broken=bool(expected.error))
    record = run_step(step.name, step, chain.value, chain.state)
    return Chain(record.output, record.state_after, parted=True, broken=bool(record.error))


def settled(outcome: Outcome, expected: StepRecord) -> Outcome:
    """`outcome` without what is odd about its manner only, which it then names."""
    if outcome.record.error or expected.error or outcome.misuse.startswith((NOTHING, UNUSABLE)):
        return outcome
    output, notes = forgiven(outcome.record.output, expected.output)
    told = [outcome.manner] if outcome.manner else []
    rest = [note for note in dict.fromkeys(notes) if not told or "memory order" not in note]
    record = replace(outcome.record, output=output)
    return replace(outcome, record=record, manner="; ".join([*told, *rest]))


def unexercised(record: StepRecord) -> str:
    """Why a candidate could not be run on a case, or ""; nothing is wrong with it then."""
    kind, _, reason = record.error.partition(": ")
    return f"the candidate {reason}" if kind == NotExercised.__name__ else ""


def _common(expected: Any, actual: Any, *, partial: bool) -> Any:
    """`expected` without the entries of mappings that `actual`, where it is partial, lacks."""
    if isinstance(actual, list) and isinstance(expected, list):
        pairs = zip_longest(expected, actual[: len(expected)])
        return [_common(one, other, partial=partial) for one, other in pairs]
    if not isinstance(actual, Mapping) or not (partial or isinstance(actual, Partly)):
        return expected
    if isinstance(actual, Partly) and is_dataclass(expected):
        return {key: getattr(expected, key) for key in actual}
    if not isinstance(expected, Mapping):
        return expected
    return {
        key: _common(expected[key], actual[key], partial=partial)
        for key in actual
        if key in expected
    }


def _not_compared(reason: str) -> StepResult:
    return StepResult(Verdict.NOT_COMPARED, error=reason)
