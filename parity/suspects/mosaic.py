"""What people get wrong in mosaics of four images."""

from __future__ import annotations

from typing import Any

from numpy.random import RandomState

from parity.steps import mosaic
from parity.suspects.mistake import Function, made_in

mistake = made_in(mosaic.mosaic_sample)


@mistake(mosaic.fitted_size)
def mosaic_without_ratio(fitted_size: Function, height: int, width: int, img_scale: Any) -> Any:
    """Each image is stretched to img_scale; the reference keeps its ratio."""
    return img_scale


@mistake(mosaic.draw_center)
def center_height_first(draw_center: Function, rng: RandomState, **options: Any) -> Any:
    """The center's row is drawn before its column; the reference draws the column first."""
    height, width = options.pop("img_scale")
    x, y = draw_center(rng, img_scale=(width, height), **options)
    return y, x
