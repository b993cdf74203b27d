"""Resize image and label map.

Reproduces ``Resize`` (mmseg 1.2.2 mmseg/datasets/transforms/transforms.py),
``RandomResize`` (mmcv 2.1.0 mmcv/transforms/processing.py), ``rescale_size``
and ``imresize`` (mmcv/image/geometric.py).

Scales follow the reference: ``(width, height)`` when the ratio is not kept,
``(long edge, short edge)`` in any order when it is.
"""

from collections.abc import Sequence
from typing import Any, Literal

import cv2
import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from PIL import Image

from parity.errors import InputError
from parity.sample import Array, Sample

Scale = tuple[int, int]
Factor = float | tuple[float, float]
Interpolation = Literal["nearest", "bilinear", "bicubic", "area", "lanczos", "box", "hamming"]
Backend = Literal["cv2", "pillow"]

_CV2_CODES = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
_PILLOW_CODES = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
    "hamming": Image.Resampling.HAMMING,
}


def draw_scale(
    rng: RandomState,
    *,
    scale: Scale | Sequence[Scale],
    ratio_range: tuple[float, float] | None = None,
) -> Scale:
    """Draw the target scale of ``RandomResize``.

    With one scale, draws one ratio and applies it to both edges, truncating.
    With a list of two scales, draws each edge between them, both ends included.
    """
    low, high = scale
    if isinstance(low, tuple) and isinstance(high, tuple):
        first = rng.randint(min(low[0], high[0]), max(low[0], high[0]) + 1)
        second = rng.randint(min(low[1], high[1]), max(low[1], high[1]) + 1)
        return int(first), int(second)
    if ratio_range is None or ratio_range[0] > ratio_range[1]:
        raise InputError(f"ratio_range must be (smallest, largest), got {ratio_range}")
    smallest, largest = ratio_range
    ratio = rng.random_sample() * (largest - smallest) + smallest
    return int(low * ratio), int(high * ratio)  # type: ignore[operator]


def keep_ratio_size(height: int, width: int, scale: Scale) -> tuple[int, int]:
    """The largest ``(height, width)`` of the same ratio inside `scale`, rounded half up."""
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return scaled_size(height, width, (factor, factor))


def scaled_size(height: int, width: int, factor: tuple[float, float]) -> tuple[int, int]:
    """``(height, width)`` times `factor` = ``(w_factor, h_factor)``, each rounded half up."""
    return int(height * float(factor[1]) + 0.5), int(width * float(factor[0]) + 0.5)


def resize(
    array: NDArray[Any],
    *,
    size: tuple[int, int],
    interpolation: Interpolation = "bilinear",
    backend: Backend = "cv2",
) -> NDArray[Any]:
    """Resize ``(H, W)`` or ``(H, W, C)`` to `size` = ``(height, width)``; dtype is kept.

    Raises InputError for an empty target and for options that do not exist.
    """
    codes: dict[str, Any] = _CV2_CODES if backend == "cv2" else _PILLOW_CODES
    if backend not in ("cv2", "pillow") or interpolation not in codes:
        raise InputError(f"no {interpolation!r} interpolation in backend {backend!r}")
    height, width = size
    if height < 1 or width < 1 or array.ndim not in (2, 3):
        raise InputError(f"cannot resize an array of shape {array.shape} to {size} (height, width)")
    if backend == "pillow":
        return np.array(Image.fromarray(array).resize((width, height), codes[interpolation]))
    return cv2.resize(array, (width, height), interpolation=codes[interpolation])


def resize_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    scale: int | Scale | None = None,
    scale_factor: Factor | None = None,
    keep_ratio: bool = False,
    interpolation: Interpolation = "bilinear",
    backend: Backend = "cv2",
) -> Sample:
    """``Resize``: image with `interpolation`, label map (if loaded) with nearest.

    `scale_factor`, ``(w_factor, h_factor)`` or one float, counts only without
    `scale`. Sets meta ``img_shape`` and ``scale_factor``. A label map may have channels;
    a single one is lost, as in OpenCV.
    """
    height, width = sample.image.shape[:2]
    target = _target_scale(height, width, scale, scale_factor)
    size = _target_size(height, width, target, keep_ratio)
    image = resize(sample.image, size=size, interpolation=interpolation, backend=backend)

    def resized(label: Array) -> Array:
        if label.ndim not in (2, 3):
            raise InputError(f"the label map has shape {label.shape}; (height, width) is needed")
        label_size = _target_size(label.shape[0], label.shape[1], target, keep_ratio)
        return resize(label, size=label_size, interpolation="nearest", backend=backend)

    factor = (size[1] / width, size[0] / height)
    meta = sample.meta.replace(img_shape=image.shape[:2], scale_factor=factor)
    return sample.with_labels(resized).replace(image=image, meta=meta)


def random_resize_sample(
    sample: Sample,
    rng: RandomState,
    *,
    scale: Scale | Sequence[Scale],
    ratio_range: tuple[float, float] | None = None,
    keep_ratio: bool = False,
) -> Sample:
    """``RandomResize``: draw a scale, then `resize_sample` to it, whose defaults it has."""
    drawn = draw_scale(rng, scale=scale, ratio_range=ratio_range)
    return resize_sample(sample, scale=drawn, keep_ratio=keep_ratio)


def _target_scale(
    height: int, width: int, scale: int | Scale | None, scale_factor: Factor | None
) -> Scale:
    if scale is not None:
        return (scale, scale) if isinstance(scale, int) else scale
    if scale_factor is None:
        raise InputError("resize needs a scale or a scale_factor")
    if isinstance(scale_factor, (int, float)):
        scale_factor = (scale_factor, scale_factor)
    return scaled_size(height, width, scale_factor)[::-1]


def _target_size(height: int, width: int, target: Scale, keep_ratio: bool) -> tuple[int, int]:
    return keep_ratio_size(height, width, target) if keep_ratio else (target[1], target[0])
