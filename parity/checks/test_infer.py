from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.random import RandomState

from parity.checks.support import SEEDS, assert_both_raise, assert_equal, sample_of, samples
from parity.probes.infer import (
    CLASSES,
    PROBES,
    binary_model,
    coarse_model,
    equal_images,
    image,
    toy_model,
)
from parity.probes.natural import step_of
from parity.sample import Meta
from parity.steps import infer as ours
from parity.steps.collate import MEAN, STD
from parity.steps.logits import Segmentation

pytestmark = pytest.mark.live
EDGES = st.integers(1, 40)
SLIDE = {"model": coarse_model, "num_classes": CLASSES}


def seeded(*shape, dtype=torch.float32):
    return torch.from_numpy(RandomState(0).standard_normal(shape)).to(dtype)


def windows(**options):
    return step_of("windows", ours.slide_windows, options)


def slide(**options):
    return step_of("slide", ours.slide_inference, {**SLIDE, **options})


def whole(**options):
    return step_of("whole", ours.whole_inference, {"model": coarse_model, **options})


def predicting(**options):
    return step_of("predict", ours.predict, {"model": coarse_model, **options})


class TestProbes:
    @pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
    def test_every_seed(self, probe):
        for seed in range(20):
            assert_equal(probe.step, probe.make(seed), seed)


class TestWindows:
    @settings(max_examples=60)
    @given(st.tuples(EDGES, EDGES), st.tuples(EDGES, EDGES), st.data())
    def test_any_size(self, size, crop_size, data):
        stride = tuple(data.draw(st.integers(1, edge)) for edge in crop_size)
        value = {"height": size[0], "width": size[1]}
        assert_equal(windows(crop_size=crop_size, stride=stride), value)

    @pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 20, 24])
    @pytest.mark.parametrize("stride", [1, 3, 5, 7, 8])
    def test_lengths_around_the_crop(self, length, stride):
        for value in ({"height": length, "width": 3}, {"height": 12, "width": length}):
            assert_equal(windows(crop_size=(8, 8), stride=(stride, stride)), value)

    def test_stride_past_the_crop_where_the_shift_covers(self):
        assert_equal(windows(crop_size=(5, 5), stride=(7, 9)), {"height": 6, "width": 5})


