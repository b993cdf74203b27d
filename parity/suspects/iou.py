"""What people get wrong when counting pixels.

What comes after the counts is in ``scoring.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

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
def ignored_in_label_only(
    intersect_and_union: Function, pred: Any, label: Any, *, num_classes: int, **options: Any
) -> Any:
    """Predictions on ignored pixels count; the reference masks prediction and label alike."""
    counts = intersect_and_union(pred, label, num_classes=num_classes, **options)
    predicted = whole_numbers(pred, "the prediction").ravel()
    everywhere = np.bincount(predicted, minlength=num_classes)
    return replace(counts, pred=everywhere, union=everywhere + counts.label - counts.intersect)


@mistake(counting.intersect_and_union, needs=_IGNORED)
def ignored_as_class_0(
    intersect_and_union: Function, pred: Any, label: Any, *, ignore_index: int = 255, **options: Any
) -> Any:
    """Ignored pixels count as class 0; the reference counts them nowhere."""
    labelled = whole_numbers(label, "the label map")
    known = np.where(labelled == ignore_index, 0, labelled)
    return intersect_and_union(pred, known, ignore_index=-1, **options)


@mistake(counting.intersect_and_union, needs="pixels of class 0")
def class_0_not_scored(
    intersect_and_union: Function, pred: Any, label: Any, *, ignore_index: int = 255, **options: Any
) -> Any:
    """Class 0 is taken for the background and ignored; the reference scores it."""
    labelled = whole_numbers(label, "the label map")
    masked = np.where(labelled == 0, ignore_index, labelled)
    return intersect_and_union(pred, masked, ignore_index=ignore_index, **options)


@mistake(counting.intersect_and_union)
def labels_reduced_again(
    intersect_and_union: Function, pred: Any, label: Any, *, ignore_index: int = 255, **options: Any
) -> Any:
    """Label maps are lowered by one although loading did so; the reference lowers them once."""
    labelled = whole_numbers(label, "the label map")
    lower = np.where(labelled == ignore_index, ignore_index, labelled - 1)
    lower[labelled == 0] = ignore_index
    return intersect_and_union(pred, lower, ignore_index=ignore_index, **options)


@mistake(counting.intersect_and_union)
def predictions_one_too_high(
    intersect_and_union: Function, pred: Any, label: Any, *, num_classes: int, **options: Any
) -> Any:
    """Predicted classes start at 1 and are held against labels from 0."""
    high = np.minimum(whole_numbers(pred, "the prediction") + 1, num_classes - 1)
    return intersect_and_union(high, label, num_classes=num_classes, **options)


@mistake(counting.intersect_and_union)
def prediction_and_label_swapped(intersect_and_union: Function, *maps: Any, **options: Any) -> Any:
    """Prediction and label are given in each other's place, so Acc becomes precision."""
    counts = intersect_and_union(*maps, **options)
    return replace(counts, pred=counts.label, label=counts.pred)


@mistake(counting.intersect_and_union, needs="more than two classes")
def confusion_in_uint8(
    intersect_and_union: Function,
    pred: Any,
    label: Any,
    *,
    num_classes: int,
    ignore_index: int = 255,
    **options: Any,
) -> Any:
    """label * classes + prediction wraps around at 256; the reference counts in histograms."""
    predicted, labelled = whole_numbers(pred, "prediction"), whole_numbers(label, "label")
    kept = labelled != ignore_index
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
def scored_at_half_size(
    intersect_and_union: Function, pred: Any, label: Any, **options: Any
) -> Any:
    """Every second row and column is scored; the reference scores the original size."""
    maps = (whole_numbers(pred, "the prediction"), whole_numbers(label, "the label map"))
    return intersect_and_union(*(each[::2, ::2] for each in maps), **options)


@mistake(counting.intersect_and_union, needs=_OUTSIDE)
def labels_outside_ignored(
    intersect_and_union: Function, pred: Any, label: Any, **options: Any
) -> Any:
    """Pixels labelled outside the classes are left out; the reference counts what is predicted."""
    labelled = whole_numbers(label, "the label map")
    ignored = options.get("ignore_index", 255)
    inside = np.where(labelled < options["num_classes"], labelled, ignored)
    return intersect_and_union(pred, inside, **options)


@mistake(counting.intersect_and_union, needs=_OUTSIDE)
def labels_outside_clipped(
    intersect_and_union: Function, pred: Any, label: Any, **options: Any
) -> Any:
    """Labels outside the classes become the last class; the reference counts them in none."""
    labelled = whole_numbers(label, "the label map")
    ignored = options.get("ignore_index", 255)
    clipped = np.where(
        labelled == ignored, labelled, np.minimum(labelled, options["num_classes"] - 1)
    )
    return intersect_and_union(pred, clipped, **options)
