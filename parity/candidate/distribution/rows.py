"""Distribution tests as rows of a check's report."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from parity.candidate.distribution import compare
from parity.candidate.distribution.statistics import (
    ALPHA,
    POWER,
    ParameterTest,
    detectable_rate,
    detectable_shift,
)
from parity.candidate.runner import Runner
from parity.candidate.whole import Pair
from parity.check.summary import DISTRIBUTION, StepSummary
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.errors import InputError
from parity.pipeline import TrainPipeline

# The candidate's seeds start here: the same seeds on both sides would not be two samples.
FIRST_SEED = 1_000_000


def distribution_rows(
    runner: Runner, count: int, *, pipeline: TrainPipeline | None = None
) -> list[StepSummary]:
    """One row per parameter: "within tolerance" where chance explains what is seen.

    The candidate is its whole pipeline, or its drawing steps with ours between them.
    """
    pipeline = pipeline or TrainPipeline()
    setting = compare.ProbeSetting.of(pipeline)
    part, steps = runner.description.drawing_part(setting.step)
    if not part:
        return []

    def sampler(value: Pair, seed: int) -> Pair:
        state = GeneratorState.of(RecordingRandomState(seed))
        outcome = runner.run(part, setting.step, value, state)
        if outcome.record.error:
            raise InputError(outcome.record.error)
        return _pair(outcome.record.output)

    try:
        actual = compare.draw_samples(sampler, setting, range(FIRST_SEED, FIRST_SEED + count))
    except InputError as error:
        row = StepSummary(DISTRIBUTION, "all", 1, Verdict.DIFFERENT, Verdict.NOT_COMPARED, 1)
        return [_with_reason(row, f"the candidate: {error}")]
    tests = compare.compare_samples(actual, _expected(pipeline, count), setting, steps)
    return _rows(actual, tests, count, steps)


@cache
def _expected(pipeline: TrainPipeline, count: int) -> compare.Samples:
    """The reference's side, made once for all candidates."""
    setting = compare.ProbeSetting.of(pipeline)
    return compare.draw_samples(setting.reference, setting, range(count))


def power_note(count: int) -> str:
    """What a test of `count` samples a side can see."""
    rate, shift = (
        find(count, count, compare.TESTS) for find in (detectable_rate, detectable_shift)
    )
    half = max(count // 2, 1)
    changed = detectable_shift(half, half, compare.TESTS)
    return (
        f"Distributions: {count} samples a side; chi-square, Kolmogorov-Smirnov and reach tests, "
        f"Holm-corrected together to {ALPHA:.1%}. Found with power {POWER:g}: a rate that moves by "
        f"{rate:.2f}; a distribution function that moves by {shift:.2f} ({changed:.2f} for what is "
        f"drawn every second time). Smaller differences may pass. The order of contrast shows only "
        f"where colours are clipped, in one result of ten."
    )


def _pair(output: object) -> Pair:
    if not (isinstance(output, tuple) and len(output) == 2):
        raise InputError(f"returns a {type(output).__name__}; a pipeline returns (image, seg)")
    image, seg = output
    for array, axes in ((image, 3), (seg, 2)):
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != axes:
            raise InputError("returns other than uint8 (H, W, 3) and uint8 (H, W)")
    return image, seg


def _rows(
    actual: compare.Samples, tests: Sequence[ParameterTest], count: int, steps: Sequence[str]
) -> list[StepSummary]:
    names = [name for step in steps for name in compare.PARAMETERS[step]]
    rows = [_row(name, [test for test in tests if test.parameter == name]) for name in names]
    if actual.lost:
        reason = f"{len(actual.lost)} of {count} results cannot be read: {actual.lost[0]}"
        lost = StepSummary(DISTRIBUTION, "geometry", 1, Verdict.DIFFERENT, failed=1)
        rows.insert(0, _with_reason(lost, reason))
    return rows


def _row(name: str, tests: Sequence[ParameterTest]) -> StepSummary:
    if not tests:
        return StepSummary(DISTRIBUTION, name, skipped=1, why_skipped="too few values to test")
    found = [test for test in tests if test.differs]
    verdict = Verdict.DIFFERENT if found else Verdict.WITHIN
    largest = max(test.statistic for test in found or tests)
    failed, size = int(bool(found)), round(largest, 2)
    row = StepSummary(DISTRIBUTION, name, 1, verdict, failed=failed, max_abs=size)
    # What passes a bound says most; after it, the least probable.
    found.sort(key=lambda test: (test.name != "reach", test.adjusted))
    reasons = [f"{test.effect} (p {_probability(test.adjusted)})" for test in found]
    return _with_reason(row, "; ".join(reasons))


def _with_reason(row: StepSummary, reason: str) -> StepSummary:
    return StepSummary(**{**row.__dict__, "first": reason})


def _probability(p: float) -> str:
    return "< 1e-12" if p < 1e-12 else f"= {p:.2g}"
