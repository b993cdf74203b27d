"""kornia: ``AugmentationSequential`` as a pipeline, and its functions with parameters."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.libraries import reasons
from parity.libraries.arrays import from_unit_tensor, pair_candidate, to_unit_tensor
from parity.libraries.library import Floats, Library, Operations, Size
from parity.libraries.models import add_rounded, iou_absent_one, multiply_rounded
from parity.sample import UInt8Array

LIBRARY = Library("kornia", "kornia", "kornia")
# Functions of geometry.transform, enhance and metrics, on floats from 0 to 1.
OPERATIONS = Operations()


def adapt(given: Any, name: str) -> Candidate:
    """An ``AugmentationSequential`` with ``data_keys=["input", "mask"]``, or one like it."""

    def call(image: UInt8Array, seg: UInt8Array) -> Any:
        mask = torch.from_numpy(seg.astype(np.float32))[None, None]
        done = given(to_unit_tensor(image), mask)
        return done[0][0], done[1][0]

    note = "It is given RGB floats (1, 3, H, W) from 0 to 1; its result is rounded to uint8."
    return pair_candidate(name, call, note)


@OPERATIONS.of("resize, image", "geometry.transform.resize(bilinear)", *reasons.RESIZED_IN_FLOAT)
def _resize_image(image: UInt8Array, size: Size) -> NDArray[Any]:
    resize = LIBRARY.load("geometry.transform").resize
    return from_unit_tensor(resize(to_unit_tensor(image), size, "bilinear"))


@OPERATIONS.of("resize, labels", "geometry.transform.resize(nearest)", *reasons.NEAREST_IN_FLOAT32)
def _resize_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    resize = LIBRARY.load("geometry.transform").resize
    floats = torch.from_numpy(seg).float()[None, None]
    return np.asarray(resize(floats, size, "nearest")[0, 0].to(torch.uint8).numpy())


@OPERATIONS.of("flip", "geometry.transform.hflip")
def _flip(array: UInt8Array) -> NDArray[Any]:
    return from_unit_tensor(LIBRARY.load("geometry.transform").hflip(to_unit_tensor(array)))


@OPERATIONS.of(
    "brightness",
    "enhance.adjust_brightness(delta / 255)",
    reasons.ROUNDED,
    add_rounded,
    "add, then round",
)
def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    adjust = LIBRARY.load("enhance").adjust_brightness
    return from_unit_tensor(adjust(to_unit_tensor(image), delta / 255))


@OPERATIONS.of(
    "contrast",
    "enhance.adjust_contrast",
    reasons.ROUNDED,
    multiply_rounded,
    "multiply, then round",
)
def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return from_unit_tensor(LIBRARY.load("enhance").adjust_contrast(to_unit_tensor(image), factor))


@OPERATIONS.of("saturation", "enhance.adjust_saturation", *reasons.SATURATION_IN_FLOAT)
def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    adjust = LIBRARY.load("enhance").adjust_saturation
    return from_unit_tensor(adjust(to_unit_tensor(image), factor))


@OPERATIONS.of("hue", "enhance.adjust_hue(radians)", *reasons.HUE_IN_FLOAT)
def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    radians = shift / 180 * 2 * math.pi
    return from_unit_tensor(LIBRARY.load("enhance").adjust_hue(to_unit_tensor(image), radians))


@OPERATIONS.of("hue range", "ColorJitter(hue=18 / 180)", reasons.REAL_HUE)
def _hue_range(image: UInt8Array, limit: int, count: int) -> list[NDArray[Any]]:
    jitter = LIBRARY.load("augmentation").ColorJitter(hue=limit / 180, p=1.0)
    batch = to_unit_tensor(image).repeat(count, 1, 1, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [from_unit_tensor(one[None]) for one in jitter(batch)]


@OPERATIONS.of("normalise", "x / 255, enhance.normalize", *reasons.NORMALISED_IN_UNIT)
def _normalize(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    unit = [torch.tensor([value / 255 for value in values]) for values in (mean, std)]
    return np.asarray(LIBRARY.load("enhance").normalize(to_unit_tensor(image), *unit)[0].numpy())


@OPERATIONS.of(
    "mIoU",
    "metrics.mean_iou, averaged",
    "classes that occur nowhere count as 1; mmseg leaves them out (NaN)",
    iou_absent_one,
    "absent classes as 1, labels outside the classes left out",
)
def _mean_iou(images: list[dict[str, NDArray[Any]]], num_classes: int) -> float:
    """Ignored pixels taken out by hand; the images of a set joined into one row of pixels."""
    kept = [one["label"] < num_classes for one in images]
    pairs = list(zip(images, kept, strict=True))
    pred = torch.from_numpy(np.concatenate([one["pred"][mask] for one, mask in pairs]))
    label = torch.from_numpy(np.concatenate([one["label"][mask] for one, mask in pairs]))
    scores = LIBRARY.load("metrics").mean_iou(pred[None], label.long()[None], num_classes)
    return 100 * float(scores.double().mean())
