"""What people get wrong when counting pixels.

What comes after the counts is in ``scoring.py``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.steps.iou import counts as counting
from parity.steps.iou import metric
from parity.steps.iou.counts import ClassCounts, whole_numbers
from parity.suspects.mistake import Function, made_in

_IGNORED = "ignored pixels"
_OUTSIDE = "labels outside the classes"

mistake = made_in(metric.IoUMetric, counting.intersect_and_union)


@mistake(counting.intersect_and_union)
def union_not_subtracted(intersect_and_union: Function, *maps: Any, **options: Any) -> Any:
    """The union is prediction plus label; the reference subtracts the intersection once."""
    counts = intersect_and_union(*maps, **options)
    return replace(counts, union=counts.pred + counts.label)


@mistake(counting.intersect_and_union, needs=_IGNORED)
def ignored_in_label_only(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Predictions on ignored pixels count; the reference masks prediction and label alike."""
    counts = count(pred, label, **options)
    predicted = whole_numbers(pred, "the prediction").ravel()
    everywhere = np.bincount(predicted, minlength=options["num_classes"])
    return replace(counts, pred=everywhere, union=everywhere + counts.label - counts.intersect)


@mistake(counting.intersect_and_union, needs=_IGNORED)
def ignored_as_class_0(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Ignored pixels count as class 0; the reference counts them nowhere."""
    labelled, ignored = _labels(label, options)
    known = np.where(labelled == ignored, 0, labelled)
    return count(pred, known, **{**options, "ignore_index": -1})


@mistake(counting.intersect_and_union, needs="pixels of class 0")
def class_0_not_scored(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Class 0 is taken for the background and ignored; the reference scores it."""
    labelled, ignored = _labels(label, options)
    return count(pred, np.where(labelled == 0, ignored, labelled), **options)


@mistake(counting.intersect_and_union)
def labels_reduced_again(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Label maps are lowered by one although loading did so; the reference lowers them once."""
    labelled, ignored = _labels(label, options)
    lower = np.where(labelled == ignored, ignored, labelled - 1)
    lower[labelled == 0] = ignored
    return count(pred, lower, **options)


@mistake(counting.intersect_and_union)
def predictions_one_too_high(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Predicted classes start at 1 and are held against labels from 0."""
    high = np.minimum(whole_numbers(pred, "the prediction") + 1, options["num_classes"] - 1)
    return count(high, label, **options)


@mistake(counting.intersect_and_union)
def prediction_and_label_swapped(intersect_and_union: Function, *maps: Any, **options: Any) -> Any:
    """Prediction and label are given in each other's place, so Acc becomes precision."""
    counts = intersect_and_union(*maps, **options)
    return replace(counts, pred=counts.label, label=counts.pred)


@mistake(counting.intersect_and_union, needs="more than two classes")
def confusion_in_uint8(_: Function, pred: Any, label: Any, **options: Any) -> Any:
    """label * classes + prediction wraps around at 256; the reference counts in histograms."""
    num_classes, predicted = options["num_classes"], whole_numbers(pred, "the prediction")
    labelled, ignored = _labels(label, options)
    kept = labelled != ignored
    cells = labelled[kept] * num_classes % 256 + predicted[kept]
    table = np.bincount(cells, minlength=max(num_classes**2, 512))[: num_classes**2]
    table = table.reshape(num_classes, num_classes)
    hits, in_pred, in_label = table.diagonal().copy(), table.sum(0), table.sum(1)
    return ClassCounts(hits, in_pred + in_label - hits, in_pred, in_label)


@mistake(counting.intersect_and_union, needs="more than 2048 pixels of a class")
def counts_in_float16(intersect_and_union: Function, *maps: Any, **options: Any) -> Any:
    """Counts are float16, rounded above 2048 and full at 65504; the reference's are float32."""
    counts = intersect_and_union(*maps, **options)
    rows = (counts.intersect, counts.union, counts.pred, counts.label)
    full = np.finfo(np.float16).max
    return ClassCounts(*(np.minimum(row, full).astype(np.float16).astype(np.int64) for row in rows))


@mistake(counting.intersect_and_union)
def scored_at_half_size(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Every second row and column is scored; the reference scores the original size."""
    maps = (whole_numbers(pred, "the prediction"), whole_numbers(label, "the label map"))
    return count(*(each[::2, ::2] for each in maps), **options)


@mistake(counting.intersect_and_union, needs=_OUTSIDE)
def labels_outside_ignored(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Pixels labelled outside the classes are left out; the reference counts what is predicted."""
    labelled, ignored = _labels(label, options)
    inside = np.where(labelled < options["num_classes"], labelled, ignored)
    return count(pred, inside, **options)


@mistake(counting.intersect_and_union, needs=_OUTSIDE)
def labels_outside_clipped(count: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Labels outside the classes become the last class; the reference counts them in none."""
    labelled, ignored = _labels(label, options)
    highest = np.minimum(labelled, options["num_classes"] - 1)
    return count(pred, np.where(labelled == ignored, labelled, highest), **options)


def _labels(label: Any, options: Mapping[str, Any]) -> tuple[NDArray[np.int64], int]:
    """The label map as whole numbers, and which of them is ignored."""
    return whole_numbers(label, "the label map"), options.get("ignore_index", 255)
