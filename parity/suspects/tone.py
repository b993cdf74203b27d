"""What people get wrong in gamma, histograms, range and grey."""

from __future__ import annotations

from typing import Any

import cv2

from parity.sample import Array
from parity.steps import tone
from parity.suspects.mistake import Function, made_in

clahe_mistake = made_in(tone.clahe_sample)


@made_in(tone.adjust_gamma_sample)(tone.adjust_gamma)
def gamma_not_inverted(adjust_gamma: Function, image: Array, *, gamma: float = 1.0) -> Any:
    """Levels are taken to the power of gamma; the reference's power is 1 / gamma."""
    return adjust_gamma(image, gamma=1 / gamma)


@clahe_mistake(tone.clahe)
def equalised_lightness_alone(clahe: Function, image: Array, **options: Any) -> Any:
    """The lightness of LAB is equalised; the reference equalises each channel of BGR."""
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    lab[..., :1] = clahe(lab[..., :1], **options)
    return cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)


@clahe_mistake(tone.clahe)
def tiles_height_first(clahe: Function, image: Array, **options: Any) -> Any:
    """The tiles are counted as rows and columns; the reference counts columns and rows."""
    return clahe(image, **{**options, "tile_grid_size": options["tile_grid_size"][::-1]})


@made_in(tone.to_gray_sample)(tone.to_gray)
def gray_of_rgb(to_gray: Function, image: Array, **options: Any) -> Any:
    """The weights go by red, green, blue; the reference puts them on BGR as it is."""
    return to_gray(image[..., ::-1], **options)


@made_in(tone.rerange_sample)(tone.rerange)
def reranged_from_255(_: Function, image: Array, *, min_value: float, max_value: float) -> Any:
    """Levels are divided by 255; the reference goes by the image's own darkest and brightest."""
    return image / 255 * (max_value - min_value) + min_value
