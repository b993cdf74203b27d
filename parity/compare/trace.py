"""Steps as they ran: their records, and how a record is held against another.

The reference runs once, each step fed its own previous output; that is a
:class:`Trace`. `parity.compare.walk` holds a candidate against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.compare.compare import Comparison, Verdict, worst_verdict
from parity.compare.rng import (
    Draw,
    DrawDifference,
    GeneratorState,
    RecordingRandomState,
    draws_from_other_range,
    first_draw_difference,
)
from parity.compare.rounding import accepted, labelled, only_rounding
from parity.compare.tolerance import Tolerance, tolerance_for
from parity.compare.tree import compare_tree
from parity.errors import ExtraMissing, ReferenceUnavailable

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
# (value, rng) -> next value; a pipeline's Step is one.
StepFunction = Callable[[Any, RecordingRandomState], Any]
# (step name, dtype) -> tolerance
ToleranceTable = Callable[[str, str], Tolerance]


@dataclass(frozen=True, eq=False)
class StepRecord:
    """One step on one side. error: type and message of what was raised, else ""."""

    name: str
    input: Any
    state_before: GeneratorState
    output: Any
    state_after: GeneratorState
    draws: tuple[Draw, ...] = ()
    error: str = ""

    @property
    def missing(self) -> str:
        """Which package was not installed that the reference needs for this step alone, or ""."""
        kind, _, message = self.error.partition(": ")
        return message if kind == ExtraMissing.__name__ else ""


@dataclass(frozen=True, eq=False)
class Trace:
    """Every step of one sample on one side; it ends at the first step that raises."""

    seed: int
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class StepResult:
    """One step held against the reference.

    leaves: a comparison per array or value of the output, by path.
    generator: "equal" or both digests. draw: the first draw that differs, when
    outputs, generators or the ranges drawn from do. error: what was raised, on
    which side. raised: what the candidate raised, with its type. manner: what is odd
    about the actual output and makes no difference, or "". accepted: what somebody has
    accepted of this difference, with the reason, or that it is beyond that.
    """

    verdict: Verdict
    leaves: dict[str, Comparison] = field(default_factory=dict)
    generator: str = "equal"
    draw: DrawDifference | None = None
    error: str = ""
    raised: str = ""
    manner: str = ""
    accepted: str = ""

    @property
    def is_minor(self) -> bool:
        """Whether it differs by nothing but 0.0 beside -0.0."""
        wrong = [leaf for leaf in self.leaves.values() if leaf.verdict is Verdict.DIFFERENT]
        other = self.error or self.draw or self.generator != "equal"
        return bool(wrong) and not other and all(leaf.is_minor for leaf in wrong)

    @property
    def is_odd(self) -> bool:
        """Whether it differs by NaN, infinity or 0.0 beside -0.0 alone, which tells little."""
        wrong = [leaf for leaf in self.leaves.values() if leaf.verdict is Verdict.DIFFERENT]
        odd = ("non-finite", "values")
        more = [one for one in wrong if one.max_ulp != 1 and (one.max_abs or one.reason not in odd)]
        return bool(wrong) and not (more or self.error or self.draw)

    @property
    def worst(self) -> tuple[str, Comparison] | None:
        """Path and record of the leaf that differs most, or None."""
        ranked = sorted(
            (item for item in self.leaves.items() if item[1].verdict is not Verdict.EQUAL),
            key=lambda item: item[1].weight,
        )
        return ranked[-1] if ranked else None

    @property
    def is_rounding(self) -> bool:
        """Whether the order of float operations explains all that differs, in values only."""
        same_draws = self.generator == "equal" and self.draw is None
        return same_draws and not (self.error or self.accepted) and only_rounding(self.leaves)

    def with_rounding_accepted(self) -> StepResult:
        """The same, within tolerance where only rounding differs."""
        if self.verdict is not Verdict.DIFFERENT or not self.is_rounding:
            return self
        return replace(self, verdict=Verdict.WITHIN, leaves=accepted(self.leaves))

    def explain(self) -> str:
        """One line that says what differs, or ""."""
        beyond = [self.accepted] if self.accepted else []
        if self.error:
            return "; ".join([self.error, *beyond])
        parts = [str(self.draw)] if self.draw else []
        if self.worst:
            path, leaf = self.worst
            parts.append(f"{path or 'output'}: {leaf}")
        if self.generator != "equal":
            parts.append(f"generator state: {self.generator}")
        return "; ".join([*parts, *beyond])


@dataclass(frozen=True)
class StepComparison:
    """One step, isolated and chained."""

    name: str
    isolated: StepResult
    chained: StepResult


@dataclass(frozen=True)
class TraceComparison:
    """All steps of one sample."""

    seed: int
    steps: tuple[StepComparison, ...]

    @property
    def verdict(self) -> Verdict:
        """Of all steps together."""
        return worst_verdict(
            verdict
            for step in self.steps
            for verdict in (step.isolated.verdict, step.chained.verdict)
        )

    @property
    def first_difference(self) -> StepComparison | None:
        """The first step that differs when fed the reference's input, else when chained."""
        for step in self.steps:
            if Verdict.DIFFERENT in (step.isolated.verdict, step.chained.verdict):
                return step
        return None


