"""What people get wrong when counts become scores and their means, and in saved predictions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.steps.iou import metric, saved
from parity.steps.iou.counts import ClassCounts, whole_numbers
from parity.suspects.mistake import Function, made_in, mistake

Columns = Mapping[str, NDArray[Any]]
_OF_RATIOS = ("iou_metrics", "nan_to_num", "beta")

ratio_mistake = made_in(metric.IoUMetric, metric.class_ratios)
mean_mistake = made_in(metric.IoUMetric)


@ratio_mistake(metric.class_ratios, needs="a class neither labelled nor predicted", nan_to_num=0)
def nan_as_0() -> None:
    """Absent classes score 0 in the mean; the reference leaves them out."""


@ratio_mistake(metric.class_ratios, needs="a class predicted but not labelled")
def unlabelled_classes_dropped(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """Classes that are predicted but nowhere labelled are left out; the reference counts them 0."""
    ratios = class_ratios(counts, **options)
    return {
        name: ratio if name == "aAcc" else np.where(counts.label == 0, np.float32("nan"), ratio)
        for name, ratio in ratios.items()
    }


@ratio_mistake(metric.class_ratios, needs="Acc among the metrics")
def accuracy_over_predictions(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """Acc divides by the predicted pixels; the reference divides by the labelled ones."""
    ratios = class_ratios(counts, **options)
    swapped = class_ratios(replace(counts, label=counts.pred), **options)
    return {name: (swapped if name == "Acc" else ratios)[name] for name in ratios}


@ratio_mistake(metric.class_ratios, needs="Acc among the metrics")
def pixel_accuracy_over_classes(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """aAcc is the mean of the classes' Acc; the reference's is the share of all pixels."""
    ratios = class_ratios(counts, **options)
    return {**ratios, "aAcc": _mean(ratios["Acc"])} if "Acc" in ratios else ratios


@ratio_mistake(metric.class_ratios, needs="mDice")
def dice_not_doubled(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """Dice lacks the factor 2 of the intersection."""
    ratios = class_ratios(counts, **options)
    return {name: row / np.float32(2) if name == "Dice" else row for name, row in ratios.items()}


@ratio_mistake(metric.class_ratios, needs="mFscore, and a class that is never predicted rightly")
def fscore_0_where_undefined(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """Fscore of a class never predicted rightly is 0; the reference has NaN and leaves it out."""
    ratios = class_ratios(counts, **options)
    missed = (counts.intersect == 0) & (counts.pred > 0) & (counts.label > 0)
    if "Fscore" not in ratios:
        return ratios
    return {**ratios, "Fscore": np.where(missed, np.float32(0), ratios["Fscore"])}


@mean_mistake(metric.summarise, needs="class 0")
def class_0_not_averaged(summarise: Function, ratios: Columns) -> Any:
    """Class 0 is left out of the means as background; the reference averages it too."""
    return summarise({name: row[1:] if row.ndim else row for name, row in ratios.items()})


@mean_mistake(metric.summarise)
def rounded_before_mean(summarise: Function, ratios: Columns) -> Any:
    """Classes are rounded before they are averaged; the reference rounds the mean."""
    return summarise({name: np.round(row * 100, 2) / 100 for name, row in ratios.items()})


@mean_mistake(metric.summarise)
def fractions_for_percent(summarise: Function, ratios: Columns) -> Any:
    """Means are fractions from 0 to 1; the reference gives percent with two decimals."""
    return {name: _mean(ratios[name.removeprefix("m")]) for name in summarise(ratios)}


@mean_mistake(metric.summarise)
def means_in_float64(summarise: Function, ratios: Columns) -> Any:
    """Means are taken in float64; the reference takes them in float32."""
    return summarise({name: row.astype(np.float64) for name, row in ratios.items()})


@mean_mistake(metric.summarise, needs="Acc among the metrics")
def mean_accuracy_over_pixels(summarise: Function, ratios: Columns) -> Any:
    """mAcc is the share of all pixels; the reference's is the mean over classes."""
    found = summarise(ratios)
    return {name: found["aAcc"] if name == "mAcc" else mean for name, mean in found.items()}


