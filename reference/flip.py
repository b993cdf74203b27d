"""``RandomFlip`` (mmseg), live."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample


def flip_sample(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """``RandomFlip``; options as there."""
    load_reference()
    from mmseg.datasets.transforms import RandomFlip

    with global_stream(rng):
        return to_sample(RandomFlip(**options)(to_results(sample)), sample.info)
