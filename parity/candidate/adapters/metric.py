"""A foreign metric in the place of the IoU step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity.candidate.candidate import Candidate
from parity.errors import InputError, NotExercised

# What the reference rounds to, in percent.
DECIMALS = 2


def metric_candidate(name: str, score: Callable[[Any], Any], *, built: Any = None) -> Candidate:
    """`score` of a list of ``{"pred", "label"}`` as the step ``iou``.

    built: the object behind it; what it was made for decides which cases it can be run on.

    A number is taken as the mean, several as one per class. The reference gives
    percent, rounded to two decimals; a fraction is brought to that.
    """

    def iou(images: Any, rng: Any, *, num_classes: int, **options: Any) -> dict[str, Any]:
        _insist(built, num_classes=num_classes, **options)
        found = np.asarray(score(_as_list(images)), dtype=np.float64)
        if found.ndim > 1 or found.size not in (1, num_classes):
            raise InputError(
                f"{name}: gives {found.size} numbers; one mean or {num_classes} classes are needed"
            )
        percent = np.round(found * 100, DECIMALS).astype(np.float32)
        if found.size == 1 and num_classes != 1:
            return {"summary": {"mIoU": np.float32(percent.reshape(()))}}
        return {"per_class": {"IoU": percent}}

    notes = ("Its fractions are brought to percent, rounded to two decimals as the reference's.",)
    return Candidate(name, steps={"iou": iou}, notes=notes, partial=True)


def _insist(built: Any, *, num_classes: int, **options: Any) -> None:
    """Raises NotExercised for a case that the metric was not made for."""
    wanted = {"num_classes": num_classes, "ignore_index": options.get("ignore_index", 255)}
    for key, value in wanted.items():
        made = getattr(built, key, value if key == "num_classes" else 255)
        if made is not None and made != value:
            raise NotExercised(f"was made with {key}={made!r}, the case has {value!r}")
    if options.get("nan_to_num") is not None:
        raise NotExercised("takes no nan_to_num")


def _as_list(images: Any) -> list[dict[str, Any]]:
    """What inference gave, as the list that the IoU alone takes."""
    if not isinstance(images, Mapping):
        return list(images)
    pairs = zip(images["segmentations"], images["labels"], strict=True)
    return [
        {"pred": found.prediction[0].numpy(), "label": np.asarray(label)} for found, label in pairs
    ]
