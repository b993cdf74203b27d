"""Other generators than the one a step is given, which people draw from."""

import random
from typing import Any

import torch
from numpy.random import RandomState

from parity.compare.rng import GeneratorState
from parity.suspects.mistake import Function


class Redirected:
    """A generator of which some methods are exchanged; the rest is the generator's own."""

    def __init__(self, rng: RandomState, **methods: Function) -> None:
        self._rng = rng
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._rng, name)


def of_torch(rng: RandomState) -> Redirected:
    """Torch's, seeded as that of a candidate is, as far as the steps ask for it."""
    own = torch.Generator().manual_seed(GeneratorState.of(rng).seed)
    return Redirected(
        rng,
        randint=lambda low, high: int(torch.randint(low, high, (1,), generator=own).item()),
        random_sample=lambda: float(torch.rand(1, generator=own).item()),
    )


def of_python(rng: RandomState) -> Redirected:
    """Python's, likewise."""
    own = random.Random(GeneratorState.of(rng).seed)
    return Redirected(rng, randint=own.randrange, random_sample=own.random)
