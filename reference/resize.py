"""``Resize`` (mmseg) and ``RandomResize`` (mmcv), live."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample


def resize_sample(sample: Sample, rng: RandomState | None = None, **options: Any) -> Sample:
    """``Resize``; options as there."""
    load_reference()
    from mmseg.datasets.transforms import Resize

    return to_sample(Resize(**options)(to_results(sample)), sample.info)


def random_resize_sample(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """``RandomResize`` around mmseg's ``Resize``; options as there."""
    load_reference()
    from mmcv.transforms import RandomResize

    with global_stream(rng):
        return to_sample(RandomResize(**options)(to_results(sample)), sample.info)


def rescale_size(size: tuple[int, int], scale: tuple[int, int]) -> tuple[int, int]:
    """mmcv's size rule alone; sizes are ``(width, height)``."""
    load_reference()
    import mmcv

    rescaled: tuple[int, int] = mmcv.rescale_size(size, scale)
    return rescaled
