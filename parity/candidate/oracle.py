"""What the reference makes of an input, for cases that are made up on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parity.candidate.steps import PIPELINE
from parity.candidate.whole import sample_of
from parity.check.summary import reference_steps
from parity.compare.rng import GeneratorState
from parity.compare.trace import StepRecord, run_step
from parity.pipeline import Step

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
