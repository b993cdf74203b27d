"""Cut the same random window out of image and label map.

Reproduces ``RandomCrop`` (mmseg 1.2.2 mmseg/datasets/transforms/transforms.py).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.errors import InputError
from parity.sample import Sample, UInt8Array

# The reference tests the window drawn first and nine redrawn ones, and takes
# what the tenth redraw gives without testing it.
MAX_TRIES = 10


class CropBox(NamedTuple):
    """A window in pixels, ends excluded; it may reach past the image."""

    top: int
    bottom: int
    left: int
    right: int


def draw_crop_box(
    rng: RandomState,
    seg: UInt8Array | None,
    *,
    image_shape: tuple[int, int],
    crop_size: tuple[int, int],
    cat_max_ratio: float = 1.0,
    ignore_index: int = 255,
) -> CropBox:
    """Draw a window of `crop_size` = ``(height, width)``, row offset first.

    With `cat_max_ratio` below 1, redraws up to ten times until the window holds
    at least two labels and none of them covers `cat_max_ratio` of the pixels
    that are not `ignore_index`.
    """
    box = draw_window(rng, image_shape, crop_size)
    if cat_max_ratio >= 1.0:
        return box
    if seg is None:
        raise InputError("cat_max_ratio below 1 needs a label map, and this sample has none")
    for _ in range(MAX_TRIES):
        if is_varied(crop(seg, box), cat_max_ratio=cat_max_ratio, ignore_index=ignore_index):
            break
        box = draw_window(rng, image_shape, crop_size)
    return box


def draw_window(
    rng: RandomState, image_shape: tuple[int, int], crop_size: tuple[int, int]
) -> CropBox:
    """One window of `crop_size` inside the image: the row is drawn before the column."""
    top = int(rng.randint(0, max(image_shape[0] - crop_size[0], 0) + 1))
    left = int(rng.randint(0, max(image_shape[1] - crop_size[1], 0) + 1))
    return CropBox(top, top + crop_size[0], left, left + crop_size[1])


def is_varied(seg: UInt8Array, *, cat_max_ratio: float, ignore_index: int = 255) -> bool:
    """Whether at least two labels occur and the commonest covers less than `cat_max_ratio`."""
    counts = np.bincount(seg.ravel(), minlength=256)
    if 0 <= ignore_index < len(counts):
        counts[ignore_index] = 0
    if np.count_nonzero(counts) < 2:
        return False
    return bool(counts.max() / counts.sum() < cat_max_ratio)


def crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    """The part of ``(H, W)`` or ``(H, W, C)`` inside `box`, smaller where the box reaches past."""
    return array[box.top : box.bottom, box.left : box.right].copy()


def crop_sample(
    sample: Sample,
    rng: RandomState,
    *,
    crop_size: int | tuple[int, int],
    cat_max_ratio: float = 1.0,
    ignore_index: int = 255,
) -> Sample:
    """``RandomCrop``. Sets meta ``img_shape``.

    Raises InputError unless both edges of `crop_size` are positive.
    """
    height, width = (crop_size, crop_size) if isinstance(crop_size, int) else crop_size
    if height < 1 or width < 1:
        raise InputError(f"crop_size must be positive, got {(height, width)}")
    box = draw_crop_box(
        rng,
        sample.seg,
        image_shape=(sample.image.shape[0], sample.image.shape[1]),
        crop_size=(height, width),
        cat_max_ratio=cat_max_ratio,
        ignore_index=ignore_index,
    )
    image = crop(sample.image, box)
    meta = sample.meta.replace(img_shape=image.shape[:2])
    return sample.with_labels(lambda label: crop(label, box)).replace(image=image, meta=meta)
