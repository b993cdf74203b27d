"""torchvision transforms v2: a transform as a pipeline, and its functional with parameters."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries.arrays import (
    as_image,
    as_labels,
    from_rgb_tensor,
    to_rgb_tensor,
)
from parity.libraries.library import Library, LibraryOperation
from parity.libraries.models import (
    contrast_around_mean,
    resize_without_antialias,
    saturation_to_grey,
)
from parity.libraries.reasons import (
    ANTIALIASED_IN_UINT8,
    BRIGHTNESS_MULTIPLIED,
    HUE_IN_FLOAT,
    NEAREST_BY_CENTRE,
    NEAREST_IN_FLOAT32,
    NORMALISED_IN_UNIT,
)
from parity.sample import UInt8Array
from parity.steps.crop import CropBox

LIBRARY = Library("torchvision", "torchvision", "torchvision")
# Operators that torchvision's import asks about; no transform of images uses them.
_DETECTION_OPERATORS = ("nms", "qnms")


def adapt(given: Any, name: str) -> Candidate:
    """A v2 transform called with an Image and a Mask."""
    if not callable(given):
        raise InputError(f"{name}: a {type(given).__name__} of torchvision; give a transform")
    kinds = load("tv_tensors")

    def pipeline(
        image: UInt8Array, seg: UInt8Array, rng: RandomState | None
    ) -> tuple[UInt8Array, UInt8Array]:
        pair = kinds.Image(to_rgb_tensor(image)), kinds.Mask(torch.from_numpy(seg.copy()))
        done = given(*pair)
        return as_image(done[0], name), as_labels(done[1], name)

    notes = ("It is given RGB tensors (3, H, W), and its result turned back to BGR.",)
    return Candidate(name, pipeline=pipeline, shares_stream=False, notes=notes)


@cache
def load(submodule: str) -> Any:
    """A part of torchvision, also of a build whose compiled operators do not fit this torch.

    Such a build fails to import, for it registers details of operators that were
    not loaded. Declaring these operators, without code, lets the transforms work.
    """
    try:
        return LIBRARY.load(submodule)
    except InputError as error:
        if "operator torchvision::" not in str(error):
            raise
    declared: Any = getattr(torch.library, "Library")("torchvision", "FRAGMENT")  # noqa: B009
    for operator in _DETECTION_OPERATORS:
        declared.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(declared)  # what it defines goes when it goes
    return LIBRARY.load(submodule)


_KEPT: list[Any] = []


def notes() -> tuple[str, ...]:
    """What to know about the installed build."""
    if not _KEPT:
        return ()
    return (
        "The compiled operators of the installed torchvision do not fit the installed torch; its "
        "transforms, which use none of them, were run all the same.",
    )


def _functional() -> Any:
    return load("transforms.v2.functional")


def _resize(**options: bool) -> Any:
    def resize(image: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
        return from_rgb_tensor(_functional().resize(to_rgb_tensor(image), list(size), **options))

    return resize


def _resize_labels(mode: str) -> Any:
    def resize(seg: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
        interpolation = load("transforms.v2").InterpolationMode[mode]
        tensor = torch.from_numpy(seg)[None]
        done = _functional().resize(tensor, list(size), interpolation=interpolation)
        return np.asarray(done[0].numpy())

    return resize


def _target_size(height: int, width: int, short: int) -> tuple[int, int]:
    done = _functional().resize(torch.zeros((1, height, width)), [short])
    return int(done.shape[1]), int(done.shape[2])


def _crop(array: UInt8Array, box: CropBox) -> NDArray[Any]:
    height = min(box.bottom, array.shape[0]) - box.top
    width = min(box.right, array.shape[1]) - box.left
    return from_rgb_tensor(
        _functional().crop(to_rgb_tensor(array), box.top, box.left, height, width)
    )


def _flip(array: UInt8Array) -> NDArray[Any]:
    return from_rgb_tensor(_functional().horizontal_flip(to_rgb_tensor(array)))


def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    factor = 1 + delta / 128
    return from_rgb_tensor(_functional().adjust_brightness(to_rgb_tensor(image), factor))


def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_contrast(to_rgb_tensor(image), factor))


def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_saturation(to_rgb_tensor(image), factor))


def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_hue(to_rgb_tensor(image), shift / 180))


def _hue_range(image: UInt8Array, limit: int, count: int) -> list[NDArray[Any]]:
    jitter = load("transforms.v2").ColorJitter(hue=limit / 180)
    tensor = to_rgb_tensor(image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [from_rgb_tensor(jitter(tensor)) for _ in range(count)]


def _normalize(
    image: UInt8Array, mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    functional = _functional()
    floats = functional.to_dtype(to_rgb_tensor(image), torch.float32, scale=True)
    unit = [[value / 255 for value in values] for values in (mean, std)]
    return np.asarray(functional.normalize(floats, *unit).numpy())


def _pad_image(image: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    around = [0, 0, size[1] - image.shape[1], size[0] - image.shape[0]]
    return from_rgb_tensor(_functional().pad(to_rgb_tensor(image), around, fill=0))


def _pad_labels(seg: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    around = [0, 0, size[1] - seg.shape[1], size[0] - seg.shape[0]]
    return np.asarray(_functional().pad(torch.from_numpy(seg)[None], around, fill=255)[0].numpy())


# The functional form, on uint8 tensors.
OPERATIONS: tuple[LibraryOperation, ...] = (
    LibraryOperation(
        "resize, image",
        "resize() as it comes (antialias=True)",
        _resize(antialias=True),
        *ANTIALIASED_IN_UINT8,
    ),
    LibraryOperation(
        "resize, image",
        "resize(antialias=False)",
        _resize(antialias=False),
        "uint8 between its two passes; OpenCV keeps 1/2048 weights and more bits",
        resize_without_antialias,
        "uint8 between the two passes",
    ),
    LibraryOperation(
        "resize, labels", "resize(NEAREST)", _resize_labels("NEAREST"), *NEAREST_IN_FLOAT32
    ),
    LibraryOperation(
        "resize, labels",
        "resize(NEAREST_EXACT)",
        _resize_labels("NEAREST_EXACT"),
        *NEAREST_BY_CENTRE,
    ),
    LibraryOperation(
        "target size",
        "resize(short edge)",
        _target_size,
        "truncates the long edge; the reference rounds half up",
    ),
    LibraryOperation("crop", "crop", _crop),
    LibraryOperation("flip", "horizontal_flip", _flip),
    LibraryOperation(
        "brightness", "adjust_brightness(1 + delta / 128)", _brightness, *BRIGHTNESS_MULTIPLIED
    ),
    LibraryOperation(
        "contrast",
        "adjust_contrast",
        _contrast,
        "keeps the mean grey level; the reference scales from 0",
        contrast_around_mean,
        "scaled around the mean",
    ),
    LibraryOperation(
        "saturation",
        "adjust_saturation",
        _saturation,
        "blends with the grey image; the reference scales S of HSV",
        saturation_to_grey,
        "blended with grey",
    ),
    LibraryOperation("hue", "adjust_hue(shift / 180)", _hue, *HUE_IN_FLOAT),
    LibraryOperation(
        "hue range",
        "ColorJitter(hue=18 / 180)",
        _hue_range,
        "draws a real number from [-18, 18]; the reference an integer from -18 to 17",
    ),
    LibraryOperation(
        "normalise", "to_dtype(float32, scale=True), normalize", _normalize, *NORMALISED_IN_UNIT
    ),
    LibraryOperation("pad, image", "pad(right, bottom, 0)", _pad_image),
    LibraryOperation("pad, labels", "pad(right, bottom, 255)", _pad_labels),
)
