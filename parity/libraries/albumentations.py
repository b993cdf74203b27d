"""albumentations: ``Compose`` as a pipeline, and single transforms with given parameters."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries.arrays import pair_candidate, reversed_channels
from parity.libraries.library import Floats, Library, Operations, Size
from parity.libraries.models import normalize_by_product, pad_both_sides, shift_saturation
from parity.sample import UInt8Array
from parity.steps.crop import CropBox

LIBRARY = Library("albumentations", "albumentations", "albumentations")
# Single transforms, their parameters fixed to one value each.
OPERATIONS = Operations()


def adapt(given: Any, name: str) -> Candidate:
    """A ``Compose`` (or one transform) called with ``image=`` and ``mask=``."""
    if not hasattr(given, "set_random_seed"):
        raise InputError(f"{name}: a {type(given).__name__} of albumentations; give a Compose")

    def call(image: UInt8Array, seg: UInt8Array) -> Any:
        given.set_random_seed(int(np.random.randint(2**31)))
        done = given(image=reversed_channels(image), mask=seg.copy())
        return done["image"], done["mask"]

    return pair_candidate(name, call, "It is given RGB, and its result turned back to BGR.")


def _transforms() -> Any:
    return LIBRARY.load()


@OPERATIONS.of("resize, image", "Resize(INTER_LINEAR)")
def _resize_image(image: UInt8Array, size: Size) -> NDArray[Any]:
    transform = _transforms().Resize(*size, interpolation=cv2.INTER_LINEAR, p=1)
    return np.asarray(transform(image=image)["image"])


@OPERATIONS.of("resize, labels", "Resize(mask: INTER_NEAREST)")
def _resize_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    transform = _transforms().Resize(*size, mask_interpolation=cv2.INTER_NEAREST, p=1)
    blank = np.zeros((*seg.shape, 3), np.uint8)
    return np.asarray(transform(image=blank, mask=seg)["mask"])


@OPERATIONS.of("target size", "SmallestMaxSize")
def _target_size(height: int, width: int, short: int) -> Size:
    blank = np.zeros((height, width, 3), np.uint8)
    shape = _transforms().SmallestMaxSize(max_size=short, p=1)(image=blank)["image"].shape
    return int(shape[0]), int(shape[1])


@OPERATIONS.of("crop", "Crop")
def _crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    height, width = array.shape[:2]
    edges = {"x_max": min(box.right, width), "y_max": min(box.bottom, height)}
    transform = _transforms().Crop(x_min=box.left, y_min=box.top, **edges, p=1)
    return np.asarray(transform(image=array)["image"])


@OPERATIONS.of("flip", "HorizontalFlip(p=1)")
def _flip(array: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(_transforms().HorizontalFlip(p=1)(image=array)["image"])


@OPERATIONS.of("brightness", "RandomBrightnessContrast(brightness)")
def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    limits = {"brightness_limit": (delta / 255,) * 2, "contrast_limit": (0, 0)}
    return np.asarray(_transforms().RandomBrightnessContrast(**limits, p=1)(image=image)["image"])


@OPERATIONS.of("contrast", "RandomBrightnessContrast(contrast)")
def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    limits = {"brightness_limit": (0, 0), "contrast_limit": (factor - 1,) * 2}
    return np.asarray(_transforms().RandomBrightnessContrast(**limits, p=1)(image=image)["image"])


@OPERATIONS.of(
    "saturation",
    "HueSaturationValue(sat_shift)",
    "adds to the saturation; the reference multiplies it",
    shift_saturation,
    "S + 255 (factor - 1), grey left grey",
)
def _saturation(image: UInt8Array, factor: float) -> NDArray[Any]:
    return _shift_hsv(image, sat_shift_limit=(255 * (factor - 1),) * 2, hue_shift_limit=(0, 0))


@OPERATIONS.of("hue", "HueSaturationValue(hue_shift)")
def _hue(image: UInt8Array, shift: int) -> NDArray[Any]:
    return _shift_hsv(image, hue_shift_limit=(shift, shift), sat_shift_limit=(0, 0))


def _shift_hsv(image: UInt8Array, **limits: Any) -> NDArray[Any]:
    transform = _transforms().HueSaturationValue(**limits, val_shift_limit=(0, 0), p=1)
    return reversed_channels(transform(image=reversed_channels(image))["image"])


@OPERATIONS.of(
    "hue range",
    "HueSaturationValue(hue_shift_limit=18)",
    remark="it draws from [-18.0, 18.0], and truncating hue + shift makes -18 to +17 of it",
)
def _hue_range(image: UInt8Array, limit: int, count: int) -> list[NDArray[Any]]:
    options = {"sat_shift_limit": (0, 0), "val_shift_limit": (0, 0)}
    transform = _transforms().HueSaturationValue(hue_shift_limit=limit, **options, p=1)
    transform.set_random_seed(0)
    rgb = reversed_channels(image)
    return [reversed_channels(transform(image=rgb)["image"]) for _ in range(count)]


@OPERATIONS.of(
    "normalise",
    "Normalize",
    "multiplies by 1 / (255 std) and subtracts 255 mean: other roundings",
    normalize_by_product,
    "the same by hand",
)
def _normalize(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    unit = {"mean": [value / 255 for value in mean], "std": [value / 255 for value in std]}
    transform = _transforms().Normalize(**unit, max_pixel_value=255, p=1)
    done = transform(image=reversed_channels(image))["image"]
    return np.ascontiguousarray(done.transpose(2, 0, 1))


@OPERATIONS.of(
    "pad, image",
    "PadIfNeeded() as it comes",
    "pads on both sides; the reference right and below",
    pad_both_sides,
    "half of the padding on each side",
    position="center",
)
@OPERATIONS.of("pad, image", "PadIfNeeded(position=top_left)", position="top_left")
def _pad_image(image: NDArray[Any], size: Size, position: str) -> NDArray[Any]:
    transform = _transforms().PadIfNeeded(*size, position=position, fill=0, p=1)
    return np.asarray(transform(image=image)["image"])


@OPERATIONS.of("pad, labels", "PadIfNeeded(fill_mask=255, top_left)")
def _pad_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    transform = _transforms().PadIfNeeded(*size, position="top_left", fill_mask=255, p=1)
    blank = np.zeros((*seg.shape, 3), np.uint8)
    return np.asarray(transform(image=blank, mask=seg)["mask"])
