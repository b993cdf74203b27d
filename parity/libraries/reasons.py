"""Why libraries differ, where several do so alike: in words, as a model, and what the model is.

The model is the reference's operation with just that change; some are mistakes that people
make themselves, and those are the suspects of `parity.suspects`.
"""

from __future__ import annotations

from functools import partial

from parity.libraries.models import (
    iou_absent_zero,
    multiply_brightness,
    nearest_by_centre,
    nearest_in_float32,
    normalize_in_unit,
    resize_antialiased,
    resize_in_float,
)
from parity.steps.photometric import change_hue, change_saturation
from parity.suspects import colour

ANTIALIASED = "antialiases when it shrinks; OpenCV does not"
ANTIALIASED_IN_UINT8 = (
    ANTIALIASED,
    partial(resize_antialiased, rounded_between=True),
    "a filter that grows with the factor, uint8 between its two passes",
)
RESIZED_IN_FLOAT = (
    "weights in float; OpenCV's uint8 path rounds them to 1/2048",
    resize_in_float,
    "OpenCV in float32, rounded",
)
NEAREST_BY_CENTRE = (
    "takes the pixel at the centre; OpenCV the one at the upper left",
    nearest_by_centre,
    "floor((i + 0.5) * scale) for floor(i * scale)",
)
NEAREST_IN_FLOAT32 = (
    "a float32 scale: a pixel off where i * scale is nearly whole",
    nearest_in_float32,
    "floor(i * scale) in float32",
)
BRIGHTNESS_MULTIPLIED = (
    "multiplies; the reference adds",
    multiply_brightness,
    "times (1 + delta / 128)",
)
# OpenCV's 8-bit HSV, which the reference uses.
_EIGHT_BIT = "float HSV; OpenCV's 8-bit HSV rounds hue to 2 degrees"
_FLOAT = "float HSV by OpenCV, rounded"
HUE_IN_FLOAT = (_EIGHT_BIT, partial(colour.hue_in_float, change_hue), _FLOAT)
SATURATION_IN_FLOAT = (
    f"{_EIGHT_BIT} and truncates S",
    partial(colour.saturation_in_float, change_saturation),
    _FLOAT,
)
NORMALISED_IN_UNIT = (
    "scales to 0-1 first: other roundings",
    normalize_in_unit,
    "the same by hand",
)
ABSENT_AS_ZERO = (
    "classes that occur nowhere count as 0; mmseg leaves them out (NaN)",
    iou_absent_zero,
    "absent classes as 0",
)
