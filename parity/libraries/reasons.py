"""Why libraries differ, where several do so alike: in words, as a model, and what the model is.

The model is the reference's operation with just that change; some are mistakes that people
make themselves, and those are the suspects of `parity.suspects`.
"""

from functools import partial

from parity.libraries import models
from parity.steps.photometric import change_hue, change_saturation
from parity.suspects import colour

ANTIALIASED = "antialiases when it shrinks; OpenCV does not"
ANTIALIASED_IN_UINT8 = (
    ANTIALIASED,
    partial(models.resize_antialiased, rounded_between=True),
    "a filter that grows with the factor, uint8 between its two passes",
)
RESIZED_IN_FLOAT = (
    "weights in float; OpenCV's uint8 path rounds them to 1/2048",
    models.resize_in_float,
    "OpenCV in float32, rounded",
)
NEAREST_BY_CENTRE = (
    "takes the pixel at the centre; OpenCV the one at the upper left",
    models.nearest_by_centre,
    "floor((i + 0.5) * scale) for floor(i * scale)",
)
NEAREST_IN_FLOAT32 = (
    "a float32 scale: a pixel off where i * scale is nearly whole",
    models.nearest_in_float32,
    "floor(i * scale) in float32",
)
BRIGHTNESS_MULTIPLIED = (
    "multiplies; the reference adds",
    models.multiply_brightness,
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
    models.normalize_in_unit,
    "the same by hand",
)
MEAN_KEPT = "keeps the mean grey level; the reference scales from 0"
GREY_BLENDED = "blends with the grey image; the reference scales S of HSV"
ROUNDED = "floats, rounded at the end, where the reference truncates"
REAL_HUE = "draws a real number from [-18, 18]; the reference an integer from -18 to 17"
ABSENT_AS_ZERO = (
    "classes that occur nowhere count as 0; mmseg leaves them out (NaN)",
    models.iou_absent_zero,
    "absent classes as 0",
)
