"""Run reference code, which draws from the global NumPy stream, on a given generator."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from numpy.random import RandomState

from parity.compare.rng import RecordingRandomState, record_global_draws


@contextmanager
def global_stream(rng: RandomState) -> Iterator[None]:
    """Let the global ``np.random`` continue `rng` inside, and hand its state back to `rng`.

    The global state is as before afterwards. When `rng` records, the calls made
    to ``np.random`` inside are recorded in its draws.
    """
    saved = np.random.get_state()
    np.random.set_state(rng.get_state())
    try:
        with ExitStack() as patches:
            if isinstance(rng, RecordingRandomState):
                record_global_draws(rng, patches)
            yield
    finally:
        rng.set_state(np.random.get_state())
        np.random.set_state(saved)
