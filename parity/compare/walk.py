"""Hold a side against a trace: where the two first part, and how the difference travels.

Each step runs twice: isolated (fed the reference's input and generator state) and
chained (fed the side's own previous output).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.tolerance import tolerance_for
from parity.compare.trace import (
    StepComparison,
    StepFunction,
    StepRecord,
    StepResult,
    ToleranceTable,
    Trace,
    TraceComparison,
    compare_records,
    run_step,
)
from parity.errors import InputError


class Side(Protocol):
    """What is held against a trace. `at` is the place of a step in it."""

    def withheld(self, at: int) -> str:
        """Why the step is not run, or ""."""

    def run(
        self, at: int, value: Any, state: GeneratorState, *, chained: bool
    ) -> tuple[StepRecord | None, StepResult]:
        """The step on `value`, held against the trace; no record where it cannot be run on it."""

    def bridge(self, at: int, value: Any, state: GeneratorState) -> StepRecord:
        """Past a step that is not run: what stands in for it on a value of its own."""


@dataclass(frozen=True, eq=False)
class _Chain:
    """Where a side's own value stands. parted: it is no longer the reference's.

    broken: a step raised or gave nothing, and there is nothing to go on with.
    """

    value: Any
    state: GeneratorState
    parted: bool = False
    broken: bool = False


def walk(names: Sequence[str], reference: Trace, side: Side) -> TraceComparison:
    """Hold `side` against a reference trace, step by step, isolated and chained.

    While the chained input is bit-equal to the reference's, the isolated result
    is the chained one, and the step runs once. Steps that no side reached are
    not compared. Raises InputError when `names` are not those of the trace.
    """
    recorded = [record.name for record in reference.steps]
    if list(names[: len(recorded)]) != recorded:
        raise InputError(f"the candidate's steps are {list(names)}, the reference's {recorded}")
    first = reference.steps[0]
    chain = _Chain(first.input, first.state_before)
    results: list[StepComparison] = []
    for at, expected in enumerate(reference.steps):
        one, chain = _compared(at, expected, chain, side)
        results.append(one)
    unreached = StepResult(Verdict.NOT_COMPARED, error="the reference raised at an earlier step")
    results += [StepComparison(name, unreached, unreached) for name in names[len(recorded) :]]
    return TraceComparison(reference.seed, tuple(results))


def _compared(
    at: int, expected: StepRecord, chain: _Chain, side: Side
) -> tuple[StepComparison, _Chain]:
    """One step isolated and chained, and where the chain stands after it."""
    if reason := side.withheld(at):
        result = StepResult(Verdict.NOT_COMPARED, error=reason)
        return StepComparison(expected.name, result, result), _bridged(at, expected, chain, side)
    record, isolated = side.run(at, expected.input, expected.state_before, chained=False)
    if record is None:
        one = StepComparison(expected.name, isolated, isolated)
        return one, _bridged(at, expected, chain, side)
    if chain.broken:
        broken = StepResult(Verdict.NOT_COMPARED, error="an earlier step raised")
        return StepComparison(expected.name, isolated, broken), chain
    chained = isolated
    if chain.parted:
        record, chained = side.run(at, chain.value, chain.state, chained=True)
    one = StepComparison(expected.name, isolated, chained)
    if record is None:  # what it can be run on is the reference's value, not its own
        return one, replace(chain, broken=True)
    parted = chain.parted or chained.verdict is not Verdict.EQUAL
    broken_now = bool(record.error) or record.output is None
    return one, _Chain(record.output, record.state_after, parted, broken_now)


def _bridged(at: int, expected: StepRecord, chain: _Chain, side: Side) -> _Chain:
    if chain.broken:
        return chain
    if not chain.parted:
        return _Chain(expected.output, expected.state_after, broken=bool(expected.error))
    record = side.bridge(at, chain.value, chain.state)
    return _Chain(record.output, record.state_after, parted=True, broken=bool(record.error))


@dataclass(frozen=True, eq=False)
class _Functions:
    """The side of plain functions, one for each step."""

    steps: Sequence[tuple[str, StepFunction]]
    reference: Trace
    tolerances: ToleranceTable

    def withheld(self, at: int) -> str:
        return ""

    def run(
        self, at: int, value: Any, state: GeneratorState, *, chained: bool
    ) -> tuple[StepRecord | None, StepResult]:
        record = self.bridge(at, value, state)
        return record, compare_records(record, self.reference.steps[at], self.tolerances)

    def bridge(self, at: int, value: Any, state: GeneratorState) -> StepRecord:
        return run_step(*self.steps[at], value, state)


def compare_with_trace(
    steps: Sequence[tuple[str, StepFunction]],
    reference: Trace,
    *,
    tolerances: ToleranceTable = tolerance_for,
) -> TraceComparison:
    """`walk` with one function for each step."""
    names = [name for name, _ in steps]
    return walk(names, reference, _Functions(steps, reference, tolerances))
