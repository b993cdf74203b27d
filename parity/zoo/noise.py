"""How far two runs of the same training may differ by chance.

The spread is the pooled standard deviation of five-run ADE20K repeats of
PoolFormer, published by the authors of the reference
(https://github.com/open-mmlab/mmsegmentation/pull/2191). The zoo's own figures
of these models lie above the mean of the repeats, so a run is expected to end
somewhat below the figure it is compared with. Both are scored with
``ResizeToMultiple`` in the test pipeline, which the PR's table marks by a star
(mIoU*); the mIoU in the metafiles was scored without it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit  # type: ignore[import-untyped]

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
        float(np.mean(list(by_model.values()))), by_model, above, sum(map(len, REPEATS.values()))
    )


SOURCE = "M#2191: five trainings each of five PoolFormer sizes on ADE20K"
CONFIDENCE = 0.95
POWER = 0.80
ASSUMPTIONS = (
    "final scores of one config are normally distributed",
    "the spread of this config equals that of the repeats, which are of another model; "
    "Mask2Former's authors speak of a very large variance (F#5)",
)


@dataclass(frozen=True)
class Noise:
    """The spread. std: points of mIoU. degrees: of freedom."""

    std: float
    degrees: int
    source: str = SOURCE


@dataclass(frozen=True)
class NoiseVerdict:
    """Whether a gap is outside seed noise.

    limit: the largest gap two single runs show with 95 % confidence. shift:
    points by which the zoo's figures lie above the mean of their repeats; 0
    between two runs. low, high: a gap between them is within noise. p_value:
    two-sided t-test of what of the gap the shift does not explain. runs_needed:
    trainings on each side that would tell a true difference of this size from
    noise with 80 % power; None where the gap is already outside.
    """

    outside: bool
    gap: float
    limit: float
    low: float
    high: float
    shift: float
    p_value: float
    noise: Noise
    runs_needed: int | None = None
    assumptions: tuple[str, ...] = ASSUMPTIONS


def pooled_noise() -> Noise:
    """The pooled standard deviation of `REPEATS`."""
    variances = [np.var(scores, ddof=1) for scores in REPEATS.values()]
    degrees = [len(scores) - 1 for scores in REPEATS.values()]
    return Noise(math.sqrt(float(np.average(variances, weights=degrees))), sum(degrees))


def judge(gap: float, noise: Noise | None = None, *, zoo: bool = False) -> NoiseVerdict:
    """Hold `gap`, points of a single run minus another or, `zoo`, minus the zoo's figure."""
    noise = noise or pooled_noise()
    error = noise.std * math.sqrt(2)  # of a difference of two single draws
    limit = float(stdtrit(noise.degrees, (1 + CONFIDENCE) / 2)) * error
    shift = shift_of_the_zoo().points if zoo else 0.0
    # How much the zoo's figure was lucky is not known of a single row: from not at all to `shift`.
    unexplained = max(gap, -gap - shift, 0.0)
    p_value = 2 * float(stdtr(noise.degrees, -unexplained / error))
    outside = unexplained > limit
    needed = None if outside else runs_needed(gap, noise)
    return NoiseVerdict(outside, gap, limit, -limit - shift, limit, shift, p_value, noise, needed)


def runs_needed(gap: float, noise: Noise) -> int | None:
    """Trainings per side to detect a true difference of `gap`; None for a gap of nothing."""
    if abs(gap) < 0.005:  # scores are published with two decimals
        return None
    levels = stdtrit(noise.degrees, (1 + CONFIDENCE) / 2) + stdtrit(noise.degrees, POWER)
    return max(2, math.ceil(2 * (float(levels) * noise.std / abs(gap)) ** 2))
