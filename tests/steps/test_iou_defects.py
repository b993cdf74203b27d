"""Planted defects: each exchanges one part of our step for a wrong one, and must be found."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import pytest

from parity.check.summary import reference_steps
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import compare_records, run_step
from parity.pipeline import Step
from parity.probes.iou import ALL, make_images
from parity.probes.natural import step_of
from parity.probes.natural.recipe import counted, evaluated
from parity.steps.iou import (
    ClassCounts,
    IoUMetric,
    class_ratios,
    format_prediction,
    intersect_and_union,
    metric,
)


def count_with(change):
    """Counts of pred, label after `change` has spoilt them."""

    def wrong(pred, label, *, num_classes, ignore_index=255, name=""):
        pred, label = change(pred.astype(np.int64), label.astype(np.int64), ignore_index)
        return intersect_and_union(
            pred, label, num_classes=num_classes, ignore_index=ignore_index, name=name
        )

    return wrong


def change_counts(change):
    def wrong(*args, **options):
        return change(intersect_and_union(*args, **options))

    return wrong


def ignored_in_label_only(pred, label, *, num_classes, ignore_index=255, name=""):
    counts = intersect_and_union(pred, label, num_classes=num_classes)
    in_pred = np.bincount(pred.ravel(), minlength=num_classes)
    return replace(counts, pred=in_pred, union=in_pred + counts.label - counts.intersect)


def half_counts(counts):
    values = (counts.intersect, counts.union, counts.pred, counts.label)
    return ClassCounts(*(value.astype(np.float16).astype(np.int64) for value in values))


def change_ratios(change):
    """Ratios after `change`, which may also use the counts."""

    def wrong(counts, **options):
        ratios = class_ratios(counts, **options)
        change(ratios, counts)
        return ratios

    return wrong


def background_dropped(ratios, counts):
    for name in set(ratios) - {"aAcc"}:
        ratios[name][0] = np.nan


def accuracy_of_classes(ratios, counts):
    ratios["aAcc"] = np.nanmean(ratios["Acc"])


def acc_over_predictions(ratios, counts):
    ratios["Acc"] = ratios["Precision"]


def dice_not_doubled(ratios, counts):
    ratios["Dice"] = ratios["Dice"] / 2


def fscore_where_dice_is_zero(ratios, counts):
    missed = (counts.intersect == 0) & (counts.pred > 0) & (counts.label > 0)
    ratios["Fscore"] = np.where(missed, np.float32(0), ratios["Fscore"])


def rounded_before_the_mean(ratios):
    means = {name: np.round(np.nanmean(np.round(x * 100, 2)), 2) for name, x in ratios.items()}
    return {name if name == "aAcc" else f"m{name}": mean for name, mean in means.items()}


def nan_as_zero(ratios):
    clean = {name: np.nan_to_num(ratio) for name, ratio in ratios.items()}
    return metric.summarise(clean)


def in_double(ratios):
    return metric.summarise({name: ratio.astype(np.float64) for name, ratio in ratios.items()})


def mean_of_images(images, rng, **options):
    """Every image scored alone."""
    alone = [evaluated(IoUMetric, [image], rng, **options) for image in images]
    together = evaluated(IoUMetric, images, rng, **options)
    for name in together["summary"]:
        scores = [result["summary"][name] for result in alone]
        together["summary"][name] = np.round(np.nanmean(scores), 2)
    return together


def beta_not_squared(images, rng, *, beta, **options):
    return evaluated(IoUMetric, images, rng, beta=beta**0.5, **options)


def with_part(name, wrong):
    """`IoUMetric` with one of the functions it calls exchanged."""
    real = getattr(metric, name)

    def candidate(images, rng, **options):
        with mock.patch.object(metric, name, call):
            return evaluated(IoUMetric, images, rng, **options)

    def call(*args, **options):
        with mock.patch.object(metric, name, real):
            return wrong(*args, **options)

    return candidate


COUNT_DEFECTS = {
    "argmax one too high": count_with(lambda p, t, i: (np.minimum(p + 1, 149), t)),
    "label one too low": count_with(lambda p, t, i: (p, np.where((t > 0) & (t != i), t - 1, t))),
    "ignored counted as class 0": count_with(lambda p, t, i: (p, np.where(t == i, 0, t))),
    "class 0 ignored": count_with(lambda p, t, i: (p, np.where(t == 0, i, t))),
    "predictions and labels exchanged": lambda pred, label, **options: swapped(
        intersect_and_union(pred, label, **options)
    ),
    "ignored in the label only": ignored_in_label_only,
    "union counts the intersection twice": change_counts(
        lambda counts: replace(counts, union=counts.pred + counts.label)
    ),
    "float16 counts": change_counts(half_counts),
}
RATIO_DEFECTS = {
    "background dropped": background_dropped,
    "aAcc as mean of classes": accuracy_of_classes,
    "Acc over predictions": acc_over_predictions,
    "Dice not doubled": dice_not_doubled,
    "Fscore 0 where undefined": fscore_where_dice_is_zero,
}
SUMMARY_DEFECTS = {
    "rounded before the mean": rounded_before_the_mean,
    "NaN as 0": nan_as_zero,
    "means in float64": in_double,
}
DEFECTS = {
    **{name: with_part("intersect_and_union", wrong) for name, wrong in COUNT_DEFECTS.items()},
    **{
        name: with_part("class_ratios", change_ratios(wrong))
        for name, wrong in RATIO_DEFECTS.items()
    },
    **{name: with_part("summarise", wrong) for name, wrong in SUMMARY_DEFECTS.items()},
    "mean of images": mean_of_images,
    "beta not squared": beta_not_squared,
}


def several_images():
    """Twelve small sets, and an image with more pixels per class than float16 can count."""
    yield from map(make_images, range(12))
    rng = np.random.RandomState(0)
    yield [{name: rng.randint(0, 3, (151, 149)) for name in ("pred", "label")}]


def swapped(counts):
    return replace(counts, pred=counts.label, label=counts.pred)


def differs(step, candidate, value):
    """What the comparison with the live reference finds in `candidate`, or ""."""
    state = GeneratorState.of(RecordingRandomState(0))
    [(name, reference)] = reference_steps([step])
    actual = run_step(name, Step(step.name, candidate, step.options), value, state)
    result = compare_records(actual, run_step(name, reference, value, state))
    assert result.verdict in (Verdict.EQUAL, Verdict.DIFFERENT)
    assert "raises" not in result.error
    return result.explain() if result.verdict is Verdict.DIFFERENT else ""


@pytest.mark.live
class TestDefects:
    step = step_of("iou", IoUMetric, {"num_classes": 150, "iou_metrics": ALL, "beta": 2})

    @pytest.mark.parametrize("name", DEFECTS)
    def test_found(self, name):
        assert any(differs(self.step, DEFECTS[name], images) for images in several_images())

    @pytest.mark.parametrize("part", ["intersect_and_union", "class_ratios", "summarise"])
    def test_clean_parts_are_silent(self, part):
        clean = with_part(part, getattr(metric, part))
        assert not any(differs(self.step, clean, images) for images in several_images())

    def test_defect_shows_in_the_result_it_spoils(self):
        found = differs(self.step, DEFECTS["Dice not doubled"], make_images(0))
        assert "Dice" in found

    @pytest.mark.parametrize("clip", [149, 255])
    def test_labels_outside_the_classes(self, clip):
        """Clipped into the last class, or ignored: neither is what the reference does."""
        step = step_of("counts", intersect_and_union, {"num_classes": 150})
        image = {"pred": np.full((4, 4), 3), "label": np.full((4, 4), 200)}

        def wrong(image, rng, **options):
            label = np.where(image["label"] == 200, clip, image["label"])
            return counted(
                intersect_and_union, {"pred": image["pred"], "label": label}, rng, **options
            )

        assert differs(step, wrong, image)
        assert not differs(step, partial(counted, intersect_and_union), image)

    @pytest.mark.parametrize("reduce_zero_label", [False, True])
    def test_saved_with_the_wrong_offset(self, reduce_zero_label):
        step = step_of("png", format_prediction, {"reduce_zero_label": reduce_zero_label})
        pred = np.array([[0, 1], [1, 2]])

        def wrong(pred, rng, *, reduce_zero_label):
            return format_prediction(pred, reduce_zero_label=not reduce_zero_label)

        assert differs(step, wrong, pred)
        assert not differs(
            step, lambda pred, rng, **options: format_prediction(pred, **options), pred
        )
