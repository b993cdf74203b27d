"""What people get wrong in edge maps, depth maps and pairs of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.sample import DEPTH, Sample
from parity.steps import maps
from parity.suspects.mistake import Function, made_in, mistake

edge_mistake = made_in(maps.generate_edge_sample)


@edge_mistake(maps.edges, ignore_index=-1)
def edges_of_ignored() -> None:
    """Ignored pixels count as a class; the reference has no edge beside them."""


@edge_mistake(maps.edges, edge_width=1)
def edges_not_widened() -> None:
    """Edges are one pixel wide; the reference widens them to edge_width."""


@mistake(maps.depth_mix_sample)
def depth_in_metres(mix: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Depth is mixed in as it was rescaled; the reference takes it back to the file's units."""
    plain = sample.replace(meta=sample.meta.replace(depth_rescale_factor=1))
    return mix(plain, rng, **options).replace(meta=sample.meta)


@mistake(maps.depth_mix_sample)
def depth_band_with_its_end(mix: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The band is one column wider; the reference excludes its end."""
    mixed = mix(sample, rng, **options)
    changed = np.flatnonzero((mixed.image != sample.image).any(axis=(0, 2)))
    end = changed[-1] + 1 if changed.size else sample.image.shape[1]
    if end >= sample.image.shape[1]:
        return mixed
    image = mixed.image.copy()
    image[:, end] = (sample.maps[DEPTH] / sample.meta["depth_rescale_factor"])[:, end, None]
    return mixed.replace(image=image)


@mistake(maps.concat_images_sample)
def second_image_first(concat: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """The later image comes first; the reference goes by input_keys."""
    keys = options.pop("input_keys", ("img", "img2"))
    return concat(sample, rng, input_keys=keys[::-1], **options)
