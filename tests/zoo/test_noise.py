from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from parity.zoo.noise import REPEATS, judge, pooled_noise, runs_needed


def test_the_spread_is_the_pooled_one_of_the_listed_figures():
    by_hand = math.sqrt(
        sum(sum((x - np.mean(row)) ** 2 for x in row) for row in REPEATS.values())
        / sum(len(row) - 1 for row in REPEATS.values())
    )
    assert pooled_noise().std == pytest.approx(by_hand)
    assert round(pooled_noise().std, 2) == 0.37
    assert pooled_noise().degrees == 20


def test_the_founding_gap_is_far_outside():
    verdict = judge(44.0 - 51.24)
    assert verdict.outside
    assert verdict.p_value < 1e-10
    assert verdict.runs_needed is None


def test_a_small_gap_is_inside_and_says_how_many_runs_would_decide():
    verdict = judge(-0.4)
    assert not verdict.outside
    assert verdict.runs_needed == runs_needed(-0.4, pooled_noise())
    assert 10 <= verdict.runs_needed <= 20


@given(st.floats(-20, 20))
def test_the_limit_and_the_p_value_agree(gap):
    verdict = judge(gap)
    assert verdict.outside == (verdict.p_value < 0.05)


def test_two_runs_of_one_config_are_called_different_in_one_of_twenty():
    """The stated confidence holds when the spread itself is estimated as it is here."""
    rng = np.random.RandomState(0)
    wrong = 0
    for _ in range(4000):
        spread = rng.normal(size=(5, 5)).std(axis=1, ddof=1)
        limit = stats.t.ppf(0.975, 20) * math.sqrt(2 * np.mean(spread**2))
        wrong += abs(np.diff(rng.normal(size=2))[0]) > limit
    assert 0.04 < wrong / 4000 < 0.06
    assert judge(0.0).limit == pytest.approx(
        stats.t.ppf(0.975, 20) * math.sqrt(2) * pooled_noise().std
    )


def test_the_runs_needed_have_the_stated_power():
    rng = np.random.RandomState(1)
    count = runs_needed(0.5, pooled_noise())
    pairs = rng.normal(0, 0.37, (2, 4000, count))
    pairs[0] += 0.5
    found = stats.ttest_ind(pairs[0], pairs[1], axis=1).pvalue < 0.05
    assert found.mean() > 0.75


def test_no_number_of_runs_tells_a_gap_of_nothing():
    assert runs_needed(0.0, pooled_noise()) is None
