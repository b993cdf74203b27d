"""Seeded inputs for steps that take no image file: one file per step.

Each file offers ``PROBES``, a tuple of :class:`Probe`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from parity.pipeline import Step


@dataclass(frozen=True)
class Probe:
    """A step with the function that makes its input from a seed.

    The step's `run` calls its function on that, and the reference's of the same name.
    """

    step: Step
    make: Callable[[int], Any]
