"""Published repeats of one training, and where the zoo's figure lies among them.

https://github.com/open-mmlab/mmsegmentation/pull/2191 gives, for PoolFormer on
ADE20K, five trainings of each size beside the figures of the zoo. Both are
scored with ``ResizeToMultiple`` in the test pipeline, which the PR's table
marks by a star (mIoU*); the mIoU in the metafiles was scored without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Final mIoU in percent, five trainings of the same config each.
REPEATS: dict[str, tuple[float, ...]] = {
    "PoolFormer-S12": (36.95, 36.62, 36.37, 36.06, 36.25),
    "PoolFormer-S24": (39.45, 40.08, 40.36, 39.35, 39.82),
    "PoolFormer-S36": (41.16, 41.33, 41.08, 40.55, 40.76),
    "PoolFormer-M36": (41.61, 42.22, 42.05, 41.83, 42.78),
    "PoolFormer-M48": (42.32, 42.07, 42.36, 41.67, 42.19),
}
# What the zoo gives for the same test pipeline (mIoU* of the same table).
ZOO_FIGURES = {
    "PoolFormer-S12": 37.07,
    "PoolFormer-S24": 40.36,
    "PoolFormer-S36": 41.81,
    "PoolFormer-M36": 42.35,
    "PoolFormer-M48": 42.76,
}


@dataclass(frozen=True)
class Shift:
    """points: zoo figure minus the mean of its repeats, averaged over the models.

    by_model: of each. above: how many of the `repeats` trainings exceed the zoo's figure.
    """

    points: float
    by_model: Mapping[str, float]
    above: int
    repeats: int


def shift_of_the_zoo(figures: Mapping[str, float] | None = None) -> Shift:
    """How far the zoo's figures lie above the mean of five repeats.

    figures: by model; by default those of the same test pipeline.
    """
    figures = ZOO_FIGURES if figures is None else figures
    by_model = {model: figures[model] - float(np.mean(scores)) for model, scores in REPEATS.items()}
    above = sum(score > figures[model] for model, scores in REPEATS.items() for score in scores)
    return Shift(
        float(np.mean(list(by_model.values()))),
        by_model,
        above,
        sum(map(len, REPEATS.values())),
    )
