"""``ResizeShortestEdge``, ``ResizeToMultiple`` (mmseg) and ``RandomChoiceResize`` (mmcv), live."""

from typing import Any

from numpy.random import RandomState

from parity.sample import Sample
from reference.configured import made

resize_shortest_edge_sample = made("ResizeShortestEdge")
resize_to_multiple_sample = made("ResizeToMultiple")
_random_choice = made("RandomChoiceResize")


def random_choice_resize_sample(sample: Sample, rng: RandomState, **options: Any) -> Sample:
    """``RandomChoiceResize``; options as there, `scales` in a list."""
    return _random_choice(sample, rng, **{**options, "scales": list(options["scales"])})
