"""The augmenting steps of training as one step, for candidates that are a whole pipeline."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.random import RandomState

from parity.candidate.steps import PIPELINE
from parity.compare.trace import StepRecord, Trace
from parity.pipeline import Step, run_steps
from parity.sample import Meta, Sample, UInt8Array

FIRST, LAST = "resize", "photometric"
Pair = tuple[UInt8Array, UInt8Array]


def augment(value: Pair, rng: RandomState, *, steps: tuple[Step, ...]) -> Pair:
    """``(image, seg)`` through `steps`, our own ones: uint8 BGR ``(H, W, 3)`` and ``(H, W)``."""
    done = run_steps(steps, sample_of(value), rng)
    return done.image, done.seg


def sample_of(value: Pair) -> Sample:
    """A pair as it comes out of loading."""
    shape = (value[0].shape[0], value[0].shape[1])
    return Sample(*value, Meta(ori_shape=shape, img_shape=shape))


def whole_step(steps: Sequence[Step]) -> Step | None:
    """`steps` from resize to photometric as one, or None when these are not among them."""
    names = [step.name for step in steps]
    if FIRST not in names or LAST not in names:
        return None
    inner = tuple(steps[names.index(FIRST) : names.index(LAST) + 1])
    return Step(PIPELINE, augment, {"steps": inner})


def whole_record(trace: Trace) -> StepRecord | None:
    """The reference's records from resize to photometric as one, or None when it raised before."""
    names = [record.name for record in trace.steps]
    if FIRST not in names or LAST not in names:
        return None
    records = trace.steps[names.index(FIRST) : names.index(LAST) + 1]
    first, last = records[0], records[-1]
    return replace(
        last,
        name=PIPELINE,
        input=_pair(first.input),
        state_before=first.state_before,
        output=None if last.output is None else _pair(last.output),
        draws=tuple(draw for record in records for draw in record.draws),
    )


def _pair(sample: Any) -> Pair:
    return sample.image, sample.seg