class TestSlide:
    @pytest.mark.parametrize("size", [(5, 20), (8, 8), (16, 24), (17, 23), (8, 31), (1, 1)])
    @pytest.mark.parametrize("stride", [(8, 8), (5, 3), (1, 8)])
    def test_images_around_the_crop(self, size, stride):
        value = {"images": seeded(2, 3, *size)}
        assert_equal(slide(crop_size=(8, 8), stride=stride), value)

    @settings(max_examples=40)
    @given(st.tuples(EDGES, EDGES), st.tuples(EDGES, EDGES), st.data(), st.booleans())
    def test_any_size(self, size, crop_size, data, align_corners):
        stride = tuple(data.draw(st.integers(max(1, edge // 4), edge)) for edge in crop_size)
        options = {"crop_size": crop_size, "stride": stride, "align_corners": align_corners}
        assert_equal(slide(**options), {"images": seeded(1, 3, *size)})

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
    def test_sums_in_the_dtype_of_the_images(self, dtype):
        value = {"images": seeded(1, 3, 20, 21, dtype=dtype)}
        assert_equal(slide(crop_size=(8, 8), stride=(3, 3)), value)

    def test_more_windows_than_bfloat16_counts(self):
        """Counting to 400 one by one stops at 256 in bfloat16, on both sides."""
        value = {"images": seeded(1, 3, 39, 39, dtype=torch.bfloat16)}
        assert_equal(slide(model=toy_model, crop_size=(20, 20), stride=(1, 1)), value)

    def test_float64_logits_of_float32_images(self):
        model = partial(_in_float64, coarse_model)
        assert_equal(
            slide(model=model, crop_size=(8, 8), stride=(5, 5)), {"images": seeded(1, 3, 13, 9)}
        )

    def test_one_class(self):
        options = {"model": binary_model, "num_classes": 1, "crop_size": (8, 8), "stride": (5, 5)}
        assert_equal(slide(**options), {"images": seeded(1, 3, 13, 9)})

    @pytest.mark.parametrize(
        "options",
        [
            {"crop_size": (5, 5), "stride": (9, 9)},
            {"crop_size": (0, 5), "stride": (1, 1)},
            {"crop_size": (5, 5), "stride": (0, 1)},
            {"crop_size": (5, 5), "stride": (5, 5), "num_classes": CLASSES + 1},
        ],
        ids=str,
    )
    def test_refused_by_both(self, options):
        assert_both_raise(slide(**options), {"images": seeded(1, 3, 30, 30)})


def _in_float64(model, images):
    return model(images).double()


class TestWhole:
    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize(
        "meta",
        [
            None,
            Meta(img_shape=(9, 12), ori_shape=(9, 12)),
            Meta(img_shape=(7, 10), pad_shape=(9, 12), ori_shape=(7, 10)),
            Meta(img_shape=(7, 10), pad_shape=(9, 12, 3), ori_shape=(7, 10)),
            Meta(img_shape=torch.Size((7, 10)), pad_shape=(9, 12), ori_shape=(7, 10)),
            Meta(pad_shape=torch.Size((9, 12)), img_shape=(7, 10), ori_shape=(7, 10)),
        ],
        ids=repr,
    )
    def test_the_size_that_meta_names(self, align_corners, meta):
        value = {"images": seeded(2, 3, 9, 12), "metas": None if meta is None else [meta, meta]}
        assert_equal(whole(align_corners=align_corners), value)

    @pytest.mark.parametrize("metas", [[], [Meta(ori_shape=(9, 12))]])
    def test_metas_without_size_are_refused_by_both(self, metas):
        assert_both_raise(whole(), {"images": seeded(1, 3, 9, 12), "metas": metas})


class TestPredict:
    def test_unlike_original_sizes(self):
        metas = [Meta(img_shape=(9, 12), ori_shape=shape) for shape in ((18, 24), (5, 7))]
        assert_equal(predicting(), {"images": seeded(2, 3, 9, 12), "metas": metas})

    @pytest.mark.parametrize("mode", ["whole", "slide"])
    def test_without_metas(self, mode):
        options = {"mode": mode, "crop_size": (6, 6), "stride": (4, 4), "num_classes": CLASSES}
        assert_equal(predicting(**options), {"images": seeded(2, 3, 9, 12), "metas": None})

    def test_unknown_mode_is_refused_by_both(self):
        assert_both_raise(predicting(mode="tiles"), {"images": seeded(1, 3, 9, 12)})

    def test_slide_without_windows_is_refused_by_both(self):
        step = predicting(mode="slide", num_classes=CLASSES)
        assert_both_raise(step, {"images": seeded(1, 3, 9, 12)})


def view(logits):
    return Segmentation(logits, logits[:1])


class TestMerge:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("channels", [1, 2, 150])
    @pytest.mark.parametrize("views", [1, 2, 3, 7, 12])
    def test_views(self, dtype, channels, views):
        logits = seeded(views, channels, 6, 7, dtype=dtype)
        assert_equal(step_of("merge", ours.merge_tta), [[view(each) for each in logits]])

    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (1, 7, 1), (3, 1, 1), (3, 1, 7)])
    def test_one_pixel_edges(self, shape):
        value = [[view(logits) for logits in seeded(3, *shape)]] * 2
        assert_equal(step_of("merge", ours.merge_tta), value)

    @pytest.mark.parametrize("threshold", [0.0, 0.5, 0.6, 1.0])
    def test_threshold(self, threshold):
        value = [[view(logits) for logits in seeded(2, 1, 9, 9)]]
        assert_equal(step_of("merge", ours.merge_tta, {"threshold": threshold}), value)

    def test_not_finite(self):
        logits = seeded(2, 3, 4, 4)
        logits[0, 0, 0, 0], logits[1, 1, 1, 1], logits[0, 2, 2, 2] = (
            torch.nan,
            torch.inf,
            -torch.inf,
        )
        assert_equal(step_of("merge", ours.merge_tta), [[view(each) for each in logits]])

    def test_image_without_views_is_refused_by_both(self):
        assert_both_raise(step_of("merge", ours.merge_tta), [[]])


class TestAugmentation:
    @settings(max_examples=40)
    @given(samples(limit=30), SEEDS, st.lists(st.floats(0.3, 2.5), min_size=1, max_size=3))
    def test_any_ratio(self, sample, seed, ratios):
        assume(min(sample.image.shape[:2]) * min(ratios) > 0.6)  # a pixel is left
        assert_equal(step_of("views", ours.tta_views, {"ratios": ratios}), sample, seed)

    @pytest.mark.parametrize(
        "flips", [(None,), ("horizontal",), (None, "horizontal", "vertical", "diagonal")]
    )
    def test_flips(self, flips):
        assert_equal(step_of("views", ours.tta_views, {"flips": flips}), image(3), 3)

    def test_without_labels(self):
        assert_equal(step_of("views", ours.tta_views), image(4).replace(seg=None), 4)

    @pytest.mark.parametrize("align_corners", [False, True])
    @pytest.mark.parametrize("model", [coarse_model, binary_model])
    @pytest.mark.parametrize("flips", [(None, "horizontal"), ("vertical", None, "horizontal")])
    def test_full(self, align_corners, model, flips):
        options = {
            "model": model,
            "mean": MEAN,
            "std": STD,
            "flips": flips,
            "num_classes": 1 if model is binary_model else CLASSES,
            "align_corners": align_corners,
            "test_size_divisor": 14,
        }
        assert_equal(step_of("tta", ours.predict_tta, options), equal_images(5), 5)

    @pytest.mark.parametrize("flips", [("diagonal",), (None, "diagonal")])
    def test_diagonal_is_refused_by_both(self, flips):
        options = {**SLIDE, "mean": MEAN, "std": STD, "flips": flips}
        assert_both_raise(step_of("tta", ours.predict_tta, options), equal_images(1))

    def test_unlike_sizes_are_refused_by_both(self):
        shapes = ((20, 21), (20, 22))
        value = [
            sample_of(RandomState(0).randint(0, 255, (*s, 3)).astype("uint8"), None) for s in shapes
        ]
        step = step_of(
            "tta", ours.predict_tta, {**SLIDE, "mean": MEAN, "std": STD, "ratios": (1.0,)}
        )
        assert_both_raise(step, value)
