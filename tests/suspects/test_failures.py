"""What is said of failures: likenesses only where there is something to liken."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from parity.check.cases import list_root
from parity.check.summary import CheckReport, StepSummary, candidate_steps
from parity.compare.compare import Verdict
from parity.compare.trace import StepRecord, run_step, run_trace
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline
from parity.probes import data
from parity.probes.catalogue import PROBES
from parity.steps.flip import flip_sample
from parity.suspects.catalogue import suspects_of
from parity.suspects.failures import known_mistake, with_diagnoses
from parity.suspects.trial import NotDefined, Trial, together
from tests.planted import diagnose_candidate

PIPELINE = TrainPipeline(scale=(96, 48), crop_size=(40, 48))
[FLIP] = [step for step in PIPELINE.steps if step.name == "flip"]


@pytest.fixture(scope="module")
def expected():
    infos = list_root(inputs_root())
    found = []
    for seed in range(8):
        start = PIPELINE.data_info(infos[1].img_path, infos[1].seg_map_path)
        trace = run_trace(candidate_steps(PIPELINE.steps), start, seed)
        found += [record for record in trace.steps if record.name == "flip"]
    return found


def records(expected, candidate):
    return [
        (FLIP, one, run_step("flip", candidate, one.input, one.state_before)) for one in expected
    ]


def raises(sample, rng):
    raise ValueError("no")


@pytest.mark.parametrize(
    "candidate",
    [raises, lambda s, r: None, lambda s, r: (s.image, s.seg), lambda s, r: "x", lambda s, r: 1.0],
    ids=["raises", "None", "tuple", "text", "number"],
)
def test_what_gives_nothing_usable_is_like_no_mistake(expected, candidate):
    assert known_mistake(records(expected, candidate)).text == ""


def test_a_mistake_that_reproduces_everything_is_sure(expected):
    def vertical(sample, rng):
        return flip_sample(sample, rng, prob=0.5, direction="vertical")

    told = known_mistake(records(expected, vertical))
    assert told.sure
    assert "vertical" in told.text


def test_what_is_unknown_is_said_and_not_sure(expected):
    def noise(sample, rng):
        done = flip_sample(sample, rng, prob=0.5)
        odd = (np.arange(done.image.size) * 7919 % 251).astype(np.uint8).reshape(done.image.shape)
        return done.replace(image=odd)

    told = known_mistake(records(expected, noise))
    assert not told.sure
    assert told.text


def test_right_records_have_no_diagnosis(expected):
    right = [(FLIP, one, replace(one)) for one in expected]
    assert known_mistake(right).text == ""


def test_rounding_is_no_mistake_and_said():
    [probe] = [one for one in PROBES if one.step.name == "loss_ce"]
    records = []
    for seed in range(12):
        expected = run_trace([("loss_ce", probe.step)], probe.make(seed), seed).steps[0]
        grad = expected.output["grad"] * (1 + 2**-22)
        given = {**expected.output, "grad": grad}
        records.append((probe.step, expected, replace(expected, output=given)))
    told = known_mistake(records)
    assert told.text.startswith("Rounding: ")
    [line] = told.evidence
    assert re.fullmatch(r"rounding alone in \d+ of 12 cases looked at", line)


def test_what_differs_by_more_in_as_many_cases_is_not_called_rounding():
    [probe] = [one for one in PROBES if one.step.name == "loss_ce"]
    held = []
    for seed in range(12):
        expected = run_trace([("loss_ce", probe.step)], probe.make(seed), seed).steps[0]
        factor = 1 + 2**-22 if seed % 2 else 1.7
        given = {name: part * factor for name, part in expected.output.items()}
        held.append((probe.step, expected, replace(expected, output=given)))
    assert "ounding" not in str(known_mistake(held))


def test_what_our_own_step_does_as_well_has_no_name(expected):
    """Such as where the reference alone raises: every suspect that does not show would fit."""
    raised = [replace(one, output=None, error="ValueError: no") for one in expected]
    held = [(FLIP, one, run_step("flip", FLIP, one.input, one.state_before)) for one in raised]
    assert "looks like" not in str(known_mistake(held))
    assert "exactly" not in str(known_mistake(held))


def test_rows_of_one_function_are_told_apart_together(expected):
    """A probability of 0.5 cannot tell two mistakes apart that one of 0.3 can."""

    def listed(sample, rng, *, prob):
        turned = rng.choice([None, "horizontal"], p=[1 - prob, prob])
        image, seg = sample.image, sample.seg
        if turned:
            image, seg = image[:, ::-1].copy(), seg[:, ::-1].copy()
        meta = sample.meta.replace(flip=bool(turned), flip_direction=turned)
        return sample.replace(image=image, seg=seg, meta=meta)

    [rare] = [probe for probe in data.PROBES if probe.step.name == "flip_rare"]
    other = [run_trace([("flip_rare", rare.step)], rare.make(seed), seed) for seed in range(24)]
    both = {
        ("train", "flip"): [(FLIP, one) for one in expected],
        ("flip", "flip_rare"): [(rare.step, trace.steps[0]) for trace in other],
    }
    held = {
        key: [
            (step, one, run_step(one.name, step.doing(listed), one.input, one.state_before))
            for step, one in rows
        ]
        for key, rows in both.items()
    }
    alone = str(known_mistake(held["train", "flip"]))
    assert "cannot tell it from" in alone
    rows = tuple(StepSummary(*key, 1, Verdict.DIFFERENT) for key in held)
    found = with_diagnoses(CheckReport("live", {}, (), None, {}, rows), held).summaries
    for row in found:
        assert "no-flip-listed-first: exactly reproduced" in str(row.diagnosis)
        assert "cannot tell" not in str(row.diagnosis)


@pytest.mark.parametrize(("kept", "told"), [(3, True), (7, True), (1, False), (0, False)])
def test_rates_that_are_kept_for_several_iterations_are_said_to_be(kept, told):
    [probe] = [one for one in PROBES if one.step.name == "schedule"]

    def stairs(value, rng):
        rates = probe.step(value, rng)
        return rates[np.arange(len(rates)) // kept * kept] if kept else rates * 1.3

    held = []
    for seed in range(0, 28, 7):
        start = probe.make(seed)
        one = run_trace(candidate_steps([probe.step]), start, seed).steps[0]
        held.append((probe.step, one, run_step("schedule", stairs, start, one.state_before)))
    text = known_mistake(held).text
    assert text.startswith(f"Each rate is kept for {kept} iterations") is told


def test_an_error_that_our_own_step_raises_names_nothing():
    """No suspect was reached: each of them raises the same."""
    step = next(one.step for one in PROBES if one.step.name == "schedule")
    value = next(one.make(0) for one in PROBES if one.step.name == "schedule")
    [good] = run_trace([("schedule", step)], value, 0).steps
    unknown = [{**one, "unheard_of": 1} for one in value["param_scheduler"]]
    record = replace(good, input={**value, "param_scheduler": unknown})
    diagnosis = diagnose_candidate(step, step, [record])
    assert diagnosis.differing == 1
    assert diagnosis.explanations == ()


def test_pairs_that_cannot_be_made_together():
    """A mistake that never comes to the step hides whatever the step would do."""
    [step] = [one for one in PIPELINE.steps if one.name == "crop"]
    info = list_root(inputs_root())[1]
    start = PIPELINE.data_info(info.img_path, info.seg_map_path)
    trace = run_trace(candidate_steps(PIPELINE.steps), start, 0)
    [record] = [one for one in trace.steps if one.name == "crop"]
    by_id = {one.id: one for one in suspects_of(step)}
    early, centre = by_id["photometric-before-crop"], by_id["centre-crop"]
    with pytest.raises(NotDefined):
        together(early, centre, step)(record.input, np.random.RandomState(0), **step.options)
    trial = Trial(step, record, suspects_of(step))
    assert trial.record((early, centre)) is None
    made = trial.record((centre, early))
    assert isinstance(made, StepRecord)
    assert not made.error


def test_large_inputs_are_not_searched_where_small_ones_were_in_vain(expected, monkeypatch):
    monkeypatch.setattr("parity.suspects.failures.LARGE", 100_000)

    def noise(sample, rng, **options):
        good = flip_sample(sample, rng, **options)
        return good.replace(image=good.image // 3 + 7)

    [rare] = [probe for probe in data.PROBES if probe.step.name == "flip_rare"]
    small = run_trace([("flip_rare", rare.step)], rare.make(1), 1).steps[0]
    large = small.input.replace(
        image=np.tile(small.input.image, (8, 8, 1)), seg=np.tile(small.input.seg, (8, 8))
    )
    big = run_step("flip", FLIP, large, small.state_before)
    rows = {("flip", "flip_rare"): (rare.step, small), ("train", "flip"): (FLIP, big)}
    held = {
        key: [(step, one, run_step(one.name, step.doing(noise), one.input, one.state_before))]
        for key, (step, one) in rows.items()
    }
    summaries = tuple(StepSummary(*key, 1, Verdict.DIFFERENT) for key in held)
    found = with_diagnoses(CheckReport("live", {}, (), None, {}, summaries), held).summaries
    assert "not searched for" not in str(found[0].diagnosis)
    assert "not searched for: inputs are large, and of flip/flip_rare" in str(found[1].diagnosis)
