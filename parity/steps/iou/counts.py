"""Pixels per class of one image or many.

Reproduces ``IoUMetric.intersect_and_union`` (mmseg 1.2.2
mmseg/evaluation/metrics/iou_metric.py).

Counts here are int64 and exact. The reference counts in float32, whose whole
numbers have no gaps up to 2**24 = 16,777,216 only. Up to there both are equal.
Beyond, the reference miscounts silently:

* In one image, ``torch.histc`` on the CPU stops at 2**24 pixels of a class per
  thread: 4096 x 4097 pixels of one class are 16,777,216 on one thread and
  16,781,312 on two.
* Over a data set, the running sum is rounded after every image once a class has
  more than 2**24 pixels, and then depends on the order of the images. Simulated
  with 2,000 images of 512 x 683 and 150 classes (the size of ADE20K validation),
  7 classes had more, counts were off by up to 219 pixels and ratios by 2e-6: not
  seen in two decimals. With 20,210 images (ADE20K training), counts were off by
  up to 6,291 pixels, and 3 or 4 of 900 printed class values by 0.01.
* From 4,098 classes on, ``torch.histc`` puts some labels into a neighbour's bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.errors import InputError

LabelMap = NDArray[Any] | torch.Tensor
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Pixels per class, int64 ``(num_classes,)`` each; ignored pixels are in none of them.

    intersect: predicted as the class and labelled so. union: either of the two.
    pred: predicted. label: labelled.
    """

    intersect: Int64Array
    union: Int64Array
    pred: Int64Array
    label: Int64Array

    @classmethod
    def zeros(cls, num_classes: int) -> ClassCounts:
        """No pixels. Raises InputError unless there is a class."""
        if num_classes < 1:
            raise InputError(f"num_classes must be at least 1, got {num_classes}")
        return cls(*(np.zeros(num_classes, np.int64) for _ in range(4)))

    def __add__(self, other: ClassCounts) -> ClassCounts:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return ClassCounts(*(mine + theirs for mine, theirs in pairs))


def intersect_and_union(
    pred: LabelMap,
    label: LabelMap,
    *,
    num_classes: int,
    ignore_index: int = 255,
    name: str = "image",
) -> ClassCounts:
    """Count one image. pred, label: whole numbers of any dtype, ``(H, W)`` or ``(1, H, W)``.

    Pixels labelled `ignore_index` count nowhere, whatever is predicted there.
    Pixels with another label outside the classes (200 of 150) are in no `label`
    count, as in the reference, but what is predicted there is in `pred` and
    `union`, and so lowers the IoU of that class. With one class the reference
    counts every such label as that class, and so does this. Labels are compared
    as int64, the dtype of mmseg's predictions.

    Raises InputError, naming the image `name`, for sizes that do not match,
    what is no whole number, and predictions outside the classes where they are not ignored;
    the reference drops such predictions silently.
    """
    zeros = ClassCounts.zeros(num_classes)
    predicted = whole_numbers(pred, f"{name}: the prediction")
    labelled = whole_numbers(label, f"{name}: the label map")
    if predicted.shape != labelled.shape:
        raise InputError(
            f"{name}: the prediction is {predicted.shape} pixels (height, width), the label map "
            f"{labelled.shape}; resize the prediction to the label map first"
        )
    kept = labelled != ignore_index
    predicted, labelled = predicted[kept], labelled[kept]
    if predicted.size == 0:
        return zeros
    _check_predictions(predicted, num_classes, name)
    in_both = np.bincount(predicted[predicted == labelled], minlength=num_classes)
    in_pred = np.bincount(predicted, minlength=num_classes)
    in_label = _count_labels(labelled, num_classes)
    return ClassCounts(in_both, in_pred + in_label - in_both, in_pred, in_label)


def whole_numbers(values: LabelMap, what: str) -> Int64Array:
    """Class indices as int64 ``(H, W)``, a new array. Raises InputError that starts with `what`."""
    array = _as_array(values)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2:
        raise InputError(f"{what} must be (H, W) or (1, H, W), got {array.shape}")
    if array.dtype.kind not in "iuf":
        raise InputError(f"{what} must hold class indices, got {array.dtype}")
    # A binary head of mmseg predicts 0.0 and 1.0.
    if array.dtype.kind == "f" and not np.all(np.isfinite(array) & (array == np.trunc(array))):
        raise InputError(f"{what} holds fractions, NaN or infinity; give class indices, not scores")
    return array.astype(np.int64)


def _as_array(values: LabelMap) -> NDArray[Any]:
    if not isinstance(values, torch.Tensor):
        return np.asarray(values)
    tensor = values.detach().cpu()
    plain: NDArray[Any] = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    return plain


def _check_predictions(predicted: Int64Array, num_classes: int, name: str) -> None:
    for value in (int(predicted.min()), int(predicted.max())):
        if not 0 <= value < num_classes:
            raise InputError(
                f"{name}: class {value} is predicted, but there are {num_classes} classes, "
                f"0 to {num_classes - 1}; check num_classes and reduce_zero_label"
            )


def _count_labels(labelled: Int64Array, num_classes: int) -> Int64Array:
    if num_classes == 1:
        # torch.histc takes min = max = 0 as "the range of the data".
        return np.array([labelled.size], np.int64)
    inside = labelled[(labelled >= 0) & (labelled < num_classes)]
    return np.bincount(inside, minlength=num_classes)
