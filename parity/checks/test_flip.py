import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_equal, sample_of, samples
from parity.errors import InputError
from parity.pipeline import Step
from parity.steps.flip import draw_flip, flip, flip_sample, swap_labels

DIRECTIONS = ["horizontal", "vertical", "diagonal"]


def test_recorded(recorded):
    recorded.assert_equal("flip")


@pytest.mark.live
class TestFlip:
    @given(samples(), SEEDS, st.floats(0, 1), st.sampled_from(DIRECTIONS))
    def test_one_direction(self, sample, seed, prob, direction):
        options = {"prob": prob, "direction": direction}
        assert_equal(Step("flip", flip_sample, options), sample, seed)

    @given(
        samples(),
        SEEDS,
        st.floats(0, 1),
        st.lists(st.sampled_from(DIRECTIONS), min_size=1, max_size=3, unique=True),
    )
    def test_shared_probability(self, sample, seed, prob, directions):
        options = {"prob": prob, "direction": directions}
        assert_equal(Step("flip", flip_sample, options), sample, seed)

    @pytest.mark.parametrize("seed", range(30))
    @pytest.mark.parametrize("prob", [[0.3, 0.5], [0.1, 0.2], [0.0, 1.0], [0.5, 0.5]])
    def test_own_probabilities(self, seed, prob):
        rng = np.random.RandomState(seed)
        image = rng.randint(0, 256, (7, 9, 3)).astype(np.uint8)
        sample = sample_of(image, rng.randint(0, 3, (7, 9)).astype(np.uint8))
        options = {"prob": prob, "direction": ["horizontal", "vertical"]}
        assert_equal(Step("flip", flip_sample, options), sample, seed)

    @given(samples(), SEEDS)
    def test_swapped_labels(self, sample, seed):
        options = {"prob": 1.0, "swap_seg_labels": [(1, 2), (149, 150)]}
        assert_equal(Step("flip", flip_sample, options), sample, seed)

    def test_without_labels(self):
        sample = sample_of(np.arange(18, dtype=np.uint8).reshape(2, 3, 3), None)
        assert_equal(Step("flip", flip_sample, {"prob": 1.0}), sample)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_flip_twice_is_nothing(direction):
    array = np.arange(24).reshape(2, 4, 3)
    flipped = flip(array, direction)
    assert not np.array_equal(flipped, array)
    assert not np.shares_memory(flipped, array)
    assert np.array_equal(flip(flipped, direction), array)


def test_swap_labels_swaps_both_ways():
    seg = np.array([[1, 5, 3]], np.uint8)
    assert swap_labels(seg, [(1, 5)]).tolist() == [[5, 1, 3]]


@pytest.mark.parametrize(
    ("prob", "direction"),
    [(1.5, "horizontal"), (-0.1, "horizontal"), ([0.5], ["horizontal", "vertical"])],
)
def test_probabilities_that_do_not_fit(prob, direction):
    with pytest.raises(InputError, match="flip prob"):
        draw_flip(np.random.RandomState(0), prob=prob, direction=direction)


def test_unknown_direction():
    with pytest.raises(InputError, match="sideways"):
        draw_flip(np.random.RandomState(0), prob=0.5, direction="sideways")
    with pytest.raises(InputError, match="sideways"):
        flip(np.zeros((2, 2)), "sideways")
