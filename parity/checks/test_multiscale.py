import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, assert_equal, samples
from parity.pipeline import Step
from parity.steps.load import load_sample
from parity.steps.multiscale import (
    random_choice_resize_sample,
    resize_shortest_edge_sample,
    resize_to_multiple_sample,
    shortest_edge_size,
)

EDGES = st.integers(16, 120)
# The scales of the Mask2Former configs, and their bound.
SCALES = [int(512 * x * 0.1) for x in range(5, 21)]


@pytest.mark.live
class TestShortestEdge:
    @given(samples(limit=90), EDGES, st.integers(16, 200), st.booleans())
    def test_any_size(self, sample, scale, max_size, pair):
        options = {"scale": (scale, scale + 7) if pair else scale, "max_size": max_size}
        height, width = sample.image.shape[:2]
        if min(shortest_edge_size(height, width, **options)) >= 4:
            assert_equal(Step("resize", resize_shortest_edge_sample, options), sample)


@pytest.mark.live
class TestRandomChoiceResize:
    @given(samples(), SEEDS, st.lists(EDGES, min_size=1, max_size=5))
    def test_shortest_edge(self, sample, seed, scales):
        options = {"scales": scales, "resize_type": "ResizeShortestEdge", "max_size": 1000}
        assert_equal(Step("resize", random_choice_resize_sample, options), sample, seed)

    @given(samples(), SEEDS, st.lists(st.tuples(EDGES, EDGES), min_size=1, max_size=5))
    def test_resize(self, sample, seed, scales):
        options = {"scales": scales, "resize_type": "Resize", "keep_ratio": False}
        assert_equal(Step("resize", random_choice_resize_sample, options), sample, seed)

    def test_photographs_at_full_scale(self, photographs):
        options = {"scales": SCALES, "resize_type": "ResizeShortestEdge", "max_size": 2048}
        for seed, info in enumerate(photographs):
            step = Step("resize", random_choice_resize_sample, options)
            assert_equal(step, load_sample(info), seed)


@pytest.mark.live
@given(samples(), st.sampled_from([2, 7, 32]), st.sampled_from([None, "nearest", "bicubic"]))
def test_resize_to_multiple(sample, divisor, interpolation):
    options = {"size_divisor": divisor, "interpolation": interpolation}
    assert_equal(Step("resize_to_multiple", resize_to_multiple_sample, options), sample)
