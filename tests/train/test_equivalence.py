import math

import numpy as np
import pytest
from scipy import stats

from parity.train.equivalence import by_class, equivalence, mean_iou, seeds_needed

NOISE = (44.1, 44.9, 43.6, 44.4)


def test_equal_scores_are_equal_with_any_number_of_seeds():
    assert equivalence([44.0], [44.0]).verdict == "equal"
    assert equivalence(NOISE, NOISE).interval == (0.0, 0.0)


def test_one_run_against_one_is_undecided():
    found = equivalence([44.3], [44.0])
    assert (found.verdict, found.interval, found.p) == ("undecided", None, None)


def test_tests_are_those_of_scipy():
    apart = np.array([0.1, -0.2, 0.15, 0.05])
    found = equivalence(np.add(NOISE, apart), NOISE, margin=0.5)
    sides = [(-0.5, "greater"), (0.5, "less")]
    expected = max(stats.ttest_1samp(apart, mean, alternative=side).pvalue for mean, side in sides)
    assert found.p == pytest.approx(expected)
    low, high = stats.ttest_1samp(apart, 0).confidence_interval(0.95)
    assert found.interval == pytest.approx((low, high))
    assert found.verdict == "equivalent"


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [
        ((0.1, -0.1, 0.05, 0.0), "equivalent"),
        ((1.1, 0.9, 1.0, 1.05), "different"),
        ((1.0, -1.2, 0.3, 0.1), "undecided"),
        ((0.2, 0.2, 0.2, 0.2), "equivalent"),
        ((0.7, 0.7, 0.7, 0.7), "different"),
    ],
)
def test_verdict(apart, verdict):
    assert equivalence(np.add(NOISE, apart), NOISE, margin=0.5).verdict == verdict


def test_as_many_seeds_as_are_needed_decide_four_times_in_five():
    deviation, margin = 0.6, 0.5
    count = seeds_needed(deviation, margin)
    rng = np.random.default_rng(0)
    runs = rng.normal(0, deviation, (2000, count))
    decided = [equivalence(run, np.zeros(count), margin=margin).verdict for run in runs]
    assert 0.75 < decided.count("equivalent") / 2000 < 0.9
    assert seeds_needed(1e6, margin) is None


def areas(*images):
    """Two classes and one that is nowhere: intersections and unions, image by image."""
    return np.array([[[*inter, 0], [*union, 0], [0] * 3, [0] * 3] for inter, union in images])


def test_classes_are_scored_over_all_images_of_all_seeds():
    one = areas(((8, 1), (10, 4)), ((2, 0), (10, 0)))
    other = areas(((8, 2), (10, 4)), ((2, 0), (10, 0)))
    first, second, nowhere = by_class([one, other], [one, one], ["a", "b", "c"])
    assert (first.candidate, first.reference) == (50.0, 50.0)
    assert first.interval == (0.0, 0.0)
    assert (second.candidate, second.reference) == (37.5, 25.0)
    assert second.interval == (12.5, 12.5)  # one image alone holds it
    assert math.isnan(nowhere.candidate)
    assert mean_iou(one) == 37.5
