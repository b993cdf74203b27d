"""Percentages per class and their means.

Reproduces ``IoUMetric`` (mmseg 1.2.2 mmseg/evaluation/metrics/iou_metric.py).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from parity.errors import InputError
from parity.steps.iou.counts import ClassCounts, LabelMap, intersect_and_union

Columns = dict[str, NDArray[np.float32]]
# Counts and ratios of the classes, by name.
Areas = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class IoUResult:
    """What an evaluation gives: percent, rounded to two decimals, NaN where undefined.

    summary: what mmseg returns and logs: ``aAcc``, and every column's mean over
    the classes that are not NaN, its name with an ``m`` before it. per_class:
    the columns of the printed table, float32 ``(num_classes,)``.
    """

    counts: ClassCounts
    summary: dict[str, np.float32]
    per_class: Columns
    class_names: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row per class: ``Class``, then the columns in the order mmseg prints them."""
        return pd.DataFrame({"Class": list(self.class_names), **self.per_class})


class IoUMetric:
    """Counts images in any order and split, and scores them together.

    iou_metrics: any of ``mIoU`` (IoU, Acc), ``mDice`` (Dice, Acc) and ``mFscore``
    (Fscore, Precision, Recall). nan_to_num: what NaN becomes before means are
    taken; None leaves it out of them. beta: weight of recall in Fscore.
    class_names: one per class; by default their indices.

    Raises InputError for options that do not fit.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        *,
        iou_metrics: str | Sequence[str] = ("mIoU",),
        nan_to_num: float | None = None,
        beta: float = 1,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.counts = ClassCounts.zeros(num_classes)
        self.images = 0
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.iou_metrics = _known(iou_metrics)
        self.nan_to_num = nan_to_num
        self.beta = beta
        self.class_names = tuple(
            map(str, range(num_classes)) if class_names is None else class_names
        )
        if len(self.class_names) != num_classes:
            raise InputError(f"{len(self.class_names)} class_names for {num_classes} classes")

    def update(self, pred: LabelMap, label: LabelMap, *, name: str | None = None) -> None:
        """Add one image; see `intersect_and_union`. Without `name`, errors give its number."""
        self.counts += intersect_and_union(
            pred,
            label,
            num_classes=self.num_classes,
            ignore_index=self.ignore_index,
            name=f"image {self.images}" if name is None else name,
        )
        self.images += 1

    def merge(self, other: IoUMetric) -> None:
        """Add what `other` has counted. Raises InputError when it counts differently."""
        mine = (self.num_classes, self.ignore_index)
        theirs = (other.num_classes, other.ignore_index)
        if mine != theirs:
            raise InputError(f"(num_classes, ignore_index) differ: {mine} here, {theirs} there")
        self.counts += other.counts
        self.images += other.images

    def compute(self) -> IoUResult:
        """Score all images so far. Raises InputError when there were none."""
        if self.images == 0:
            raise InputError("no image was counted; call update first")
        ratios = class_ratios(
            self.counts,
            iou_metrics=self.iou_metrics,
            nan_to_num=self.nan_to_num,
            beta=self.beta,
        )
        per_class = {name: np.round(ratio * 100, 2) for name, ratio in ratios.items()}
        del per_class["aAcc"]
        return IoUResult(self.counts, summarise(ratios), per_class, self.class_names)


def class_ratios(
    counts: ClassCounts,
    *,
    iou_metrics: str | Sequence[str] = ("mIoU",),
    nan_to_num: float | None = None,
    beta: float = 1,
) -> Columns:
    """Unrounded ratios 0 to 1: ``aAcc`` float32 ``()``, the others float32 ``(num_classes,)``.

    Computed in float32 as in the reference, from counts that are rounded once.
    0 / 0 is NaN: IoU and Dice of a class that is neither labelled nor predicted,
    Acc and Recall of one never labelled, Precision of one never predicted.

    Fscore is also NaN for a class that is labelled and predicted but never
    rightly, where Dice is 0; so mFscore leaves out what mDice counts, and is
    higher. That is the reference's arithmetic, kept.

    Reproduces ``IoUMetric.total_area_to_metrics``. Raises InputError for
    unknown `iou_metrics`.
    """
    areas = {name: torch.from_numpy(column).float() for name, column in vars(counts).items()}
    ratios = {"aAcc": areas["intersect"].sum() / areas["label"].sum()}
    for metric in _known(iou_metrics):
        ratios.update(_FAMILIES[metric](areas, beta))
    columns = {name: ratio.numpy() for name, ratio in ratios.items()}
    if nan_to_num is None:
        return columns
    return {name: np.nan_to_num(ratio, nan=nan_to_num) for name, ratio in columns.items()}


def summarise(ratios: Mapping[str, NDArray[np.float32]]) -> dict[str, np.float32]:
    """Means over the classes that are not NaN, in percent; rounded after the mean."""
    with warnings.catch_warnings():
        # Every class may be NaN, and then so is the mean.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return {
            name if name == "aAcc" else f"m{name}": np.round(np.nanmean(ratio) * 100, 2)
            for name, ratio in ratios.items()
        }


def _iou(areas: Areas, beta: float) -> Areas:
    return {"IoU": areas["intersect"] / areas["union"], "Acc": areas["intersect"] / areas["label"]}


def _dice(areas: Areas, beta: float) -> Areas:
    dice = 2 * areas["intersect"] / (areas["pred"] + areas["label"])
    return {"Dice": dice, "Acc": areas["intersect"] / areas["label"]}


def _fscore(areas: Areas, beta: float) -> Areas:
    precision, recall = areas["intersect"] / areas["pred"], areas["intersect"] / areas["label"]
    score = (1 + beta**2) * (precision * recall) / ((beta**2 * precision) + recall)
    return {"Fscore": score, "Precision": precision, "Recall": recall}


_FAMILIES: dict[str, Callable[[Areas, float], Areas]] = {
    "mIoU": _iou,
    "mDice": _dice,
    "mFscore": _fscore,
}


def _known(iou_metrics: str | Sequence[str]) -> tuple[str, ...]:
    names = (iou_metrics,) if isinstance(iou_metrics, str) else tuple(iou_metrics)
    unknown = [name for name in names if name not in _FAMILIES]
    if unknown:
        raise InputError(f"unknown iou_metrics {unknown}; there are {', '.join(_FAMILIES)}")
    return names
