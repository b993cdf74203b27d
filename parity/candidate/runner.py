"""Run a candidate's parts: in this process, or in one of its own that can be killed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from parity.candidate.guard import run_guarded
from parity.candidate.limits import TimeLimit, time_limit
from parity.candidate.replay import step_function
from parity.candidate.steps import PIPELINE, part_for
from parity.candidate.whole import sample_of
from parity.check.candidate import Candidate
from parity.compare.rng import GeneratorState
from parity.compare.trace import StepFunction, StepRecord
from parity.pipeline import Step

# Seconds one call may take; the slowest of our own steps takes one.
DEFAULT_LIMIT = 30.0
# The part that stands for a candidate's drawing steps one after the other.
COMPOSED = "composed"


@dataclass(frozen=True, eq=False)
class Outcome:
    """One call of a candidate. misuse: what it did besides its result, or "".

    manner: what is odd about its answer and not wrong, or "". ended: why the call was
    ended from outside (time limit, crash), or "".
    """

    record: StepRecord
    misuse: str = ""
    ended: str = ""
    manner: str = ""


@dataclass(frozen=True)
class Description:
    """A candidate without its functions. parts: what stands in for each known step, by name."""

    name: str
    steps: tuple[str, ...]
    applies: tuple[str, ...]
    has_pipeline: bool
    shares_stream: bool
    partial: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, candidate: Candidate) -> Description:
        """The description of `candidate`."""
        return cls(
            candidate.name,
            tuple(candidate.steps),
            tuple(candidate.applies),
            candidate.pipeline is not None,
            candidate.shares_stream,
            candidate.partial,
            candidate.notes,
        )

    def part(self, step: Step, *, replay: bool) -> str:
        """What stands in for `step`; see `parity.candidate.steps.part_for`."""
        if step.name == PIPELINE:
            return PIPELINE if self.has_pipeline else ""
        return part_for(self.steps, self.applies, step, replay=replay)

    def drawing_part(self, whole: Step) -> tuple[str, tuple[str, ...]]:
        """What draws in the place of `whole`, and for which of its steps; "" when nothing does."""
        inner: tuple[Step, ...] = whole.options["steps"]
        if self.has_pipeline:
            return PIPELINE, tuple(step.name for step in inner)
        own = [step.name for step in inner if part_for(self.steps, (), step)]
        return (COMPOSED if own else ""), tuple(own)


class Runner(Protocol):
    """Where a candidate runs."""

    @property
    def description(self) -> Description:
        """What the candidate gives."""

    def run(self, part: str, step: Step, value: Any, state: GeneratorState) -> Outcome:
        """`part` of the candidate in the place of `step`, from `state`."""

    def close(self) -> None:
        """Free what it holds."""


class InProcess:
    """Runs a candidate here. A call of compiled code that never returns cannot be ended."""

    def __init__(self, candidate: Candidate, *, limit: float = DEFAULT_LIMIT) -> None:
        self._candidate = candidate
        self._limit = limit
        self.description = Description.of(candidate)

    def run(self, part: str, step: Step, value: Any, state: GeneratorState) -> Outcome:
        """See `Runner`."""
        try:
            with time_limit(self._limit):
                return call_part(self._candidate, part, step, value, state)
        except TimeLimit as limit:
            return ended(step, value, state, str(limit))

    def close(self) -> None:
        """Nothing is held."""


def call_part(
    candidate: Candidate, part: str, step: Step, value: Any, state: GeneratorState
) -> Outcome:
    """Run it, in whatever process this is."""
    if part == PIPELINE:
        function = _pipeline_function(candidate)
    elif part == COMPOSED:
        function = _composed(candidate, step)
    else:
        function = step_function(candidate, part, step)
    record, misuse, manner = run_guarded(step.name, function, value, state)
    return Outcome(record, misuse, manner=manner)


def _composed(candidate: Candidate, whole: Step) -> StepFunction:
    """The candidate's drawing steps, with ours where it has none."""

    def call(value: Any, rng: Any) -> Any:
        sample: Any = sample_of(value)
        for step in whole.options["steps"]:
            part = part_for(candidate.steps, (), step)
            sample = (step_function(candidate, part, step) if part else step)(sample, rng)
        return sample.image, sample.seg

    return call


def ended(step: Step, value: Any, state: GeneratorState, reason: str) -> Outcome:
    """The outcome of a call that was ended from outside."""
    record = StepRecord(step.name, value, state, None, state, error=reason)
    return Outcome(record, ended=reason)


def without_input(outcome: Outcome) -> Outcome:
    """The same, smaller: the side that asked still has the input."""
    return replace(outcome, record=replace(outcome.record, input=None))


def _pipeline_function(candidate: Candidate) -> StepFunction:
    pipeline = candidate.pipeline
    assert pipeline is not None  # Description.part says whether there is one

    def call(value: Any, rng: Any) -> Any:
        return pipeline(value[0], value[1], rng)

    return call
