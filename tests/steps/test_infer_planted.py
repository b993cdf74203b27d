"""Mistakes in windows, in their average and in test-time augmentation, each found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from torch.nn import functional

from parity.checks.support import hold
from parity.compare import Verdict
from parity.probes.infer import PROBES
from parity.sample import Meta
from parity.steps.infer import encode_decode, merge_tta, slide_inference, slide_windows, tta_views
from parity.steps.infer import slide as slides
from parity.steps.infer import tta as ttas
from parity.steps.logits import Segmentation, resize_logits
from parity.steps.resize import resize_sample

SEEDS = range(16)
_spans = slides.window_spans
BY_NAME = {probe.step.name: probe for probe in PROBES}


def found(name, *, candidate=None):
    """Number of seeds at which the outputs differ."""
    probe = BY_NAME[name]
    results = [hold(probe.step, probe.make(seed), seed, candidate=candidate) for seed in SEEDS]
    return sum(result.verdict is Verdict.DIFFERENT and not result.error for result in results)


def spans_stride_off_by_one(length, crop, stride):
    return _spans(length, crop, stride + 1)


def spans_with_gaps(length, crop, stride):
    return _spans(length, crop, crop + stride)


def spans_last_not_shifted(length, crop, stride):
    """The last window is cut off at the border."""
    count = max(length - crop + stride - 1, 0) // stride + 1
    return [(i * stride, min(i * stride + crop, length)) for i in range(count)]


def spans_last_dropped(length, crop, stride):
    count = max(length - crop, 0) // stride + 1
    return [(i * stride, min(i * stride + crop, length)) for i in range(count)]


def spans_one_too_many(length, crop, stride):
    """A window more where the stride divides the rest: the last one counts twice."""
    count = max(length - crop, 0) // stride + 2
    ends = [min(i * stride + crop, length) for i in range(count)]
    return [(max(end - crop, 0), end) for end in ends]


def spans_of_ceil_without_crop(length, crop, stride):
    starts = range(0, length, stride)
    return [(max(min(s + crop, length) - crop, 0), min(s + crop, length)) for s in starts]


def windows_column_by_column(height, width, *, crop_size, stride):
    boxes = slide_windows(height, width, crop_size=crop_size, stride=stride)
    return sorted(boxes, key=lambda box: (box.left, box.top))


def windows_width_first(height, width, *, crop_size, stride):
    return slide_windows(height, width, crop_size=crop_size[::-1], stride=stride[::-1])


def slide_variant(*, count=True, average="logits", per_window_resize=True):
    """`slide_inference` with one property changed."""

    def wrong(value, rng, *, model, num_classes, align_corners=False):
        images = value["images"]
        height, width = images.shape[2:]
        total = images.new_zeros((len(images), num_classes, height, width))
        counts = images.new_zeros((len(images), 1, height, width))
        options = {"crop_size": value["crop_size"], "stride": value["stride"]}
        for box in slide_windows(height, width, **options):
            rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
            raw = model(images[:, :, rows, columns])
            size = (box.bottom - box.top, box.right - box.left)
            if per_window_resize:
                logits = resize_logits(raw, size=size, align_corners=align_corners)
            else:
                logits = functional.interpolate(raw, size=size, mode="nearest")
            logits = logits.softmax(1) if average == "softmax" else logits
            if count:
                total[:, :, rows, columns] += logits
                counts[:, :, rows, columns] += 1
            elif average == "last":
                total[:, :, rows, columns] = logits
            else:
                total[:, :, rows, columns] += logits
        return total / counts if count else total

    return wrong


def slide_in_float32(value, rng, **options):
    images = value["images"]
    good = slide_inference(**{**value, "images": images.float()}, **options)
    return good.to(images)


def decode_without_resize(model, images, *, metas=None, align_corners=False):
    return model(images)


def decode_to_img_shape(model, images, *, metas=None, align_corners=False):
    size = images.shape[2:] if metas is None else metas[0]["img_shape"]
    return resize_logits(model(images), size=size, align_corners=align_corners)


def decode_corners_flipped(model, images, *, metas=None, align_corners=False):
    return encode_decode(model, images, metas=metas, align_corners=not align_corners)


def merge_variant(mean):
    """`merge_tta` on another mean than that of the softmax over classes."""

    def wrong(value, rng, *, threshold=None):
        merged = []
        for views in value:
            logits = torch.stack([view[0] for view in views])
            probability = mean(logits)
            if probability.shape[0] == 1:
                prediction = (probability > 0.3).to(probability)
            else:
                prediction = probability.argmax(0, keepdim=True)
            merged.append(Segmentation(logits[-1], prediction))
        return merged

    return wrong


def mean_of_logits(logits):
    """Right for one class except for the sigmoid that the reference takes a second time."""
    return logits.mean(0)


def softmax_over_height(logits):
    return (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(2)).mean(0)


def maximum_of_probabilities(logits):
    return (logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)).amax(0)


def last_view_left_out(logits):
    return mean_of_logits(logits[:-1] if len(logits) > 1 else logits)


def majority_vote(value, rng, *, threshold=None):
    merged = []
    for views in value:
        votes = torch.stack([view[1] for view in views])
        merged.append(Segmentation(views[-1][0], votes.mode(0).values))
    return merged


def merge_keeps_first_view(value, rng, *, threshold=None):
    good = merge_tta(value, threshold=threshold)
    return [
        Segmentation(views[0][0], result.prediction)
        for views, result in zip(value, good, strict=True)
    ]


def views_flip_outermost(sample, rng, *, ratios=ttas.RATIOS, flips=ttas.FLIPS):
    views = tta_views(sample, rng, ratios=ratios, flips=flips)
    return [view for index in range(len(flips)) for view in views[index :: len(flips)]]


def views_without_draws(sample, rng, *, ratios=ttas.RATIOS, flips=ttas.FLIPS):
    return tta_views(sample, RandomState(0), ratios=ratios, flips=flips)


def views_flipping_labels(sample, rng, *, ratios=ttas.RATIOS, flips=ttas.FLIPS):
    views = tta_views(sample, rng, ratios=ratios, flips=flips)
    return [
        view.replace(seg=np.flip(view.seg, 1).copy()) if view.meta.flip else view for view in views
    ]


def views_of_truncated_size(sample, rng, *, ratios=ttas.RATIOS, flips=ttas.FLIPS):
    """The size truncated instead of rounded, before the ratio is kept."""
    views = []
    for view in tta_views(sample, rng, ratios=ratios, flips=flips):
        height, width = sample.image.shape[:2]
        ratio = ratios[len(views) // len(flips)]
        scale = (int(width * ratio), int(height * ratio))
        image = resize_sample(sample.replace(seg=None), scale=scale, keep_ratio=False).image
        image = np.flip(image, 1).copy() if view.meta.flip else image
        views.append(view.replace(image=image))
    return views


def predict_without_unflip(model, images, *, metas=None, **options):
    bare = [Meta(**{**meta, "flip": False}) for meta in metas]
    return slides.predict(model, images, metas=bare, **options)


def predict_keeping_padding(model, images, *, metas=None, **options):
    bare = [Meta(**{key: meta[key] for key in meta if key != "img_padding_size"}) for meta in metas]
    return slides.predict(model, images, metas=bare, **options)


PLACED = [
    ("slide_windows", slides, "window_spans", spans_stride_off_by_one),
    ("slide_windows", slides, "window_spans", spans_last_not_shifted),
    ("slide_windows", slides, "window_spans", spans_last_dropped),
    ("slide_windows", slides, "window_spans", spans_one_too_many),
    ("slide_windows", slides, "window_spans", spans_of_ceil_without_crop),
    ("infer_slide", slides, "window_spans", spans_stride_off_by_one),
    ("infer_slide", slides, "window_spans", spans_last_not_shifted),
    ("infer_slide", slides, "window_spans", spans_one_too_many),
    ("infer_slide", slides, "slide_windows", windows_width_first),
    ("infer_slide", slides, "slide_windows", windows_column_by_column),
    ("infer_slide", slides, "encode_decode", decode_corners_flipped),
    ("infer_slide_corners", slides, "encode_decode", decode_corners_flipped),
    ("infer_whole", slides, "encode_decode", decode_without_resize),
    ("infer_whole", slides, "encode_decode", decode_to_img_shape),
    ("infer_whole", slides, "encode_decode", decode_corners_flipped),
    ("tta", ttas, "predict", predict_without_unflip),
    ("tta_slide", ttas, "predict", predict_keeping_padding),
]
REPLACED = [
    ("infer_slide", slide_variant(count=False)),
    ("infer_slide", slide_variant(count=False, average="last")),
    ("infer_slide", slide_variant(average="softmax")),
    ("infer_slide", slide_variant(per_window_resize=False)),
    ("infer_slide_half", slide_in_float32),
    ("tta_merge", merge_variant(mean_of_logits)),
    ("tta_merge", merge_variant(softmax_over_height)),
    ("tta_merge", merge_variant(maximum_of_probabilities)),
    ("tta_merge", merge_variant(last_view_left_out)),
    ("tta_merge", majority_vote),
    ("tta_merge", merge_keeps_first_view),
    ("tta_views", views_flip_outermost),
    ("tta_views", views_without_draws),
    ("tta_views", views_flipping_labels),
    ("tta_views", views_of_truncated_size),
]


@pytest.mark.live
class TestPlanted:
    @pytest.mark.parametrize("name", sorted({row[0] for row in [*PLACED, *REPLACED]}))
    def test_clean_step_gives_nothing(self, name):
        assert found(name) == 0

    @pytest.mark.parametrize(
        ("name", "module", "place", "defect"),
        PLACED,
        ids=lambda item: getattr(item, "__name__", item),
    )
    def test_is_found(self, monkeypatch, name, module, place, defect):
        monkeypatch.setattr(module, place, defect)
        assert found(name) > 0, "the defect was not noticed"

    @pytest.mark.parametrize(
        ("name", "defect"), REPLACED, ids=lambda item: getattr(item, "__name__", item)
    )
    def test_whole_step_is_found(self, name, defect):
        assert found(name, candidate=defect) > 0, "the defect was not noticed"

    def test_sum_in_the_same_order_is_clean(self):
        """Adding only inside each window gives the same numbers, and is no defect."""
        assert found("infer_slide", candidate=slide_variant()) == 0

    def test_raising_is_different_too(self, monkeypatch):
        monkeypatch.setattr(slides, "window_spans", spans_with_gaps)
        probe = BY_NAME["infer_slide"]
        results = [hold(probe.step, probe.make(seed), seed) for seed in SEEDS]
        errors = {result.error for result in results if result.error}
        assert errors
        assert all(error.startswith("only actual raises InputError") for error in errors)

    def test_missing_draws_show_in_the_generator(self):
        probe = BY_NAME["tta_views"]
        result = hold(probe.step, probe.make(0), 0, candidate=views_without_draws)
        assert all(leaf.verdict is Verdict.EQUAL for leaf in result.leaves.values())
        assert result.generator != "equal"
