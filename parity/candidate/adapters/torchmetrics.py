"""torchmetrics: IoU of label maps."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.candidate.adapters.library import Library
from parity.candidate.adapters.metric import metric_candidate
from parity.candidate.adapters.models_iou import iou_absent_zero, iou_per_image
from parity.candidate.adapters.operation import LibraryOperation
from parity.candidate.candidate import Candidate
from parity.errors import InputError

LIBRARY = Library("torchmetrics", "torchmetrics", "torchmetrics")
Images = list[dict[str, NDArray[Any]]]


def adapt(given: Any, name: str) -> Candidate:
    """A metric with ``update(preds, target)`` and ``compute()``, in place of the IoU."""
    if not all(hasattr(given, method) for method in ("update", "compute", "reset")):
        raise InputError(f"{name}: a {type(given).__name__} of torchmetrics; give a metric")

    def score(images: Images) -> Any:
        return evaluate(given, images)

    return metric_candidate(name, score, built=given)


def metric_of(given: Any, name: str) -> Candidate | None:
    """Any other object or class with ``update(pred, target)`` and ``compute()``, likewise."""
    if isinstance(given, ModuleType) or not _is_metric(given):
        return None
    metric = given() if isinstance(given, type) else given
    return metric_candidate(name, lambda images: evaluate(metric, images), built=metric)


def _is_metric(given: Any) -> bool:
    return all(callable(getattr(given, method, None)) for method in ("update", "compute"))


def evaluate(given: Any, images: Images) -> Any:
    """A fresh copy, updated with one image after the other; what it computes."""
    metric = copy.deepcopy(given)
    if hasattr(metric, "reset"):
        metric.reset()
    for one in images:
        pair = (torch.from_numpy(one["pred"]), torch.from_numpy(one["label"].astype(np.int64)))
        metric.update(*(item[None] for item in pair))
    found = metric.compute()
    return found.detach().cpu().double().numpy() if isinstance(found, torch.Tensor) else found


def _jaccard_macro(images: Images, num_classes: int) -> float:
    return 100 * float(_jaccard(images, num_classes, "macro"))


def _jaccard_mean_of_all(images: Images, num_classes: int) -> float:
    return 100 * float(np.mean(_jaccard(images, num_classes, "none")))


def _jaccard(images: Images, num_classes: int, average: str) -> Any:
    options = {"task": "multiclass", "num_classes": num_classes, "ignore_index": 255}
    metric = LIBRARY.load().JaccardIndex(**options, average=average)
    return evaluate(metric, images)


def _mean_iou(images: Images, num_classes: int) -> float:
    kind = LIBRARY.load("segmentation").MeanIoU
    metric = kind(num_classes=num_classes, input_format="index")
    metric.reset()
    for one in images:
        kept = one["label"] < num_classes
        if np.any(kept):
            pair = (one["pred"][kept], one["label"][kept].astype(np.int64))
            metric.update(*(torch.from_numpy(item)[None, None] for item in pair))
    return 100 * float(metric.compute())


# The ways in which people compute a mean IoU with it.
OPERATIONS: tuple[LibraryOperation, ...] = (
    LibraryOperation("mIoU", "JaccardIndex(macro, ignore_index=255)", _jaccard_macro),
    LibraryOperation(
        "mIoU",
        "JaccardIndex(average=None), mean of all",
        _jaccard_mean_of_all,
        "classes that occur nowhere count as 0; mmseg leaves them out (NaN)",
        iou_absent_zero,
        "absent classes as 0",
    ),
    LibraryOperation(
        "mIoU",
        "segmentation.MeanIoU(index), ignored pixels cut out",
        _mean_iou,
        "averages over images; mmseg counts all pixels of the data set together",
        iou_per_image,
        "the mean over images and the classes in each",
    ),
)
