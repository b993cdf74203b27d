"""A foreign metric in the place of the IoU step."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError, NotExercised
from parity.probes.natural import Partly, parameters_of

Images = list[dict[str, NDArray[Any]]]
# What the reference rounds to, in percent.
DECIMALS = 2


# What others call them.
_MEANS = ("mIoU", "miou", "mean_iou", "mIOU", "MeanIoU")
_CLASSES = ("IoU", "iou", "per_category_iou", "iou_per_class", "per_class_iou", "class_iou")
_SEVERAL = frozenset({"preds", "predictions", "labels", "targets", "references", "results"})
_LABELS = frozenset({"label", "target", "gt", "mask", "seg", "y_true", "truth", "reference"})
_OPTIONS = {
    "num_classes": ("num_classes", "num_labels", "n_classes", "classes", "num_class"),
    "ignore_index": ("ignore_index", "ignore_label", "ignore"),
}


def function_candidate(name: str, function: Callable[..., Any]) -> Candidate:
    """A function ``(pred, label)`` of a whole data set, whose result is a score, as `iou`.

    By plural names, ``preds`` and ``labels``, it gets a list of label maps each; else all
    pixels of all images as one map of one row, so that nothing is averaged over images here.
    """
    parameters = [one for one in parameters_of(function) if one != "self"]
    several = len(parameters) > 1 and bool(_SEVERAL & set(parameters[:2]))
    swapped = bool(parameters) and parameters[0].rstrip("s") in _LABELS

    def score(images: Any, **options: Any) -> Any:
        pair: list[Any] = [[one[key] for one in images] for key in ("pred", "label")]
        pair = pair if several else [np.concatenate([a.ravel() for a in one])[None] for one in pair]
        given = {
            own: options[key]
            for key, spellings in _OPTIONS.items()
            for own in spellings
            if own in parameters[2:] and key in options
        }
        return function(*(reversed(pair) if swapped else pair), **given)

    return metric_candidate(name, score, takes=frozenset(_OPTIONS) if parameters[2:] else None)


def metric_candidate(
    name: str,
    score: Callable[..., Any],
    *,
    built: Any = None,
    takes: frozenset[str] | None = None,
) -> Candidate:
    """`score` of a list of ``{"pred", "label"}`` as the step ``iou``.

    built: the object behind it; what it was made for decides which cases it can be run on.
    takes: options that it is called with.

    A number is taken as the mean, several as one per class, a mapping as either by name.
    The reference gives percent, rounded to two decimals; fractions are brought to that.
    """

    scales: list[int] = []

    def iou(images: Any, rng: Any, *, num_classes: int, **options: Any) -> Partly:
        _insist(built, num_classes=num_classes, **options)
        own = {"num_classes": num_classes, "ignore_index": options.get("ignore_index", 255)}
        taken = {key: own[key] for key in takes or ()}
        if not scales:
            scales.append(_scale(partial(score, **taken)))
        return _named(name, score(_as_list(images), **taken), num_classes, scales[0])

    notes = ("Its fractions are brought to percent, rounded to two decimals as the reference's.",)
    return Candidate(name, steps={"iou": iou}, notes=notes, partial=True)


def _scale(score: Callable[..., Any]) -> int:
    """What makes percent of it: 1 where a perfect prediction scores above 1, else 100."""
    perfect = np.array([[0, 1], [1, 0]])
    try:
        found = score([{"pred": perfect, "label": perfect.astype(np.uint8)}])
        parts = found.values() if isinstance(found, Mapping) else [found]
        best = max(np.nanmax(np.asarray(part, dtype=np.float64)) for part in parts)
    except Exception:  # it is run on the real inputs next, where what it raises is told
        return 100
    return 1 if best > 1 else 100


def _named(name: str, found: Any, num_classes: int, scale: int) -> Partly:
    """What it gives, under the names of the reference."""
    if isinstance(found, Mapping):
        known = {"summary": _MEANS, "per_class": _CLASSES}
        parts = [found[key] for keys in known.values() for key in keys if key in found]
        if not parts:
            raise InputError(f"{name}: gives {', '.join(map(str, found))}; give mIoU or IoU")
        named = [_named(name, part, num_classes, scale) for part in parts]
        return Partly({key: value for part in named for key, value in part.items()})
    scores = np.asarray(found, dtype=np.float64)
    if scores.ndim > 1 or scores.size not in (1, num_classes):
        raise InputError(
            f"{name}: gives {scores.size} numbers; one mean or {num_classes} classes are needed"
        )
    percent = np.round(scores * scale, DECIMALS).astype(np.float32)
    if scores.size == 1 and num_classes != 1:
        return Partly(summary=Partly(mIoU=np.float32(percent.reshape(()))))
    return Partly(per_class=Partly(IoU=percent))


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
