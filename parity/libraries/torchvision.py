"""torchvision transforms v2: a transform as a pipeline, and its functional with parameters."""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries import models, reasons
from parity.libraries.arrays import from_rgb_tensor, pair_candidate, to_rgb_tensor
from parity.libraries.library import Floats, Library, Operations, Size
from parity.sample import UInt8Array
from parity.steps.crop import CropBox

LIBRARY = Library("torchvision", "torchvision", "torchvision")
# The functional form, on uint8 tensors.
OPERATIONS = Operations()
# Operators that torchvision's import asks about; no transform of images uses them.
_DETECTION_OPERATORS = ("nms", "qnms")


def adapt(given: Any, name: str) -> Candidate:
    """A v2 transform called with an Image and a Mask."""
    if not callable(given):
        raise InputError(f"{name}: a {type(given).__name__} of torchvision; give a transform")
    kinds = load("tv_tensors")

    def call(image: UInt8Array, seg: UInt8Array) -> Any:
        return given(kinds.Image(to_rgb_tensor(image)), kinds.Mask(torch.from_numpy(seg.copy())))

    note = "It is given RGB tensors (3, H, W), and its result turned back to BGR."
    return pair_candidate(name, call, note)


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


@OPERATIONS.of(
    "resize, image",
    "resize(antialias=False)",
    "uint8 between its two passes; OpenCV keeps 1/2048 weights and more bits",
    models.resize_without_antialias,
    "uint8 between the two passes",
    antialias=False,
)
@OPERATIONS.of(
    "resize, image",
    "resize() as it comes (antialias=True)",
    *reasons.ANTIALIASED_IN_UINT8,
    antialias=True,
)
def _resize(image: UInt8Array, size: Size, antialias: bool) -> NDArray[Any]:
    done = _functional().resize(to_rgb_tensor(image), list(size), antialias=antialias)
    return from_rgb_tensor(done)


@OPERATIONS.of(
    "resize, labels", "resize(NEAREST_EXACT)", *reasons.NEAREST_BY_CENTRE, mode="NEAREST_EXACT"
)
@OPERATIONS.of("resize, labels", "resize(NEAREST)", *reasons.NEAREST_IN_FLOAT32, mode="NEAREST")
def _resize_labels(seg: UInt8Array, size: Size, mode: str) -> NDArray[Any]:
    interpolation = load("transforms.v2").InterpolationMode[mode]
    done = _functional().resize(
        torch.from_numpy(seg)[None], list(size), interpolation=interpolation
    )
    return np.asarray(done[0].numpy())


@OPERATIONS.of(
    "target size", "resize(short edge)", "truncates the long edge; the reference rounds half up"
)
def _target_size(height: int, width: int, short: int) -> Size:
    done = _functional().resize(torch.zeros((1, height, width)), [short])
    return int(done.shape[1]), int(done.shape[2])


@OPERATIONS.of("crop", "crop")
def _crop(array: UInt8Array, box: CropBox) -> NDArray[Any]:
    height = min(box.bottom, array.shape[0]) - box.top
    width = min(box.right, array.shape[1]) - box.left
    return from_rgb_tensor(
        _functional().crop(to_rgb_tensor(array), box.top, box.left, height, width)
    )


@OPERATIONS.of("flip", "horizontal_flip")
def _flip(array: UInt8Array) -> NDArray[Any]:
    return from_rgb_tensor(_functional().horizontal_flip(to_rgb_tensor(array)))


@OPERATIONS.of("brightness", "adjust_brightness(1 + delta / 128)", *reasons.BRIGHTNESS_MULTIPLIED)
def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    factor = 1 + delta / 128
    return from_rgb_tensor(_functional().adjust_brightness(to_rgb_tensor(image), factor))


@OPERATIONS.of(
    "contrast",
    "adjust_contrast",
    reasons.MEAN_KEPT,
    models.contrast_around_mean,
    "scaled around the mean",
)
def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_contrast(to_rgb_tensor(image), factor))


@OPERATIONS.of(
    "saturation",
    "adjust_saturation",
    reasons.GREY_BLENDED,
    models.saturation_to_grey,
    "blended with grey",
)
def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_saturation(to_rgb_tensor(image), factor))


@OPERATIONS.of("hue", "adjust_hue(shift / 180)", *reasons.HUE_IN_FLOAT)
def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    return from_rgb_tensor(_functional().adjust_hue(to_rgb_tensor(image), shift / 180))


@OPERATIONS.of("hue range", "ColorJitter(hue=18 / 180)", reasons.REAL_HUE)
def _hue_range(image: UInt8Array, limit: int, count: int) -> list[NDArray[Any]]:
    jitter = load("transforms.v2").ColorJitter(hue=limit / 180)
    tensor = to_rgb_tensor(image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [from_rgb_tensor(jitter(tensor)) for _ in range(count)]


@OPERATIONS.of("normalise", "to_dtype(float32, scale=True), normalize", *reasons.NORMALISED_IN_UNIT)
def _normalize(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    functional = _functional()
    floats = functional.to_dtype(to_rgb_tensor(image), torch.float32, scale=True)
    unit = [[value / 255 for value in values] for values in (mean, std)]
    return np.asarray(functional.normalize(floats, *unit).numpy())


@OPERATIONS.of("pad, image", "pad(right, bottom, 0)")
def _pad_image(image: UInt8Array, size: Size) -> NDArray[Any]:
    around = [0, 0, size[1] - image.shape[1], size[0] - image.shape[0]]
    return from_rgb_tensor(_functional().pad(to_rgb_tensor(image), around, fill=0))


@OPERATIONS.of("pad, labels", "pad(right, bottom, 255)")
def _pad_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    around = [0, 0, size[1] - seg.shape[1], size[0] - seg.shape[0]]
    return np.asarray(_functional().pad(torch.from_numpy(seg)[None], around, fill=255)[0].numpy())
