"""Every planted defect is found at its step, and the clean pipeline gives nothing."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from parity.check.cases import default_cases, list_root
from parity.check.summary import candidate_steps, reference_steps
from parity.checks.support import hold, sample_of
from parity.compare import Verdict
from parity.compare.trace import run_trace
from parity.compare.walk import compare_with_trace
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.pipeline import Step
from parity.probes.catalogue import PROBES
from parity.steps.loss import cross_entropy
from parity.steps.photometric import photometric_sample
from tests.planted import DEFECTS, PIPELINES, photometric_in_place

SEEDS = range(28)

pytestmark = pytest.mark.live


def reference_trace(case):
    """The data side alone."""
    steps = reference_steps(PIPELINES[case.pipeline].steps)
    return run_trace(steps, case.info, case.seed)


@pytest.fixture(scope="module")
def reference_traces():
    """Reference traces of both pipelines over the built-in inputs, made once."""
    cases = default_cases(list_root(inputs_root()), SEEDS)
    return [(case.pipeline, reference_trace(case)) for case in cases if case.probe is None]


def comparisons(reference_traces, pipeline, steps):
    return [
        compare_with_trace(candidate_steps(steps), trace)
        for name, trace in reference_traces
        if name == pipeline
    ]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_found_at_its_step(reference_traces, defect):
    steps = defect.plant(PIPELINES[defect.pipeline].steps)
    found = comparisons(reference_traces, defect.pipeline, steps)
    differing = [result for result in found if result.verdict is Verdict.DIFFERENT]
    assert differing, "the defect was not noticed"
    for result in differing:
        assert result.first_difference.name == defect.step
        assert result.first_difference.isolated.verdict is Verdict.DIFFERENT
        assert result.first_difference.isolated.explain()
    names = [step.name for step in steps]
    later = names[names.index(defect.step) + 1 :]
    allowed = {"crop", "flip"} if defect.name == "flip_before_crop" else {defect.step}
    for result in differing:
        for row in result.steps:
            # isolated, every other step is clean: the error is shown where it enters
            if row.name not in allowed:
                assert row.isolated.verdict is Verdict.EQUAL, row.isolated.explain()
            if row.name not in allowed and row.name not in later:
                assert row.chained.verdict is Verdict.EQUAL


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_clean_pipeline_gives_nothing(reference_traces, pipeline):
    for result in comparisons(reference_traces, pipeline, PIPELINES[pipeline].steps):
        assert result.verdict is Verdict.EQUAL
        assert result.first_difference is None


def test_changed_input_is_found():
    sample = sample_of(np.full((4, 4, 3), 9, np.uint8), np.zeros((4, 4), np.uint8))
    step = Step("photometric", photometric_sample)
    with pytest.raises(AssertionError, match="changed its input"):
        hold(step, sample, 1, candidate=photometric_in_place)  # seed 1 changes the brightness


def test_extra_draw_names_the_draw(reference_traces):
    [defect] = [one for one in DEFECTS if one.name == "photometric_extra_draw"]
    steps = defect.plant(PIPELINES["train"].steps)
    result = comparisons(reference_traces, "train", steps)[0].first_difference.isolated
    assert result.draw.expected == "none"
    assert result.draw.actual.startswith("random_sample()")
    assert all(leaf.verdict is Verdict.EQUAL for leaf in result.leaves.values())


def test_inclusive_hue_names_the_argument(reference_traces):
    [defect] = [one for one in DEFECTS if one.name == "photometric_inclusive_hue"]
    steps = defect.plant(PIPELINES["train"].steps)
    found = comparisons(reference_traces, "train", steps)
    draws = [r.first_difference.isolated.draw for r in found if r.first_difference]
    assert any(
        "randint(-18, 19)" in draw.actual and "randint(-18, 18)" in draw.expected for draw in draws
    )


def test_a_wrong_gradient_of_the_right_value_is_found():
    probe = next(one for one in PROBES if one.step.name == "loss_ce")

    def doubled(pred, label, **options):
        loss = cross_entropy(pred, label, **options)
        return loss * 2 - loss.detach()

    planted = partial(probe.step.run, doubled)
    found = hold(probe.step, probe.make(0), 0, candidate=planted)
    verdicts = {path: leaf.verdict for path, leaf in found.leaves.items()}
    assert verdicts == {"loss": Verdict.EQUAL, "grad": Verdict.DIFFERENT}


def test_what_raises_is_different():
    probe = next(one for one in PROBES if one.step.name == "loss_ce")

    def raises(pred, label, **options):
        raise InputError("no")

    found = hold(probe.step, probe.make(0), 0, candidate=raises)
    assert found.verdict is Verdict.DIFFERENT
    assert found.error.startswith("only actual raises InputError")
