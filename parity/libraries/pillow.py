"""Pillow: ``Image.resize`` and ``ImageEnhance`` with given parameters."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from parity.libraries.arrays import reversed_channels
from parity.libraries.library import Library, LibraryOperation
from parity.libraries.models import (
    contrast_around_mean,
    saturation_to_grey,
)
from parity.libraries.reasons import ANTIALIASED_IN_UINT8, BRIGHTNESS_MULTIPLIED, NEAREST_BY_CENTRE
from parity.sample import UInt8Array
from parity.steps.crop import CropBox

LIBRARY = Library("Pillow", "PIL", "pillow")
# Pillow keeps hue in a byte for the full circle, OpenCV in 180 units.
PILLOW_HUES = 256


def _image(bgr: UInt8Array) -> Image.Image:
    return Image.fromarray(reversed_channels(bgr))


def _array(image: Image.Image) -> UInt8Array:
    return reversed_channels(np.asarray(image))


def _resize_image(image: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    return _array(_image(image).resize(size[::-1], Image.Resampling.BILINEAR))


def _resize_labels(seg: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    return np.array(Image.fromarray(seg).resize(size[::-1], Image.Resampling.NEAREST))


def _crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    height, width = array.shape[:2]
    edges = (box.left, box.top, min(box.right, width), min(box.bottom, height))
    return np.array(Image.fromarray(array).crop(edges))


def _flip(array: NDArray[Any]) -> NDArray[Any]:
    return np.array(ImageOps.mirror(Image.fromarray(array)))


def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    return _array(ImageEnhance.Brightness(_image(image)).enhance(1 + delta / 128))


def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return _array(ImageEnhance.Contrast(_image(image)).enhance(factor))


def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    return _array(ImageEnhance.Color(_image(image)).enhance(factor))


def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    hsv = np.array(_image(image).convert("HSV"))
    turned = hsv[..., 0].astype(int) + round(shift * PILLOW_HUES / 180)
    hsv[..., 0] = turned % PILLOW_HUES
    return _array(Image.fromarray(hsv, "HSV").convert("RGB"))


def _reduce_zero(seg: UInt8Array) -> NDArray[Any]:
    table = [255, *range(254), 255]
    return np.array(Image.fromarray(seg).point(table))


# What people use Pillow for in a loader.
OPERATIONS: tuple[LibraryOperation, ...] = (
    LibraryOperation(
        "resize, image", "Image.resize(BILINEAR)", _resize_image, *ANTIALIASED_IN_UINT8
    ),
    LibraryOperation("resize, labels", "Image.resize(NEAREST)", _resize_labels, *NEAREST_BY_CENTRE),
    LibraryOperation("crop", "Image.crop", _crop),
    LibraryOperation("flip", "ImageOps.mirror", _flip),
    LibraryOperation(
        "brightness",
        "ImageEnhance.Brightness(1 + delta / 128)",
        _brightness,
        *BRIGHTNESS_MULTIPLIED,
    ),
    LibraryOperation(
        "contrast",
        "ImageEnhance.Contrast",
        _contrast,
        "keeps the mean grey level; the reference scales from 0",
        partial(contrast_around_mean, whole=True),
        "scaled around the mean",
    ),
    LibraryOperation(
        "saturation",
        "ImageEnhance.Color",
        _saturation,
        "blends with the grey image; the reference scales S of HSV",
        partial(saturation_to_grey, rounded=True),
        "blended with grey",
    ),
    LibraryOperation(
        "hue",
        "convert('HSV'), hue in 1/256 of the circle",
        _hue,
        "256 hues for OpenCV's 180, and another rounding of HSV",
    ),
    LibraryOperation("reduce zero label", "point(lookup table)", _reduce_zero),
)
