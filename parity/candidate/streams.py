"""Random streams while a candidate runs: its own, NumPy's global one, and the others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from parity.compare.rng import GeneratorState, RecordingRandomState, record_global_draws


@contextmanager
def candidate_streams(rng: RecordingRandomState) -> Iterator[None]:
    """Let the global ``np.random`` continue `rng` inside, as mmseg's own code draws.

    A candidate that draws from ``np.random`` and not from `rng` moves `rng` all
    the same. The generators of random and torch are seeded from `rng`, so that
    code which draws from them gives the same twice. All are as before afterwards.
    """
    before = GeneratorState.of(rng)
    kept = random.getstate(), np.random.get_state(), torch.random.get_rng_state()
    random.seed(before.seed)
    torch.manual_seed(before.seed)
    np.random.set_state(rng.get_state())
    try:
        with ExitStack() as patches:
            record_global_draws(rng, patches)
            yield
        if GeneratorState.of(rng) == before:
            rng.set_state(np.random.get_state())
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.random.set_rng_state(kept[2])
