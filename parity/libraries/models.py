"""The reference's operations with one named change: they explain what a library gives.

Images are uint8 ``(H, W, 3)`` BGR, as everywhere. Those of an IoU are ``{"pred": (H, W),
"label": (H, W)}``, its results percent, not rounded. What is a mistake of people as well is in
`parity.suspects`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.libraries.library import Floats, Size
from parity.sample import UInt8Array
from parity.steps.iou import ClassCounts, intersect_and_union
from parity.suspects.iou import ignored_in_label_only

Images = list[dict[str, NDArray[Any]]]


def _rounded(values: NDArray[Any]) -> UInt8Array:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def resize_in_float(image: UInt8Array, size: Size) -> UInt8Array:
    """Bilinear in float32, rounded; OpenCV's uint8 path has weights of 1/2048."""
    floats = cv2.resize(image.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return _rounded(floats)


def resize_antialiased(
    image: UInt8Array, size: Size, *, rounded_between: bool = False
) -> UInt8Array:
    """Bilinear with a filter that grows with the factor when it shrinks.

    rounded_between: uint8 after the columns, as Pillow and torchvision keep it.
    """
    rows, columns = (_triangles(old, new, widen=True) for old, new in _axes(image, size))
    return _two_passes(image, rows, columns, rounded_between)


def resize_without_antialias(image: UInt8Array, size: Size) -> UInt8Array:
    """Bilinear in two passes, uint8 after the columns."""
    rows, columns = (_triangles(old, new, widen=False) for old, new in _axes(image, size))
    return _two_passes(image, rows, columns, rounded_between=True)


def resize_align_corners(image: UInt8Array, size: Size) -> UInt8Array:
    """Bilinear with the corner pixels on the corner pixels, in float, rounded."""
    rows, columns = (
        _hats(np.arange(new) * ((old - 1) / max(new - 1, 1)), old, 1.0)
        for old, new in _axes(image, size)
    )
    return _two_passes(image, rows, columns, rounded_between=False)


def _triangles(old: int, new: int, *, widen: bool) -> NDArray[np.float64]:
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale - 0.5
    return _hats(
        np.clip(centres, 0, old - 1) if not widen else centres, old, max(scale, 1) if widen else 1
    )


def _hats(centres: NDArray[Any], old: int, width: float) -> NDArray[np.float64]:
    """``(new, old)`` weights that fall linearly to 0 at `width` from each centre; rows sum to 1."""
    distance = np.abs(np.arange(old)[None] - centres[:, None]) / width
    weights = np.maximum(1 - distance, 0)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _two_passes(
    image: UInt8Array,
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    rounded_between: bool,
) -> UInt8Array:
    across = np.einsum("hwc,nw->hnc", image.astype(np.float64), columns, optimize=True)
    # Half up, as fixed-point code rounds; exact halves occur at factors of two.
    between = np.floor(across + 0.5) if rounded_between else across
    down = np.einsum("hnc,mh->mnc", between, rows, optimize=True)
    return _truncated(np.floor(down + 0.5)) if rounded_between else _rounded(down)


def nearest_by_centre(seg: UInt8Array, size: Size) -> UInt8Array:
    """Nearest by pixel centres, ``floor((i + 0.5) * scale)``; OpenCV takes ``floor(i * scale)``."""
    return _nearest(seg, size, lambda old, new: (np.arange(new) + 0.5) * (old / new))


def nearest_in_float32(seg: UInt8Array, size: Size) -> UInt8Array:
    """``floor(i * scale)`` with a float32 scale; OpenCV's is float64."""
    return _nearest(
        seg, size, lambda old, new: np.arange(new, dtype=np.float32) * np.float32(old / new)
    )


def _nearest(seg: UInt8Array, size: Size, place: Callable[[int, int], NDArray[Any]]) -> UInt8Array:
    rows, columns = (
        np.minimum(np.floor(place(old, new)).astype(int), old - 1) for old, new in _axes(seg, size)
    )
    return np.ascontiguousarray(seg[rows][:, columns])


def add_rounded(image: UInt8Array, delta: float) -> UInt8Array:
    """Brightness, rounded instead of truncated."""
    return _rounded(image.astype(np.float32) + np.float32(delta))


def multiply_rounded(image: UInt8Array, factor: float) -> UInt8Array:
    """Contrast, rounded instead of truncated."""
    return _rounded(image.astype(np.float32) * np.float32(factor))


def multiply_brightness(image: UInt8Array, delta: float) -> UInt8Array:
    """Brightness as a factor, ``1 + delta / 128``."""
    return _truncated(image.astype(np.float32) * (1 + delta / 128))


def contrast_around_mean(image: UInt8Array, factor: float, *, whole: bool = False) -> UInt8Array:
    """Contrast that keeps the image's mean grey level; `whole`: a whole level, as in Pillow."""
    mean = float(np.mean(grey(image, rounded=whole)))
    mean = float(np.floor(mean + 0.5)) if whole else mean
    return _truncated(
        image.astype(np.float32) * np.float32(factor) + np.float32((1 - factor) * mean)
    )


def saturation_to_grey(image: UInt8Array, factor: float, *, rounded: bool = False) -> UInt8Array:
    """Saturation as a blend with the grey image; `rounded`: as Pillow rounds grey."""
    flat = grey(image, rounded=rounded)[..., None]
    return _truncated(image.astype(np.float64) * factor + (1 - factor) * flat)


def grey(image: UInt8Array, *, rounded: bool = False) -> NDArray[np.float64]:
    """Whole luma of ITU-R 601-2, truncated (torchvision) or rounded (Pillow)."""
    luma = image.astype(np.float64) @ np.array([0.114, 0.587, 0.299])
    return np.asarray(np.floor(luma + 0.5) if rounded else np.floor(luma))


def reduce_zero_without_255(seg: UInt8Array) -> UInt8Array:
    """Label 0 becomes 255, every other drops by one, 255 too."""
    return np.where(seg == 0, 255, seg - np.uint8(1)).astype(np.uint8)


def shift_saturation(image: UInt8Array, factor: float) -> UInt8Array:
    """Saturation added, ``S + 255 (factor - 1)`` in whole units, where there is any."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    saturation = hsv[..., 1]
    shift = int(255 * (factor - 1))  # truncated, as albumentations truncates it
    moved = _truncated(saturation.astype(np.int64) + shift)
    hsv[..., 1] = np.where(saturation == 0, 0, moved)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def normalize_by_product(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    """``(x - 255 m) * (1 / (255 s))`` with ``m = mean / 255``, channels first, RGB."""
    scaled = [np.array([v / 255 for v in values], np.float32) * 255 for values in (mean, std)]
    factor = np.reciprocal(scaled[1], dtype=np.float32)
    done = (image[..., ::-1].astype(np.float32) - scaled[0]) * factor
    return np.ascontiguousarray(done.transpose(2, 0, 1), dtype=np.float32)


def normalize_in_unit(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    """``(x / 255 - mean / 255) / (std / 255)``, channels first, RGB."""
    unit = [np.array([v / 255 for v in values], np.float32) for values in (mean, std)]
    done = (image[..., ::-1].astype(np.float32) / np.float32(255) - unit[0]) / unit[1]
    return np.ascontiguousarray(done.transpose(2, 0, 1), dtype=np.float32)


def pad_both_sides(image: NDArray[Any], size: Size) -> NDArray[Any]:
    """Half of the padding, rounded down, above and to the left."""
    missing = [new - old for old, new in zip(image.shape, size, strict=False)]
    around = [(gap // 2, gap - gap // 2) for gap in missing]
    return np.pad(image, around + [(0, 0)] * (image.ndim - 2))


def iou_per_image(images: Images, num_classes: int) -> float:
    """The mean over every image and every class in it, in percent."""
    counts = [_counts([one], num_classes) for one in images]
    ratios = [one.intersect[one.union > 0] / one.union[one.union > 0] for one in counts]
    return 100 * float(np.mean(np.concatenate(ratios)))


def iou_absent_zero(images: Images, num_classes: int) -> float:
    """mIoU in which classes that occur nowhere count as 0, in percent."""
    counts = _counts(images, num_classes)
    return 100 * float(np.mean(counts.intersect / np.maximum(counts.union, 1)))


def iou_ignored_predicted(images: Images, num_classes: int) -> float:
    """mIoU in which predictions on ignored pixels count as wrong, in percent."""
    counts = _counts(images, num_classes, partial(ignored_in_label_only, intersect_and_union))
    present = counts.union > 0
    return 100 * float(np.mean(counts.intersect[present] / counts.union[present]))


def iou_absent_one(images: Images, num_classes: int) -> float:
    """mIoU in which classes that occur nowhere count as 1, in percent.

    Pixels with a label outside the classes are left out, as such a metric needs it.
    """
    kept = [one["label"] < num_classes for one in images]
    inside = [
        {key: one[key][mask][None] for key in ("pred", "label")}
        for one, mask in zip(images, kept, strict=True)
    ]
    counts = _counts(inside, num_classes)
    ratios = np.where(counts.union > 0, counts.intersect / np.maximum(counts.union, 1), 1)
    return 100 * float(np.mean(ratios))


def _counts(
    images: Images, num_classes: int, count: Callable[..., ClassCounts] = intersect_and_union
) -> ClassCounts:
    total = ClassCounts.zeros(num_classes)
    for one in images:
        total += count(one["pred"], one["label"], num_classes=num_classes)
    return total


def _axes(array: NDArray[Any], size: Size) -> list[Size]:
    """Old and new length of rows, then of columns."""
    return list(zip(array.shape[:2], size, strict=True))


def _truncated(values: NDArray[Any]) -> UInt8Array:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
