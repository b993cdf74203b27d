"""``RandomCrop`` (mmseg), live."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample


def crop_sample(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """``RandomCrop``; options as there."""
    load_reference()
    from mmseg.datasets.transforms import RandomCrop

    with global_stream(rng):
        return to_sample(RandomCrop(**options)(to_results(sample)), sample.info)
