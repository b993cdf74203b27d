import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import assert_equal, samples
from parity.pipeline import Step
from parity.steps.pad import pad_sample

EDGES = st.integers(1, 90)
MODES = st.sampled_from(["constant", "edge", "reflect", "symmetric"])
VALUES = st.sampled_from([0, 7, {"img": 3, "seg": 0}, {"img": 1}, {"img": (1, 2, 3), "seg": 9}])


@pytest.mark.live
class TestPad:
    @given(samples(), st.tuples(EDGES, EDGES), VALUES)
    def test_size(self, sample, size, value):
        assert_equal(Step("pad", pad_sample, {"size": size, "pad_val": value}), sample)

    @given(samples(), st.sampled_from([None, 2, 32]), st.booleans(), MODES)
    def test_divisor_and_square(self, sample, divisor, square, mode):
        if divisor is None and not square:
            return
        options = {"size_divisor": divisor, "pad_to_square": square, "padding_mode": mode}
        assert_equal(Step("pad", pad_sample, options), sample)
