import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_both_raise, assert_equal, sample_of, samples
from parity.errors import InputError
from parity.pipeline import Step
from parity.steps.load import load_sample
from parity.steps.photometric import PhotometricDraws, photometric, photometric_sample

PHOTOMETRIC = Step("photometric", photometric_sample)


def test_recorded(recorded):
    recorded.assert_equal("photometric")


@pytest.mark.live
class TestPhotometric:
    @given(samples(), SEEDS)
    def test_defaults(self, sample, seed):
        assert_equal(PHOTOMETRIC, sample, seed)

    @given(
        samples(limit=20),
        SEEDS,
        st.integers(0, 255),
        st.tuples(st.floats(0, 1), st.floats(1, 4)),
        st.tuples(st.floats(0, 1), st.floats(1, 4)),
        st.integers(1, 180),
    )
    def test_other_ranges(self, sample, seed, brightness, contrast, saturation, hue):
        options = {
            "brightness_delta": brightness,
            "contrast_range": contrast,
            "saturation_range": saturation,
            "hue_delta": hue,
        }
        assert_equal(Step("photometric", photometric_sample, options), sample, seed)

    @pytest.mark.parametrize("block", range(4))
    def test_every_combination_of_changes_occurs(self, block):
        """All 64 draw paths times several values, on an image that holds 4096 colours."""
        levels = np.arange(8, 256, 16, dtype=np.uint8)
        colours = np.array(list(itertools.product(levels, repeat=3)), np.uint8).reshape(64, 64, 3)
        for seed in range(block * 64, block * 64 + 64):
            assert_equal(PHOTOMETRIC, sample_of(colours, np.zeros((64, 64), np.uint8)), seed)

    def test_photographs(self, photographs):
        for seed, info in enumerate(photographs):
            assert_equal(PHOTOMETRIC, load_sample(info), seed)

    def test_empty_hue_range_is_refused_by_both(self):
        sample = sample_of(np.zeros((4, 4, 3), np.uint8), None)
        # seed 0 draws a hue change
        assert_both_raise(Step("photometric", photometric_sample, {"hue_delta": 0}), sample, 0)


@pytest.mark.live
def test_all_hues_and_shifts():
    """Every colour of a coarse cube, every hue shift the draw can give."""
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3), -1).reshape(-1, 52, 3)
    for seed in range(80):
        assert_equal(
            Step("photometric", photometric_sample, {"hue_delta": 180}), sample_of(cube, None), seed
        )


def test_no_change_returns_a_new_array():
    image = np.zeros((2, 2, 3), np.uint8)
    unchanged = photometric(image, PhotometricDraws(None, False, None, None, None))
    assert np.array_equal(unchanged, image)
    assert not np.shares_memory(unchanged, image)


@pytest.mark.parametrize(
    "image",
    [np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8)],
)
def test_other_images_are_refused(image):
    with pytest.raises(InputError, match="uint8"):
        photometric(image, PhotometricDraws(1.0, False, None, None, None))
