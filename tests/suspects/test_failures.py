"""What is said of failures: likenesses only where there is something to liken."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from parity.check.cases import list_root
from parity.check.summary import candidate_steps
from parity.compare.trace import run_step, run_trace
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline
from parity.probes.catalogue import PROBES
from parity.steps.flip import flip_sample
from parity.suspects.failures import known_mistake

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
