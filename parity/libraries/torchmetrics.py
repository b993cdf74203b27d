"""torchmetrics: IoU of label maps."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries import reasons
from parity.libraries.library import Library, Operations
from parity.libraries.metric import evaluate, metric_candidate
from parity.libraries.models import iou_per_image

LIBRARY = Library("torchmetrics", "torchmetrics", "torchmetrics")
# The ways in which people compute a mean IoU with it.
OPERATIONS = Operations()
Images = list[dict[str, NDArray[Any]]]


def adapt(given: Any, name: str) -> Candidate:
    """A metric with ``update(preds, target)`` and ``compute()``, in place of the IoU."""
    if not all(hasattr(given, method) for method in ("update", "compute", "reset")):
        raise InputError(f"{name}: a {type(given).__name__} of torchmetrics; give a metric")

    def score(images: Images) -> Any:
        return evaluate(given, images)

    return metric_candidate(name, score, built=given)


@OPERATIONS.of("mIoU", "JaccardIndex(macro, ignore_index=255)")
def _jaccard_macro(images: Images, num_classes: int) -> float:
    return 100 * float(_jaccard(images, num_classes, "macro"))


@OPERATIONS.of("mIoU", "JaccardIndex(average=None), mean of all", *reasons.ABSENT_AS_ZERO)
def _jaccard_mean_of_all(images: Images, num_classes: int) -> float:
    return 100 * float(np.mean(_jaccard(images, num_classes, "none")))


def _jaccard(images: Images, num_classes: int, average: str) -> Any:
    options = {"task": "multiclass", "num_classes": num_classes, "ignore_index": 255}
    metric = LIBRARY.load().JaccardIndex(**options, average=average)
    return evaluate(metric, images)


@OPERATIONS.of(
    "mIoU",
    "segmentation.MeanIoU(index), ignored pixels cut out",
    "averages over images; mmseg counts all pixels of the data set together",
    iou_per_image,
    "the mean over images and the classes in each",
)
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
