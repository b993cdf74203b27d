"""``Pad`` (mmcv), live."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.compat import load_reference
from reference.results import to_results, to_sample


def pad_sample(sample: Sample, rng: RandomState | None = None, **options: Any) -> Sample:
    """``Pad``; options as there."""
    load_reference()
    from mmcv.transforms import Pad

    return to_sample(Pad(**options)(to_results(sample)), sample.info)
