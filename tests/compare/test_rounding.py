"""What the order of float operations explains, and what it does not."""

import numpy as np
import pytest
import torch

from parity.check.summary import StepSummary
from parity.compare.compare import Verdict
from parity.compare.leaf import as_leaf
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.rounding import bound, is_rounding, roundings_of, terms_of
from parity.compare.trace import StepRecord, compare_records
from parity.report.sentences import worst

STATE = GeneratorState.of(RecordingRandomState(0))
TERMS = np.zeros(1024, np.float32)


def result(actual, expected, given=TERMS):
    sides = (StepRecord("x", given, STATE, one, STATE) for one in (actual, expected))
    return compare_records(*sides)


def test_another_order_of_the_same_sum_is_rounding():
    terms = np.random.RandomState(0).random_sample(4096).astype(np.float32)
    forwards = terms.sum(dtype=np.float32)
    backwards = np.float32(0)
    for rows in terms.reshape(64, 64).T:
        backwards += rows.sum(dtype=np.float32)
    assert forwards != backwards
    found = result({"sum": np.array(backwards)}, {"sum": np.array(forwards)}, terms)
    assert found.verdict is Verdict.DIFFERENT
    assert found.is_rounding
    assert "(rounding)" in found.explain()
    assert "rounding of 4096 terms reaches" in found.explain()


def test_the_bound_grows_with_the_number_of_terms():
    assert roundings_of(np.zeros(1)) == 4
    assert roundings_of(np.zeros(1024)) == 14
    assert bound("float32", 2.0, 14) == pytest.approx(2 * 14 * np.finfo(np.float32).eps)
    assert bound("float64", 1.0, 14) < bound("float32", 1.0, 4) / 1e6


def test_roundings_of_rates_add_up_iteration_by_iteration():
    assert roundings_of({"max_iters": 1000, "base_lrs": [0.1]}) == 1004
    asked = {"max_iters": 1000}
    expected = np.linspace(1, 0, 1000)
    off = 900 * np.finfo(np.float64).eps
    found = result(expected + off, expected, asked)
    assert found.is_rounding
    assert "rounding of 1000 steps reaches" in found.explain()
    assert not result(expected + 2 * off, expected, asked).is_rounding


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_next_larger_error_is_no_rounding(dtype):
    expected = np.array([1.0, 0.5], dtype)
    within = bound(str(expected.dtype), 1.0, 14)
    for factor, rounding in ((0.9, True), (1.2, False)):
        actual = expected + np.array([0, factor * within], dtype)
        assert result(actual, expected).is_rounding is rounding


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_may_be_one_step_off(dtype):
    expected = torch.tensor([100.0, 0.5], dtype=dtype)
    step = torch.finfo(dtype).eps * 0.5
    assert result(expected + torch.tensor([0, step]).to(dtype), expected).is_rounding
    assert not result(expected + torch.tensor([0, 2 * step]).to(dtype), expected).is_rounding


def test_what_is_no_rounding():
    one = np.ones(3, np.float32)
    near = np.nextafter(one, np.float32(2))
    assert result(near, one).is_rounding
    assert not result(near.astype(np.float64), one).is_rounding
    assert not result({"a": near, "b": np.array([1])}, {"a": one, "b": np.array([2])}).is_rounding
    assert not result(np.array([np.nan, 1, 1], np.float32), one).is_rounding
    assert not result(one.astype(np.uint8) + 1, one.astype(np.uint8)).is_rounding
    assert not result(one, one).is_rounding
    moved = StepRecord("x", TERMS, STATE, near, GeneratorState.of(RecordingRandomState(1)))
    assert not compare_records(moved, StepRecord("x", TERMS, STATE, one, STATE)).is_rounding


def test_the_sign_of_zero_is_rounding():
    assert result(np.array([0.0, 1], np.float32), np.array([-0.0, 1], np.float32)).is_rounding


def test_metadata_stored_as_float32_is_rounding():
    scale = (0.1, 0.3)
    stored = tuple(map(float, np.float32(scale)))
    for other in (stored, tuple(np.float32(scale)), np.float32(scale)):
        found = result({"meta": {"scale_factor": other}}, {"meta": {"scale_factor": scale}})
        assert found.is_rounding, found.explain()
    off = result({"meta": {"scale_factor": (0.1, 0.31)}}, {"meta": {"scale_factor": scale}})
    assert not off.is_rounding
    assert not result({"loss": np.float32(0.1)}, {"loss": 0.1}).is_rounding
    assert not result({"meta": {"flip": 1}}, {"meta": {"flip": True}}).is_rounding


def test_accepted_it_is_within_tolerance_and_still_said():
    one = np.ones(3, np.float32)
    found = result(np.nextafter(one, np.float32(2)), one).with_rounding_accepted()
    assert found.verdict is Verdict.WITHIN
    assert found.is_rounding
    row = StepSummary("a", "b").add("case", found, found)
    assert (row.failed, row.rounded, row.is_rounding) == (0, 1, True)
    assert row.why_rounded.startswith("case: output: within tolerance (rounding)")
    assert worst(row).endswith("rounding")
    more = result(one + 1, one)
    assert more.with_rounding_accepted() is more


def test_rounding_does_not_lead_where_something_differs_by_more():
    one = np.ones(3, np.float32)
    rounded, more = result(np.nextafter(one, np.float32(2)), one), result(one + 1, one)
    row = StepSummary("a", "b").add("small", rounded, rounded).add("large", more, more)
    assert row.first.startswith("large: ")
    assert (row.failed, row.rounded, row.is_rounding) == (2, 1, False)


def test_terms_are_those_of_the_largest_array():
    assert terms_of({"a": np.zeros((2, 3)), "b": [torch.zeros(7), 1]}) == 7
    assert terms_of("x") == 1


def test_integers_are_not_rounded():
    assert is_rounding(as_leaf(np.array([1])), as_leaf(np.array([1])), 100)
    assert not is_rounding(as_leaf(np.array([1])), as_leaf(np.array([2])), 100)


def test_the_largest_real_difference_leads_a_line():
    big, small = np.full(3, 1e6, np.float32), np.zeros(3, np.float32)
    rounded = np.nextafter(big, np.float32(2e6))
    found = result({"a": rounded, "b": small + np.float32(0.01)}, {"a": big, "b": small})
    path, leaf = found.worst
    assert (path, leaf.reason) == ("b", "values")
    zeros = result({"a": -small, "b": small + np.float32(0.01)}, {"a": small, "b": small})
    assert zeros.explain().startswith("b: different (values)")
