"""Draw from both sides, estimate the parameters, test each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.candidate.distribution.colour import ColourChange
from parity.candidate.distribution.estimate import Estimate, estimate
from parity.candidate.distribution.probe import ProbeImage, class_map, probe_image
from parity.candidate.distribution.statistics import ParameterTest, holm, rates, reach, values
from parity.candidate.whole import Pair, augment, whole_step
from parity.errors import InputError
from parity.pipeline import Step, TrainPipeline

# (image, seg), seed -> (image, seg)
Sampler = Callable[[Pair, int], Pair]
# Largest errors of an estimate; tests/candidate/test_distribution.py holds the estimates to them.
ERRORS = {"scale": 0.006, "brightness": 3.0, "contrast": 0.012, "saturation": 0.04, "hue": 0.5}
DIGITS = {"scale": 2, "brightness": 0, "contrast": 2, "saturation": 2, "hue": 0}
# What PhotoMetricDistortion draws from, by its defaults.
PHOTOMETRIC_BOUNDS = {
    "brightness": (-32.0, 32.0),
    "contrast": (0.5, 1.5),
    "saturation": (0.5, 1.5),
    "hue": (-18.0, 17.0),
}
PARAMETERS = {
    "resize": ("scale", "aspect ratio"),
    "crop": ("crop top", "crop left", "class frequency", "ignored share"),
    "flip": ("flip",),
    "photometric": ("brightness", "contrast", "saturation", "hue", "contrast order"),
}
# How many tests there are in all, for the power of each.
TESTS = 22


@dataclass(frozen=True, eq=False)
class Samples:
    """What one side gave. lost: why results could not be read, one entry each."""

    estimates: tuple[Estimate, ...]
    majority: tuple[float, ...]
    ignored: tuple[float, ...]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProbeSetting:
    """A training pipeline with probes that fit it."""

    pipeline: TrainPipeline
    probe: ProbeImage
    classes: Pair

    @classmethod
    def of(cls, pipeline: TrainPipeline) -> ProbeSetting:
        """Probes a little smaller than the pipeline's scale, so that half of the windows move."""
        short = min(pipeline.scale) * 15 // 16
        height, width = short, short * 4 // 3
        labels = class_map(height, width)
        grey = np.full((height, width, 3), 128, np.uint8)
        return cls(pipeline, probe_image(height, width), (grey, labels))

    @property
    def step(self) -> Step:
        """The augmenting steps as one."""
        step = whole_step(self.pipeline.steps)
        assert step is not None  # a training pipeline has them
        return step

    def reference(self, value: Pair, seed: int) -> Pair:
        """Our own steps, which are held bit-equal to the reference by ``parity check``."""
        return augment(value, RandomState(seed), **self.step.options)


def draw_samples(sampler: Sampler, setting: ProbeSetting, seeds: Iterable[int]) -> Samples:
    """Run `sampler` on both probes once per seed."""
    probe = setting.probe
    estimates, majority, ignored, lost = [], [], [], []
    for seed in seeds:
        image, seg = sampler((probe.image, probe.seg), seed)
        try:
            estimates.append(estimate(probe, image, seg))
        except InputError as error:
            lost.append(str(error))
        _, labels = sampler(setting.classes, seed)
        valid = labels[labels != 255]
        ignored.append(1 - valid.size / max(labels.size, 1))
        majority.append(float(np.bincount(valid).max() / valid.size) if valid.size else 0.0)
    return Samples(tuple(estimates), tuple(majority), tuple(ignored), tuple(lost))


def compare_samples(
    actual: Samples,
    expected: Samples,
    setting: ProbeSetting,
    steps: Sequence[str] = tuple(PARAMETERS),
) -> list[ParameterTest]:
    """Every test of the parameters of `steps`, corrected for their number."""
    wanted = {name for step in steps for name in PARAMETERS[step]}
    found = _geometry_tests(actual, expected, setting) + _colour_tests(actual, expected)
    found += [
        values("class frequency", (actual.majority, expected.majority), TESTS, 2),
        values("ignored share", (actual.ignored, expected.ignored), TESTS, 2),
    ]
    return holm([test for test in found if test is not None and test.parameter in wanted])


def _geometry_tests(
    actual: Samples, expected: Samples, setting: ProbeSetting
) -> list[ParameterTest | None]:
    sides = _sides(actual, expected, "geometry")
    scales = sides(lambda one: one.scale_y)
    unit = min(setting.pipeline.scale) / setting.probe.seg.shape[0]
    low, high = setting.pipeline.ratio_range
    return [
        values("scale", scales, TESTS, 2),
        reach("scale", scales[0], (low * unit, high * unit), ERRORS["scale"], 2),
        values("aspect ratio", sides(lambda one: one.scale_x / one.scale_y), TESTS, 3),
        values("crop top", sides(lambda one: one.top), TESTS, 2),
        values("crop left", sides(lambda one: one.left), TESTS, 2),
        rates("flip", "share of flips:", sides(lambda one: one.flip), TESTS),
    ]


def _colour_tests(actual: Samples, expected: Samples) -> list[ParameterTest | None]:
    sides = _sides(actual, expected, "colour")
    found: list[ParameterTest | None] = []
    for name, bounds in PHOTOMETRIC_BOUNDS.items():
        changed = sides(attrgetter(name))
        used = sides(partial(_use, name))
        found += [
            rates(name, "share", used, TESTS),
            values(name, changed, TESTS, DIGITS[name] + 1),
            reach(name, changed[0], bounds, ERRORS[name], DIGITS[name]),
        ]
    told = sides(lambda one: None if one.contrast_first is None else _ORDERS[one.contrast_first])
    return [*found, rates("contrast order", "contrast", told, TESTS)]


def _use(name: str, change: ColourChange) -> str:
    return "unchanged" if getattr(change, name) is None else "changed"


_ORDERS = {True: "first", False: "last"}


def _sides(
    actual: Samples, expected: Samples, part: str
) -> Callable[[Callable[[Any], Any]], tuple[list[Any], list[Any]]]:
    """Of both sides what is read from that part of each result, without what gives None."""

    def sides(read: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
        of_all = ([read(getattr(one, part)) for one in s.estimates] for s in (actual, expected))
        left, right = ([value for value in found if value is not None] for found in of_all)
        return left, right

    return sides
