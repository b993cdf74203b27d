"""Options that a candidate sets to a value of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parity.check.cases import all_steps
from parity.compare.trace import run_step, run_trace
from parity.probes.catalogue import DATA_PROBES, PROBES
from parity.steps.collate import collate
from parity.steps.crop import crop_sample
from parity.steps.loss import focal_loss
from parity.suspects.diagnose import diagnose_many
from parity.suspects.values import other_values
from tests.planted import diagnose_candidate


def diagnosed(name, function, **changed):
    """What is said of `function` with `changed` options, on the probes of a step."""
    probe = next(one for one in (*PROBES, *DATA_PROBES) if one.step.name == name)
    steps = [(name, probe.step)]
    expected = [run_trace(steps, probe.make(seed), seed).steps[0] for seed in range(12)]
    wrong = probe.step.doing(lambda *given, **options: function(*given, **{**options, **changed}))
    return diagnose_candidate(probe.step, wrong, expected, pairs=False)


@pytest.mark.parametrize(
    ("name", "function", "changed", "told"),
    [
        ("loss_focal", focal_loss, {"gamma": 3.0}, "gamma is 3.0, whatever is asked for."),
        ("collate_divisor14", collate, {"size_divisor": 16}, "size_divisor is 16, whatever"),
        ("collate_max", collate, {"std": (127.5,) * 3}, "std is (127.5, 127.5, 127.5), whatever"),
        (
            "crop_windows",
            crop_sample,
            {"cat_max_ratio": 0.9},
            "cat_max_ratio is 0.9 or 0.95 or",
        ),
    ],
)
def test_option_and_value_are_named(name, function, changed, told):
    assert told in str(diagnosed(name, function, **changed))


def test_one_of_two_values_is_named_only_where_the_other_is_asked_for_too():
    """Where all ask for False, "always True" and "the other way round" are one."""
    probe = next(one for one in PROBES if one.step.name == "logits_resize")
    step = replace(probe.step, options={"align_corners": False})
    records = [run_trace([(step.name, step)], probe.make(s), s).steps[0] for s in range(8)]
    wrong = replace(step, options={"align_corners": True})
    sides = [(one, run_step(step.name, wrong, one.input, one.state_before)) for one in records]
    assert diagnose_many(step, sides, pairs=False, suspects=()).group == ()


def test_a_value_that_is_not_usual_gets_no_name():
    assert diagnosed("loss_focal", focal_loss, alpha=0.123).likely == ()


def test_ids_are_unique_in_each_step():
    for step in all_steps():
        ids = [one.id for one in other_values(step)]
        assert len(ids) == len(set(ids))


def test_no_value_multiplies_the_work_without_bound():
    """An enlargement by 255 is no mistake of anybody, and takes all memory there is."""
    names = {"scale_factor", "oversample_ratio", "subdivision_steps"}
    found = [one for step in all_steps() for one in other_values(step) if one.option in names]
    assert {one.option for one in found} == names
    assert max(value for one in found for value in one.values) <= 5
