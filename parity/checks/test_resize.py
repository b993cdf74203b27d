import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_both_raise, assert_equal, sample_of, samples
from parity.errors import InputError
from parity.live import reference_module
from parity.pipeline import Step
from parity.steps.load import load_sample
from parity.steps.resize import draw_scale, keep_ratio_size, random_resize_sample, resize_sample

EDGES = st.integers(16, 120)


def test_recorded(recorded):
    recorded.assert_equal("resize")


def as_large_as_a_pixel(sample, options):
    """Whether neither edge of the result rounds to nothing, which no side can do."""
    height, width = sample.image.shape[:2]
    return min(keep_ratio_size(height, width, options["scale"])) >= 1


@pytest.mark.live
class TestRandomResize:
    @given(samples(), SEEDS, EDGES, EDGES)
    def test_keep_ratio(self, sample, seed, first, second):
        options = {"scale": (first, second), "ratio_range": (0.5, 2.0), "keep_ratio": True}
        smallest = {"scale": (first // 2, second // 2)}
        if as_large_as_a_pixel(sample, smallest):
            assert_equal(Step("resize", random_resize_sample, options), sample, seed)

    @given(samples(), SEEDS, EDGES, EDGES)
    def test_free_ratio(self, sample, seed, first, second):
        options = {"scale": (first, second), "ratio_range": (0.5, 2.0), "keep_ratio": False}
        assert_equal(Step("resize", random_resize_sample, options), sample, seed)

    @given(samples(), SEEDS, st.tuples(EDGES, EDGES), st.tuples(EDGES, EDGES), st.booleans())
    def test_between_two_scales(self, sample, seed, low, high, keep_ratio):
        options = {"scale": [low, high], "keep_ratio": keep_ratio}
        smallest = {"scale": (min(low[0], high[0]), min(low[1], high[1]))}
        if as_large_as_a_pixel(sample, smallest):
            assert_equal(Step("resize", random_resize_sample, options), sample, seed)

    def test_photographs_at_full_scale(self, photographs):
        options = {"scale": (2048, 512), "ratio_range": (0.5, 2.0), "keep_ratio": True}
        for seed, info in enumerate(photographs):
            assert_equal(Step("resize", random_resize_sample, options), load_sample(info), seed)


@pytest.mark.live
class TestResize:
    @given(samples(), EDGES, EDGES, st.booleans())
    def test_fixed_scale(self, sample, first, second, keep_ratio):
        options = {"scale": (first, second), "keep_ratio": keep_ratio}
        if not keep_ratio or as_large_as_a_pixel(sample, options):
            assert_equal(Step("resize", resize_sample, options), sample)

    @given(samples(), st.floats(0.5, 3), st.floats(0.5, 3), st.booleans())
    def test_scale_factor(self, sample, first, second, keep_ratio):
        options = {"scale_factor": (first, second), "keep_ratio": keep_ratio}
        assert_equal(Step("resize", resize_sample, options), sample)
        options["scale_factor"] = first
        assert_equal(Step("resize", resize_sample, options), sample)

    @pytest.mark.parametrize("scale", [40, 33, (64, 20)])
    def test_scale_comes_before_scale_factor(self, scale):
        rng = np.random.RandomState(0)
        sample = sample_of(rng.randint(0, 256, (31, 47, 3)).astype(np.uint8), None)
        options = {"scale": scale, "scale_factor": 0.5}
        assert_equal(Step("resize", resize_sample, options), sample)

    @pytest.mark.parametrize(
        ("backend", "interpolation"),
        [
            *(("cv2", name) for name in ("nearest", "bilinear", "bicubic", "area", "lanczos")),
            *(
                ("pillow", name)
                for name in ("nearest", "bilinear", "bicubic", "box", "lanczos", "hamming")
            ),
        ],
    )
    @pytest.mark.parametrize("scale", [(20, 90), (150, 11), (53, 37)])
    def test_backends(self, backend, interpolation, scale):
        rng = np.random.RandomState(1)
        image = rng.randint(0, 256, (37, 53, 3)).astype(np.uint8)
        sample = sample_of(image, rng.randint(0, 151, (37, 53)).astype(np.uint8))
        options = {"scale": scale, "backend": backend, "interpolation": interpolation}
        assert_equal(Step("resize", resize_sample, options), sample)

    def test_vanishing_edge_is_refused_by_both(self):
        sample = sample_of(np.zeros((1, 300, 3), np.uint8), np.zeros((1, 300), np.uint8))
        assert_both_raise(
            Step("resize", resize_sample, {"scale": (60, 60), "keep_ratio": True}), sample
        )


@pytest.mark.live
def test_size_rule_on_many_sizes():
    """The rounding alone, on sizes where float error could tip it."""
    rescale_size = reference_module("resize").rescale_size

    rng = np.random.RandomState(7)
    for height, width, first, second in rng.randint(1, 4000, (20000, 4)).tolist():
        expected = rescale_size((width, height), (first, second))[::-1]
        assert keep_ratio_size(height, width, (first, second)) == expected


def test_wrong_options():
    sample = sample_of(np.zeros((4, 4, 3), np.uint8), None)
    with pytest.raises(InputError, match="scale or a scale_factor"):
        resize_sample(sample)
    with pytest.raises(InputError, match="area"):
        resize_sample(sample, scale=4, backend="pillow", interpolation="area")
    with pytest.raises(InputError, match="ratio_range"):
        draw_scale(np.random.RandomState(0), scale=(4, 4))
    one_axis = sample_of(sample.image, np.zeros(4, np.uint8))
    with pytest.raises(InputError, match="label map"):
        resize_sample(one_axis, scale=4)