def run_step(name: str, step: StepFunction, value: Any, state: GeneratorState) -> StepRecord:
    """Run one step from `state`; what it raises becomes the record's error.

    Only ReferenceUnavailable, but for an extra, and MemoryError pass through: they are about
    the machine.
    """
    rng = RecordingRandomState.from_state(state)
    record = StepRecord(name, value, state, None, state)
    try:
        output = step(value, rng)
    except Exception as error:  # any candidate may raise anything; it is a finding
        machine = isinstance(error, (ReferenceUnavailable, MemoryError))
        if machine and not isinstance(error, ExtraMissing):
            raise
        # Addresses in memory differ in every run.
        message = _ADDRESS.sub("", f"{type(error).__name__}: {error}")
        return replace(
            record, error=message, draws=tuple(rng.draws), state_after=GeneratorState.of(rng)
        )
    return replace(
        record, output=output, draws=tuple(rng.draws), state_after=GeneratorState.of(rng)
    )


def run_trace(steps: Sequence[tuple[str, StepFunction]], value: Any, seed: int) -> Trace:
    """Run all steps from ``RandomState(seed)``, each on the previous output."""
    state = GeneratorState.of(RecordingRandomState(seed))
    records: list[StepRecord] = []
    for name, step in steps:
        record = run_step(name, step, value, state)
        records.append(record)
        if record.error:
            break
        value, state = record.output, record.state_after
    return Trace(seed, tuple(records))


def compare_records(
    actual: StepRecord, expected: StepRecord, tolerances: ToleranceTable = tolerance_for
) -> StepResult:
    """Outputs, generator states and, where these differ, draws of the same step on two sides."""
    draw = first_draw_difference(actual.draws, expected.draws)
    if expected.missing:
        return StepResult(Verdict.NOT_COMPARED, error=expected.missing)
    if actual.error or expected.error:
        return _compare_errors(actual, expected, draw)
    leaves = compare_tree(
        actual.output, expected.output, lambda dtype: tolerances(expected.name, dtype)
    )
    verdict = worst_verdict(leaf.verdict for leaf in leaves.values())
    generator = "equal"
    if actual.state_after != expected.state_after:
        generator = f"actual {actual.state_after.digest}, expected {expected.state_after.digest}"
        verdict = Verdict.DIFFERENT
    if draws_from_other_range(actual.draws, expected.draws):
        verdict = Verdict.DIFFERENT
    if verdict is Verdict.DIFFERENT:
        leaves = labelled(leaves, actual.output, expected.output, expected.input)
    return StepResult(verdict, leaves, generator, draw if verdict is Verdict.DIFFERENT else None)


def _compare_errors(
    actual: StepRecord, expected: StepRecord, draw: DrawDifference | None
) -> StepResult:
    raised = actual.error
    if actual.error and expected.error:  # no output on either side: nothing was compared
        both = f"both raise; expected {expected.error}"
        return StepResult(Verdict.NOT_COMPARED, error=both, raised=raised)
    side, message = ("actual", actual.error) if actual.error else ("expected", expected.error)
    text = f"only {side} raises {message}"
    return StepResult(Verdict.DIFFERENT, draw=draw, error=text, raised=raised)
