"""A diagnosis has a budget, and never costs the report."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import numpy as np
import pytest

from parity.check.summary import CheckReport, StepSummary
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import StepRecord, run_step
from parity.pipeline import Step
from parity.sample import Meta, Sample
from parity.steps.flip import flip_sample
from parity.suspects import diagnose as diagnosing
from parity.suspects import failures
from parity.suspects.budget import Clock
from parity.suspects.diagnose import diagnose_many
from parity.suspects.suspect import Suspect

FLIP = Step("flip", flip_sample, {"prob": 0.5})


@pytest.fixture
def pair():
    state = GeneratorState.of(RecordingRandomState(3))
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    sample = Sample(image, image[..., 0].copy(), Meta(img_shape=(4, 5)))
    expected = run_step("flip", FLIP, sample, state)
    odd = expected.output.replace(image=expected.output.image // 3 + 7)
    return expected, replace(expected, output=odd)


def slow(value, rng, **options):
    time.sleep(0.05)
    return flip_sample(value, rng, **options)


@pytest.fixture
def slow_suspects(monkeypatch):
    found = tuple(Suspect(f"slow-{at}", "x", {("flip", "flip_sample"): slow}) for at in range(60))
    monkeypatch.setattr(diagnosing, "suspects_of", lambda step: found)
    monkeypatch.setattr(failures, "suspects_of", lambda step: found)


@pytest.mark.usefixtures("slow_suspects")
def test_the_search_stops_when_its_time_is_spent_and_says_what_was_tried(pair):
    start = time.monotonic()
    found = diagnose_many(FLIP, [pair], seconds=0.4)
    assert time.monotonic() - start < 2
    assert found.explanations == ()
    assert re.fullmatch(r"\d+ of \d+ known mistakes", found.tried)


@pytest.mark.usefixtures("slow_suspects")
def test_the_report_says_so(pair, monkeypatch):
    monkeypatch.setattr(failures, "SECONDS", 0.4)
    told = failures.known_mistake([(FLIP, *pair)])
    assert told.evidence[-1].startswith("0.4 s are spent: ")
    assert told.evidence[-1].endswith(" known mistakes tried")


def test_pairs_are_counted_as_pairs(pair):
    clock = Clock(0)
    pairs = [("a", "b")] * 3
    assert clock.within(1.0, lambda: tuple(clock.watch(pairs))) == ()
    assert clock.tried == "0 of 3 pairs of known mistakes"


def test_without_a_limit_everything_is_tried(pair):
    found = diagnose_many(FLIP, [pair])
    assert found.tried == ""
    assert found.differing == 1


def test_a_diagnosis_that_fails_costs_itself_only(pair):
    rows = (StepSummary("train", "flip", 1, Verdict.DIFFERENT), StepSummary("train", "crop"))
    report = CheckReport("live", {}, (), None, {}, rows)

    def fails(records, siblings):
        raise TypeError("Got unsupported ScalarType BFloat16")

    done = failures.with_diagnoses(report, {("train", "flip"): [(FLIP, *pair)]}, fails)
    assert done.summaries[0].diagnosis.text == (
        "No diagnosis: TypeError: Got unsupported ScalarType BFloat16"
    )
    assert not done.summaries[0].diagnosis.sure
    assert done.summaries[1] == rows[1]


def test_records_are_kept_up_to_a_number_and_a_size(pair):
    one = (FLIP, *pair)
    assert failures.worth_keeping([], one, 8)
    assert failures.worth_keeping([one] * 7, one, 8)
    assert not failures.worth_keeping([one] * 8, one, 8)
    state = pair[0].state_before
    array = np.zeros(failures.KEPT_BYTES // 2, np.uint8)
    large = (FLIP, *[StepRecord("flip", array, state, array, state)] * 2)
    assert failures.worth_keeping([], large, 8)
    assert not failures.worth_keeping([one], large, 8)
