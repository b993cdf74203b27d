"""What people get wrong in where draws come from: another generator, or a seed set anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

import torch
from numpy.random import RandomState

from parity.compare.rng import GeneratorState
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import resize as resizes
from parity.suspects.mistake import Function, Mistake, mistake


class _Draws(Protocol):
    """What the steps ask of a generator here."""

    def randint(self, low: int, high: int) -> int:
        """From `low` to `high`, which is excluded."""

    def random_sample(self) -> float:
        """From 0 to 1, which is excluded."""


class _OfTorch:
    """Torch's generator, seeded as that of a candidate is."""

    def __init__(self, rng: RandomState) -> None:
        self._generator = torch.Generator().manual_seed(GeneratorState.of(rng).seed)

    def randint(self, low: int, high: int) -> int:
        return int(torch.randint(low, high, (1,), generator=self._generator).item())

    def random_sample(self) -> float:
        return float(torch.rand(1, generator=self._generator).item())


class _OfPython:
    """Python's generator, seeded as that of a candidate is."""

    def __init__(self, rng: RandomState) -> None:
        self._generator = random.Random(GeneratorState.of(rng).seed)

    def randint(self, low: int, high: int) -> int:
        return self._generator.randrange(low, high)

    def random_sample(self) -> float:
        return self._generator.random()


@mistake(crops.crop_sample, needs="an image larger than the crop")
def offsets_from_torch(crop_sample: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """Offsets are drawn from torch's generator; the reference draws from NumPy's."""
    return crop_sample(sample, _OfTorch(rng), **options)


@mistake(crops.crop_sample, needs="an image larger than the crop")
def offsets_from_random(
    crop_sample: Function, sample: Any, rng: RandomState, **options: Any
) -> Any:
    """Offsets are drawn from the module random; the reference draws from NumPy's generator."""
    return crop_sample(sample, _OfPython(rng), **options)


@mistake(flips.draw_flip)
def coin_from_torch(
    draw_flip: Function, rng: RandomState, *, prob: float, direction: Any = "horizontal"
) -> Any:
    """The decision is torch.rand(1) < prob; the reference draws from NumPy's generator."""
    return _coin(_OfTorch(rng), prob, direction)


@mistake(flips.draw_flip)
def coin_from_random(
    draw_flip: Function, rng: RandomState, *, prob: float, direction: Any = "horizontal"
) -> Any:
    """The decision is random.random() < prob; the reference draws from NumPy's generator."""
    return _coin(_OfPython(rng), prob, direction)


@mistake(resizes.random_resize_sample, needs="a range of ratios")
def ratio_from_torch(resize: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """The ratio is drawn from torch's generator; the reference draws from NumPy's."""
    return resize(sample, _OfTorch(rng), **options)


@mistake(resizes.random_resize_sample, needs="a range of ratios")
def ratio_from_random(resize: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """The ratio is drawn from the module random; the reference draws from NumPy's generator."""
    return resize(sample, _OfPython(rng), **options)


def _coin(draws: _Draws, prob: float, direction: Any) -> Any:
    return direction if draws.random_sample() < prob else None


def seed_reset(step: Callable[..., Any]) -> Mistake:
    """The mistake of seeding NumPy's generator anew, in `step`."""

    @mistake(step)
    def seed_reset_per_sample(step: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
        """The seed is set to 0 anew for every sample; the reference goes on in one stream."""
        rng.seed(0)
        return step(sample, rng, **options)

    return seed_reset_per_sample


CROP = (offsets_from_torch, offsets_from_random)
FLIP = (coin_from_torch, coin_from_random)
RESIZE = (ratio_from_torch, ratio_from_random)
