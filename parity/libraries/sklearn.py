"""scikit-learn: ``jaccard_score`` and ``confusion_matrix`` over the pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries import reasons
from parity.libraries.library import Library, Operations
from parity.libraries.metric import metric_candidate
from parity.libraries.models import iou_ignored_predicted

LIBRARY = Library("scikit-learn", "sklearn", "scikit-learn")
# The ways in which people compute a mean IoU with it.
OPERATIONS = Operations()
Images = list[dict[str, NDArray[Any]]]


def adapt(given: Any, name: str) -> Candidate:
    """A score ``function(label, pred)`` over the pixels that are not ignored."""
    if not callable(given):
        raise InputError(f"{name}: a {type(given).__name__} of scikit-learn; give a score function")

    def score(images: Images) -> Any:
        label, pred = _pixels(images)
        return given(label, pred)

    return metric_candidate(name, score)


@OPERATIONS.of("mIoU", "jaccard_score(macro), ignored pixels cut out")
def _jaccard_present(images: Images, num_classes: int) -> float:
    return 100 * float(LIBRARY.load("metrics").jaccard_score(*_pixels(images), average="macro"))


@OPERATIONS.of("mIoU", "jaccard_score(macro, labels=range(n))", *reasons.ABSENT_AS_ZERO)
def _jaccard_all(images: Images, num_classes: int) -> float:
    score = LIBRARY.load("metrics").jaccard_score
    options = {"average": "macro", "labels": list(range(num_classes)), "zero_division": 0}
    return 100 * float(score(*_pixels(images), **options))


@OPERATIONS.of(
    "mIoU",
    "confusion_matrix with label 255 in it",
    "predictions on ignored pixels count as wrong; mmseg masks both",
    iou_ignored_predicted,
    "ignored pixels left in the prediction",
)
def _confusion(images: Images, num_classes: int) -> float:
    label, pred = _pixels(images, ignore=None)
    matrix = LIBRARY.load("metrics").confusion_matrix(label, pred, labels=list(range(256)))
    union = matrix.sum(0) + matrix.sum(1) - np.diag(matrix)
    classes = np.flatnonzero(union[:num_classes])
    return 100 * float(np.mean(np.diag(matrix)[classes] / union[classes]))


def _pixels(images: Images, ignore: int | None = 255) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and predictions of all pixels but the ignored ones, in one row."""
    label = np.concatenate([one["label"].ravel() for one in images])
    pred = np.concatenate([one["pred"].ravel() for one in images])
    kept = np.ones(label.shape, bool) if ignore is None else label != ignore
    return label[kept], pred[kept]
