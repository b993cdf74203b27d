"""How far two runs of the same training may differ by chance.

The spread is the pooled standard deviation of five-run ADE20K repeats of
PoolFormer, published by the authors of the reference
(https://github.com/open-mmlab/mmsegmentation/pull/2191). The zoo's own figures
of these models lie above the mean of the repeats, so a run is expected to end
somewhat below the figure it is compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit  # type: ignore[import-untyped]

from parity.zoo.repeats import REPEATS, shift_of_the_zoo

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
