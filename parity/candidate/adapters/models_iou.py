"""The reference's mIoU with one named change: they explain what a library gives.

Images are ``{"pred": (H, W), "label": (H, W)}``; results are percent, not rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.steps.iou import ClassCounts, intersect_and_union

Images = list[dict[str, NDArray[Any]]]


def iou_per_image(images: Images, num_classes: int) -> float:
    """The mean over every image and every class in it, in percent."""
    counts = [_counts([one], num_classes) for one in images]
    ratios = [one.intersect[one.union > 0] / one.union[one.union > 0] for one in counts]
    return 100 * float(np.mean(np.concatenate(ratios)))


def iou_absent_zero(images: Images, num_classes: int) -> float:
    """mIoU in which classes that occur nowhere count as 0, in percent."""
    counts = _counts(images, num_classes)
    return 100 * float(np.mean(counts.intersect / np.maximum(counts.union, 1)))


def iou_ignored_predicted(images: Images, num_classes: int) -> float:
    """mIoU in which predictions on ignored pixels count as wrong, in percent."""
    kept = _counts(images, num_classes)
    stray = np.zeros(num_classes, np.int64)
    for one in images:
        stray += np.bincount(one["pred"][one["label"] == 255], minlength=num_classes)
    union = kept.union + stray
    present = union > 0
    return 100 * float(np.mean(kept.intersect[present] / union[present]))


def iou_absent_one(images: Images, num_classes: int) -> float:
    """mIoU in which classes that occur nowhere count as 1, in percent.

    Pixels with a label outside the classes are left out, as such a metric needs it.
    """
    kept = [one["label"] < num_classes for one in images]
    inside = [
        {key: one[key][mask][None] for key in ("pred", "label")}
        for one, mask in zip(images, kept, strict=True)
    ]
    counts = _counts(inside, num_classes)
    ratios = np.where(counts.union > 0, counts.intersect / np.maximum(counts.union, 1), 1)
    return 100 * float(np.mean(ratios))


def _counts(images: Images, num_classes: int) -> ClassCounts:
    total = ClassCounts.zeros(num_classes)
    for one in images:
        total += intersect_and_union(one["pred"], one["label"], num_classes=num_classes)
    return total
