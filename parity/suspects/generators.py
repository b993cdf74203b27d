"""Other generators than NumPy's, which people draw from, seeded as that of a candidate is."""

from __future__ import annotations

import random

import torch
from numpy.random import RandomState

from parity.compare.rng import GeneratorState


class OfTorch:
    """Torch's generator, as far as the steps ask for it."""

    def __init__(self, rng: RandomState) -> None:
        self._generator = torch.Generator().manual_seed(GeneratorState.of(rng).seed)

    def randint(self, low: int, high: int) -> int:
        """From `low` to `high`, which is excluded."""
        return int(torch.randint(low, high, (1,), generator=self._generator).item())

    def random_sample(self) -> float:
        """From 0 to 1, which is excluded."""
        return float(torch.rand(1, generator=self._generator).item())


class OfPython:
    """Python's, likewise."""

    def __init__(self, rng: RandomState) -> None:
        self._generator = random.Random(GeneratorState.of(rng).seed)

    def randint(self, low: int, high: int) -> int:
        """From `low` to `high`, which is excluded."""
        return self._generator.randrange(low, high)

    def random_sample(self) -> float:
        """From 0 to 1, which is excluded."""
        return self._generator.random()
