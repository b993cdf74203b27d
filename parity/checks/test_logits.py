import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import RandomState

from parity.checks.support import SEEDS, assert_both_raise, assert_equal
from parity.probes.logits import PROBES, random_logits
from parity.probes.natural import step_of
from parity.sample import Meta
from parity.steps.logits import decide, postprocess_logits, resize_logits

FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
NONFINITE = (float("nan"), float("inf"), -float("inf"), -0.0)


def meta_of(padding, key, flip, ori_shape):
    direction = {"flip": flip is not None, "flip_direction": flip}
    return Meta(ori_shape=ori_shape, **{key: padding}, **direction)


METAS = st.builds(
    meta_of,
    st.tuples(*[st.integers(0, 3)] * 4),
    st.sampled_from(["padding_size", "img_padding_size"]),
    st.sampled_from([None, "horizontal", "vertical"]),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
)


def resize_step(align_corners=False):
    return step_of("resize", resize_logits, {"align_corners": align_corners})


def postprocess_step(**options):
    return step_of("postprocess", postprocess_logits, options)


def seeded(*shape, dtype=torch.float32):
    return torch.from_numpy(RandomState(0).standard_normal(shape)).to(dtype)


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
    def test_every_seed(self, probe):
        for seed in range(20):
            assert_equal(probe.step, probe.make(seed), seed)


@pytest.mark.live
class TestResize:
    @settings(max_examples=60)
    @given(
        SEEDS,
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
        st.booleans(),
        st.sampled_from(FLOATS),
    )
    def test_any_size(self, seed, size, align_corners, dtype):
        logits = random_logits(RandomState(seed), channels=3).to(dtype)
        assert_equal(resize_step(align_corners), {"logits": logits, "size": size})

    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize("size", [(7, 9), (1, 1), (1, 9), (14, 18), (3, 4), (64, 61)])
    @pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
    def test_layouts(self, align_corners, size, layout):
        logits = seeded(2, 8, 7, 9).contiguous(memory_format=layout)
        assert_equal(resize_step(align_corners), {"logits": logits, "size": size})

    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize("value", NONFINITE)
    def test_not_finite(self, align_corners, value):
        logits = seeded(1, 2, 4, 5)
        logits[0, 0, 1, 2] = value
        for size in [(4, 5), (8, 10), (3, 3)]:
            assert_equal(resize_step(align_corners), {"logits": logits, "size": size})

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
    def test_integers_are_refused_by_both(self, dtype):
        assert_both_raise(
            resize_step(), {"logits": torch.ones(1, 1, 2, 2, dtype=dtype), "size": (3, 3)}
        )

    @pytest.mark.parametrize("size", [(0, 3), (3, -1)])
    def test_empty_size_is_refused_by_both(self, size):
        assert_both_raise(resize_step(), {"logits": seeded(1, 2, 4, 5), "size": size})


@pytest.mark.live
class TestPostprocess:
    @settings(max_examples=60)
    @given(METAS, st.integers(1, 4), st.booleans(), st.sampled_from(FLOATS))
    def test_any_meta(self, meta, channels, align_corners, dtype):
        value = {"seg_logits": seeded(2, channels, 7, 8, dtype=dtype), "metas": [meta, meta]}
        assert_equal(postprocess_step(align_corners=align_corners), value)

    def test_padding_of_testing_wins(self):
        meta = Meta(ori_shape=(9, 9), padding_size=(0, 1, 0, 1), img_padding_size=(0, 3, 0, 2))
        assert_equal(postprocess_step(), {"seg_logits": seeded(1, 3, 7, 8), "metas": [meta]})

    def test_direction_without_flip_does_not_count(self):
        meta = Meta(ori_shape=(9, 9), flip=False, flip_direction="horizontal")
        assert_equal(postprocess_step(), {"seg_logits": seeded(1, 3, 7, 8), "metas": [meta]})

    @pytest.mark.parametrize("channels", [1, 2, 150])
    def test_ties_take_the_first_class(self, channels):
        meta = Meta(ori_shape=(5, 5))
        value = {"seg_logits": torch.zeros(1, channels, 5, 5), "metas": [meta]}
        assert_equal(postprocess_step(), value)

    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("value", NONFINITE)
    def test_not_finite(self, channels, value):
        logits = seeded(1, channels, 4, 5)
        logits[0, -1, 1, 2] = value
        meta = Meta(ori_shape=(8, 6))
        assert_equal(postprocess_step(), {"seg_logits": logits, "metas": [meta]})

    @pytest.mark.parametrize("threshold", [None, 0.0, 0.3, 0.5, 1.0])
    @pytest.mark.parametrize("dtype", FLOATS)
    def test_threshold_is_strict(self, threshold, dtype):
        """Logits around the one whose sigmoid is the threshold, and 0, whose sigmoid is 0.5."""
        steps = torch.linspace(-0.86, -0.83, 61)
        logits = torch.cat([steps, torch.tensor([0.0, -0.0, 88.0, -110.0])]).to(dtype)
        value = {"seg_logits": logits.view(1, 1, 5, 13), "metas": None}
        assert_equal(postprocess_step(threshold=threshold), value)

    @pytest.mark.parametrize(
        "meta",
        [
            Meta(),
            Meta(ori_shape=(3, 3), flip=True, flip_direction="diagonal"),
            Meta(ori_shape=(3, 3), flip=True),
            Meta(ori_shape=(3, 3), padding_size=(4, 4, 0, 0)),
            Meta(ori_shape=(3, 3), padding_size=(0, 0, 0, 7)),
            Meta(ori_shape=(0, 3)),
        ],
        ids=repr,
    )
    def test_meta_that_does_not_fit_is_refused_by_both(self, meta):
        assert_both_raise(postprocess_step(), {"seg_logits": seeded(1, 3, 7, 8), "metas": [meta]})

    def test_too_few_metas_are_refused_by_both(self):
        value = {"seg_logits": seeded(2, 3, 7, 8), "metas": [Meta(ori_shape=(3, 3))]}
        assert_both_raise(postprocess_step(), value)


def test_prediction_of_one_class_keeps_the_dtype_of_the_logits():
    assert decide(torch.zeros(1, 2, 2)).prediction.dtype is torch.float32
    assert decide(torch.zeros(2, 2, 2)).prediction.dtype is torch.int64
