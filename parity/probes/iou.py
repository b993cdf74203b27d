"""Inputs for counting, scoring and saving label maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.probes.natural import probe
from parity.steps.iou import IoUMetric, class_ratios, format_prediction, intersect_and_union

CLASSES = 150
ALL = ("mIoU", "mDice", "mFscore")


def make_image(seed: int) -> dict[str, NDArray[Any]]:
    """Give pred int64 and label uint8 ``(H, W)`` of ADE20K's classes: most right, some ignored.

    Every fourth has labels outside the classes, every eighth is ignored throughout.
    """
    image = _image(RandomState(seed), CLASSES)
    if seed % 4 == 1:
        image["label"][image["label"] % 7 == 0] = 200
    if seed % 8 == 2:
        image["label"][:] = 255
    return image


def make_images(seed: int) -> list[dict[str, NDArray[Any]]]:
    """Give one to five images as `make_image` has them; most of the classes are absent."""
    rng = RandomState(seed)
    return [_image(rng, CLASSES) for _ in range(rng.randint(1, 6))]


def make_few_classes(seed: int) -> list[dict[str, NDArray[Any]]]:
    """Give images of the classes 0 and 1; 0 is ignored by the step's options."""
    rng = RandomState(seed)
    return [_image(rng, 2, ignored=0) for _ in range(rng.randint(1, 4))]


def make_counts(seed: int) -> dict[str, NDArray[np.int64]]:
    """Give the four counts of a data set, int64 ``(150,)``, up to 2**30 pixels.

    Some of the classes are absent.
    """
    rng = RandomState(seed)
    high = 2 ** int(rng.randint(1, 31))
    label, wrong = (rng.randint(0, high, CLASSES, dtype=np.int64) for _ in range(2))
    label[rng.rand(CLASSES) < 0.2] = 0
    wrong[rng.rand(CLASSES) < 0.2] = 0
    intersect = (label * rng.choice([0, 0.3, 0.9, 1], CLASSES)).astype(np.int64)
    pred = intersect + wrong
    return {"intersect": intersect, "union": label + wrong, "pred": pred, "label": label}


def make_prediction(seed: int) -> NDArray[np.int64]:
    """Give class indices int64 ``(H, W)``, 0 to 149; in every fourth seed also 254 and 255."""
    rng = RandomState(seed)
    # The reference saves one row as a column; see parity/steps/iou/saved.py.
    shape = (int(rng.choice([2, 31, 64])), int(rng.choice([1, 2, 31, 97])))
    pred = _classes(rng, CLASSES, shape)
    if seed % 4 == 3:
        pred[rng.rand(*pred.shape) < 0.2] = rng.choice([254, 255])
    return pred


def _image(rng: RandomState, num_classes: int, *, ignored: int = 255) -> dict[str, NDArray[Any]]:
    shape = _shape(rng)
    label = _classes(rng, num_classes, shape)
    right = rng.rand(*shape) < rng.rand()
    pred = np.where(right, label, _classes(rng, num_classes, shape))
    label[rng.rand(*shape) < rng.choice([0, 0.1])] = ignored
    return {"pred": pred, "label": label.astype(np.uint8)}


def _classes(rng: RandomState, num_classes: int, shape: Sequence[int]) -> NDArray[np.int64]:
    """Noise over a few of the classes."""
    few = rng.randint(0, num_classes, rng.randint(1, 12))
    return np.asarray(rng.choice(few, shape), np.int64)


def _shape(rng: RandomState) -> tuple[int, int]:
    """Also one row, one column and one pixel."""
    height, width = rng.choice([1, 2, 31, 64, 97], 2)
    return int(height), int(width)


_OF_ADE20K = {"num_classes": CLASSES}
_ALL = {**_OF_ADE20K, "iou_metrics": ALL}
PROBES = (
    probe("iou_counts", intersect_and_union, make_image, **_OF_ADE20K),
    probe("iou_ratios", class_ratios, make_counts, iou_metrics=ALL, beta=2),
    probe("iou", IoUMetric, make_images, **_OF_ADE20K),
    probe("iou_all", IoUMetric, make_images, **_ALL),
    probe("iou_nan_to_num", IoUMetric, make_images, **_ALL, nan_to_num=0),
    probe("iou_ignore_0", IoUMetric, make_few_classes, num_classes=2, ignore_index=0),
    probe("iou_png", format_prediction, make_prediction, reduce_zero_label=False),
    probe("iou_png_reduced", format_prediction, make_prediction, reduce_zero_label=True),
)
