"""Sides of which every step is given as a function: our own steps, and the reference's.

Both also answer, as oracles, for inputs that are made up on the way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from parity.candidate.guard import run_guarded
from parity.candidate.runner import Description, Outcome
from parity.candidate.steps import PIPELINE
from parity.candidate.whole import sample_of
from parity.check.summary import reference_steps
from parity.compare.rng import GeneratorState
from parity.compare.trace import StepRecord, run_step
from parity.pipeline import Step
from parity.recipe import absent

PART = "own"


class _Everything(Description):
    """The description of a side that gives every step there is, and no pipeline as a whole."""

    def part(self, step: Step, *, replay: bool) -> str:
        return "" if step.name == PIPELINE or step.function is absent else PART


def _everything(name: str) -> Description:
    return _Everything(name, (), (), False, True, False, ())


class _Side:
    def close(self) -> None:
        """Nothing is held."""


class OwnSteps(_Side):
    """Our own steps, run here. planted: functions in the place of some, by the step's name."""

    description = _everything("mmseg-parity")

    def __init__(self, planted: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._planted = dict(planted or {})

    def function(self, step: Step) -> Callable[..., Any]:
        """What does `step`: our own function, or the planted one."""
        return self._planted.get(step.name, step.function)

    def run(self, part: str, step: Step, value: Any, state: GeneratorState) -> Outcome:
        """See `parity.candidate.runner.Runner`."""
        done = step.doing(self.function(step))
        record, misuse, manner = run_guarded(step.name, done, value, state)
        return Outcome(record, misuse, manner=manner)


class ReferenceSteps(_Side):
    """Live mmsegmentation as a side, to see whether it gives the same twice."""

    description = _everything("mmsegmentation")

    def run(self, part: str, step: Step, value: Any, state: GeneratorState) -> Outcome:
        """See `parity.candidate.runner.Runner`. Raises ReferenceUnavailable."""
        return Outcome(live_oracle(step, value, state))


Oracle = Callable[[Step, Any, GeneratorState], StepRecord]


def own_oracle(step: Step, value: Any, state: GeneratorState) -> StepRecord:
    """Our own step, which ``parity check`` holds bit-equal to the reference."""
    return run_step(step.name, step, value, state)


def live_oracle(step: Step, value: Any, state: GeneratorState) -> StepRecord:
    """Live mmsegmentation. Raises ReferenceUnavailable without it."""
    if step.name != PIPELINE:
        [(name, function)] = reference_steps([step])
        return run_step(name, function, value, state)
    functions = reference_steps(step.options["steps"])

    def whole(pair: Any, rng: Any) -> Any:
        sample: Any = sample_of(pair)
        for _, function in functions:
            sample = function(sample, rng)
        return sample.image, sample.seg

    return run_step(step.name, whole, value, state)