@mistake(metric.IoUMetric, needs="several images")
def mean_of_images(iou_metric: Function, *arguments: Any, **options: Any) -> Any:
    """Every image is scored alone and the scores averaged; the reference sums pixels first."""

    def result(scored: Function, images: Sequence[Any]) -> Any:
        chosen = {key: options[key] for key in _OF_RATIOS if key in options}
        alone = [metric.class_ratios(scored([image]).counts, **chosen) for image in images]
        found = scored(images)
        means = {
            name: _mean(np.array([_mean(ratios[name.removeprefix("m")]) for ratios in alone]))
            for name in found.summary
        }
        return replace(found, summary={name: np.round(of * 100, 2) for name, of in means.items()})

    return _Kept(partial(iou_metric, *arguments, **options), result)


@mistake(metric.IoUMetric)
def weighted_by_frequency(iou_metric: Function, *arguments: Any, **options: Any) -> Any:
    """mIoU weighs classes by their pixels; the reference weighs all alike."""

    def result(scored: Function, images: Sequence[Any]) -> Any:
        found = scored(images)
        pixels = found.counts.label
        shares = pixels / max(pixels.sum(), 1)
        mean = np.nansum(shares * found.per_class["IoU"], dtype=np.float32)
        return replace(found, summary={**found.summary, "mIoU": np.round(mean, 2)})

    return _Kept(partial(iou_metric, *arguments, **options), result)


@mean_mistake(metric.summarise, needs="mDice and mIoU")
def dice_from_mean_iou(summarise: Function, ratios: Columns) -> Any:
    """mDice is computed from mIoU; the reference averages the classes' Dice."""
    found = summarise(ratios)
    if not {"mDice", "mIoU"} <= set(found):
        return found
    mean = _mean(ratios["IoU"])
    return {**found, "mDice": np.round(2 * mean / (1 + mean) * 100, 2)}


@mistake(metric.class_ratios, needs="mFscore with a beta other than 1")
def beta_not_squared(class_ratios: Function, counts: ClassCounts, **options: Any) -> Any:
    """Fscore weighs recall by beta; the reference by its square."""
    ratios, beta = class_ratios(counts, **options), np.float32(options.get("beta", 1))
    if "Fscore" not in ratios:
        return ratios
    precision, recall = ratios["Precision"], ratios["Recall"]
    with np.errstate(invalid="ignore"):
        score = (1 + beta) * (precision * recall) / (beta * precision + recall)
    return {**ratios, "Fscore": score}


@mistake(saved.format_prediction, needs="reduce_zero_label", reduce_zero_label=False)
def png_not_raised() -> None:
    """Saved classes start at 0; with reduce_zero_label the reference saves them from 1."""


class _Kept:
    """A metric that keeps its images and scores them by ``result(metric, images)``."""

    def __init__(self, metric: Callable[[], Any], result: Callable[..., Any]) -> None:
        self._metric, self._result = metric, result
        self._images: list[tuple[Any, Any]] = []

    def update(self, pred: Any, label: Any) -> None:
        """Keep one image."""
        self._images.append((pred, label))

    def compute(self) -> Any:
        """Score all of them."""
        return self._result(self._scored, self._images)

    def _scored(self, images: Iterable[tuple[Any, Any]]) -> Any:
        metric = self._metric()
        for pred, label in images:
            metric.update(pred, label)
        return metric.compute()


@mistake(saved.format_prediction, needs="no reduce_zero_label", reduce_zero_label=True)
def png_always_raised() -> None:
    """Saved classes start at 1; without reduce_zero_label the reference saves them from 0."""


@mistake(saved.format_prediction, needs="reduce_zero_label, and 255 predicted")
def png_clipped(format_prediction: Function, pred: Any, *, reduce_zero_label: bool) -> Any:
    """255 plus one stays 255; in the reference's uint8 it becomes 0."""
    classes = whole_numbers(pred, "the prediction")
    return np.clip(classes + reduce_zero_label, 0, 255).astype(np.uint8)


def _mean(row: NDArray[Any]) -> Any:
    """Over what is not NaN; NaN, without a warning, when nothing is left."""
    return row.dtype.type("nan") if np.all(np.isnan(row)) else np.nanmean(row)
