"""Pillow: ``Image.resize`` and ``ImageEnhance`` with given parameters."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from parity.libraries import reasons
from parity.libraries.arrays import reversed_channels
from parity.libraries.library import Library, Operations, Size
from parity.libraries.models import contrast_around_mean, saturation_to_grey
from parity.sample import UInt8Array
from parity.steps.crop import CropBox

LIBRARY = Library("Pillow", "PIL", "pillow")
# What people use Pillow for in a loader.
OPERATIONS = Operations()
# Pillow keeps hue in a byte for the full circle, OpenCV in 180 units.
PILLOW_HUES = 256


def _image(bgr: UInt8Array) -> Image.Image:
    return Image.fromarray(reversed_channels(bgr))


def _array(image: Image.Image) -> UInt8Array:
    return reversed_channels(np.asarray(image))


@OPERATIONS.of("resize, image", "Image.resize(BILINEAR)", *reasons.ANTIALIASED_IN_UINT8)
def _resize_image(image: UInt8Array, size: Size) -> NDArray[Any]:
    return _array(_image(image).resize(size[::-1], Image.Resampling.BILINEAR))


@OPERATIONS.of("resize, labels", "Image.resize(NEAREST)", *reasons.NEAREST_BY_CENTRE)
def _resize_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    return np.array(Image.fromarray(seg).resize(size[::-1], Image.Resampling.NEAREST))


@OPERATIONS.of("crop", "Image.crop")
def _crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    height, width = array.shape[:2]
    edges = (box.left, box.top, min(box.right, width), min(box.bottom, height))
    return np.array(Image.fromarray(array).crop(edges))


@OPERATIONS.of("flip", "ImageOps.mirror")
def _flip(array: NDArray[Any]) -> NDArray[Any]:
    return np.array(ImageOps.mirror(Image.fromarray(array)))


@OPERATIONS.of(
    "brightness", "ImageEnhance.Brightness(1 + delta / 128)", *reasons.BRIGHTNESS_MULTIPLIED
)
def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    return _array(ImageEnhance.Brightness(_image(image)).enhance(1 + delta / 128))


@OPERATIONS.of(
    "contrast",
    "ImageEnhance.Contrast",
    reasons.MEAN_KEPT,
    partial(contrast_around_mean, whole=True),
    "scaled around the mean",
)
def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return _array(ImageEnhance.Contrast(_image(image)).enhance(factor))


@OPERATIONS.of(
    "saturation",
    "ImageEnhance.Color",
    reasons.GREY_BLENDED,
    partial(saturation_to_grey, rounded=True),
    "blended with grey",
)
def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    return _array(ImageEnhance.Color(_image(image)).enhance(factor))


@OPERATIONS.of(
    "hue",
    "convert('HSV'), hue in 1/256 of the circle",
    "256 hues for OpenCV's 180, and another rounding of HSV",
)
def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    hsv = np.array(_image(image).convert("HSV"))
    turned = hsv[..., 0].astype(int) + round(shift * PILLOW_HUES / 180)
    hsv[..., 0] = turned % PILLOW_HUES
    return _array(Image.fromarray(hsv, "HSV").convert("RGB"))


@OPERATIONS.of("reduce zero label", "point(lookup table)")
def _reduce_zero(seg: UInt8Array) -> NDArray[Any]:
    table = [255, *range(254), 255]
    return np.array(Image.fromarray(seg).point(table))
