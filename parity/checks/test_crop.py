import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_both_raise, assert_equal, sample_of, samples
from parity.errors import InputError
from parity.pipeline import Step
from parity.steps.crop import CropBox, crop, crop_sample, is_varied


def test_recorded(recorded):
    recorded.assert_equal("crop")


@pytest.mark.live
class TestCrop:
    @given(samples(), SEEDS, st.tuples(st.integers(1, 80), st.integers(1, 80)))
    def test_any_window(self, sample, seed, crop_size):
        assert_equal(Step("crop", crop_sample, {"crop_size": crop_size}), sample, seed)

    @given(
        samples(),
        SEEDS,
        st.integers(1, 60),
        st.sampled_from([0.0, 0.3, 0.5, 0.75, 0.999, 1.0]),
        st.sampled_from([255, 0, 254]),
    )
    def test_category_test(self, sample, seed, edge, ratio, ignore_index):
        options = {"crop_size": edge, "cat_max_ratio": ratio, "ignore_index": ignore_index}
        assert_equal(Step("crop", crop_sample, options), sample, seed)

    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("fill", [7, 255])
    def test_one_class_draws_eleven_windows(self, seed, fill):
        sample = sample_of(np.zeros((50, 60, 3), np.uint8), np.full((50, 60), fill, np.uint8))
        options = {"crop_size": (20, 20), "cat_max_ratio": 0.75}
        assert_equal(Step("crop", crop_sample, options), sample, seed)

    def test_without_labels(self):
        sample = sample_of(np.zeros((50, 60, 3), np.uint8), None)
        assert_equal(Step("crop", crop_sample, {"crop_size": (20, 20)}), sample)

    def test_impossible_size_is_refused_by_both(self):
        sample = sample_of(np.zeros((5, 6, 3), np.uint8), np.zeros((5, 6), np.uint8))
        assert_both_raise(Step("crop", crop_sample, {"crop_size": (0, 4)}), sample)


def test_crop_returns_a_new_array():
    array = np.zeros((4, 4), np.uint8)
    assert not np.shares_memory(crop(array, CropBox(0, 4, 0, 4)), array)


def test_is_varied_at_the_limit():
    seg = np.array([[1, 1, 1, 2]], np.uint8)
    assert not is_varied(seg, cat_max_ratio=0.75)
    assert is_varied(seg, cat_max_ratio=0.76)


def test_category_test_needs_labels():
    sample = sample_of(np.zeros((5, 6, 3), np.uint8), None)
    with pytest.raises(InputError, match="needs a label map"):
        crop_sample(sample, np.random.RandomState(0), crop_size=2, cat_max_ratio=0.5)
