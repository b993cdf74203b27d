"""Four images in one.

Reproduces ``RandomMosaic`` (mmseg 1.2.2 mmseg/datasets/transforms/transforms.py) as
``MultiImageMixDataset`` calls it (mmseg/datasets/dataset_wrappers.py).
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import DEPTH, Array, Sample
from parity.steps.resize import resize

Size = tuple[int, int]


class Pool(Protocol):
    """The data set that the other three images come from."""

    def __len__(self) -> int: ...

    def fetch(self, index: int, rng: RandomState) -> Sample:
        """Sample `index`, with draws from `rng`."""
        ...


def draw_others(rng: RandomState, *, pool: Pool) -> list[Sample]:
    """Three samples of `pool`: all indices first, then the draws of each sample."""
    indices = [int(rng.randint(0, len(pool))) for _ in range(3)]
    return [pool.fetch(index, rng) for index in indices]


def draw_center(
    rng: RandomState, *, img_scale: Size, center_ratio_range: tuple[float, float]
) -> tuple[int, int]:
    """``(x, y)`` where the four images meet; x is drawn first."""
    x = int(rng.uniform(*center_ratio_range) * img_scale[1])
    return x, int(rng.uniform(*center_ratio_range) * img_scale[0])


def fitted_size(height: int, width: int, img_scale: Size) -> Size:
    """``(height, width)`` within `img_scale`, of the same ratio, truncated."""
    factor = min(img_scale[0] / height, img_scale[1] / width)
    return int(height * factor), int(width * factor)


def _span(middle: int, length: int, limit: int, *, before: bool) -> tuple[slice, slice]:
    """Where an edge of `length` that ends or begins at `middle` goes, and what of it does."""
    if before:
        start = max(middle - length, 0)
        return slice(start, middle), slice(length - (middle - start), length)
    end = min(middle + length, limit)
    return slice(middle, end), slice(0, min(length, end - middle))


def mosaic(
    arrays: Sequence[Array],
    *,
    center: tuple[int, int],
    img_scale: Size,
    value: float,
    nearest: bool = False,
) -> Array:
    """Four arrays, ``(H, W)`` or ``(H, W, C)``, in one of twice `img_scale` = (height, width).

    Top left, top right, bottom left, bottom right: each touches `center` with its corner, and
    what does not fit is cut off.
    """
    canvas_size = (2 * img_scale[0], 2 * img_scale[1])
    canvas = np.full((*canvas_size, *arrays[0].shape[2:]), value, dtype=arrays[0].dtype)
    for at, array in enumerate(arrays):
        size = fitted_size(array.shape[0], array.shape[1], img_scale)
        fitted = resize(array, size=size, interpolation="nearest" if nearest else "bilinear")
        rows, from_rows = _span(center[1], size[0], canvas_size[0], before=at < 2)
        columns, from_columns = _span(center[0], size[1], canvas_size[1], before=at % 2 == 0)
        canvas[rows, columns] = fitted[from_rows, from_columns]
    return canvas


def mosaic_sample(
    sample: Sample,
    rng: RandomState,
    *,
    pool: Pool,
    prob: float,
    img_scale: Size = (640, 640),
    center_ratio_range: tuple[float, float] = (0.5, 1.5),
    pad_val: float = 0,
    seg_pad_val: float = 255,
) -> Sample:
    """``RandomMosaic`` of `sample` and three of `pool`, which are drawn in any case.

    Sets meta ``img_shape`` and ``ori_shape`` to ``(height, width, channels)``.
    """
    four = [sample, *draw_others(rng, pool=pool)]
    if not rng.rand() < prob:
        return sample
    center = draw_center(rng, img_scale=img_scale, center_ratio_range=center_ratio_range)
    placed = {"center": center, "img_scale": img_scale}
    image = mosaic([one.image for one in four], value=pad_val, **placed)  # type: ignore[arg-type]

    def labels(found: Sequence[Any]) -> Array:
        if any(label is None for label in found):
            raise InputError("some of the four samples have labels, and others none")
        return mosaic(found, value=seg_pad_val, nearest=True, **placed)

    seg = None if sample.seg is None else labels([one.seg for one in four])
    with_depth = DEPTH in sample.maps
    depth = {DEPTH: labels([one.maps.get(DEPTH) for one in four])} if with_depth else {}
    meta = sample.meta.replace(img_shape=image.shape, ori_shape=image.shape)
    return sample.replace(image=image, seg=seg, meta=meta, maps={**sample.maps, **depth})
