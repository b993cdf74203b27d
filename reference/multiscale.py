"""``ResizeShortestEdge``, ``ResizeToMultiple`` (mmseg) and ``RandomChoiceResize`` (mmcv), live."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.compat import load_reference
from reference.generator import global_stream
from reference.results import to_results, to_sample


def resize_shortest_edge_sample(
    sample: Sample, rng: RandomState | None = None, **options: Any
) -> Sample:
    """``ResizeShortestEdge``; options as there."""
    load_reference()
    from mmseg.datasets.transforms import ResizeShortestEdge

    return to_sample(ResizeShortestEdge(**options)(to_results(sample)), sample.info)


def random_choice_resize_sample(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """``RandomChoiceResize``; options as there, `scales` in a list."""
    load_reference()
    from mmcv.transforms import RandomChoiceResize

    transform = RandomChoiceResize(**{**options, "scales": list(options["scales"])})
    with global_stream(rng):
        return to_sample(transform(to_results(sample)), sample.info)


def resize_to_multiple_sample(
    sample: Sample, rng: RandomState | None = None, **options: Any
) -> Sample:
    """``ResizeToMultiple``; options as there."""
    load_reference()
    from mmseg.datasets.transforms import ResizeToMultiple

    return to_sample(ResizeToMultiple(**options)(to_results(sample)), sample.info)
