"""Change the grey levels of an image: gamma, local histograms, range, grey.

Reproduces ``AdjustGamma``, ``CLAHE``, ``Rerange`` and ``RGB2Gray`` (mmseg 1.2.2
mmseg/datasets/transforms/transforms.py), ``lut_transform`` and ``clahe`` (mmcv 2.1.0
mmcv/image/photometric.py). Label maps stay; no draws.
"""

import cv2
import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Array, Sample


def adjust_gamma(image: Array, *, gamma: float = 1.0) -> Array:
    """Every level to the power of 1 / `gamma`, of the full range; uint8, truncated."""
    inverse = 1.0 / gamma
    table = np.array([(level / 255.0) ** inverse * 255 for level in np.arange(256)])
    return cv2.LUT(image.astype(np.uint8), table.astype(np.uint8))


def adjust_gamma_sample(
    sample: Sample, rng: RandomState | None = None, *, gamma: float = 1.0
) -> Sample:
    """``AdjustGamma``."""
    return sample.replace(image=adjust_gamma(sample.image, gamma=gamma))


def clahe(image: Array, *, clip_limit: float, tile_grid_size: tuple[int, int]) -> Array:
    """Histograms equalised in tiles, channel by channel of ``(H, W, C)``; dtype kept."""
    equalise = cv2.createCLAHE(clip_limit, tile_grid_size)
    channels = [
        equalise.apply(np.ascontiguousarray(image[..., at], np.uint8))
        for at in range(image.shape[2])
    ]
    return np.stack(channels, axis=2).astype(image.dtype)


def clahe_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    clip_limit: float = 40.0,
    tile_grid_size: tuple[int, int] = (8, 8),
) -> Sample:
    """``CLAHE``."""
    image = clahe(sample.image, clip_limit=clip_limit, tile_grid_size=tile_grid_size)
    return sample.replace(image=image)


def rerange(image: Array, *, min_value: float = 0, max_value: float = 255) -> Array:
    """float64, its darkest value at `min_value` and its brightest at `max_value`.

    Raises InputError for an image of one value.
    """
    low, high = np.min(image), np.max(image)
    if not low < high:
        raise InputError(f"cannot rerange an image of one value, {low}")
    whole: Array = (image - low) / (high - low)
    return whole * (max_value - min_value) + min_value


def rerange_sample(
    sample: Sample, rng: RandomState | None = None, *, min_value: float = 0, max_value: float = 255
) -> Sample:
    """``Rerange``."""
    image = rerange(sample.image, min_value=min_value, max_value=max_value)
    return sample.replace(image=image)


def to_gray(
    image: Array, *, out_channels: int | None, weights: tuple[float, ...] = (0.299, 0.587, 0.114)
) -> Array:
    """The weighted sum of the channels, repeated; float64 ``(H, W, out_channels)``.

    weights: in the order of the image's channels. The default is that of RGB, and the
    reference applies it to BGR as it is.
    """
    if image.ndim != 3 or image.shape[2] != len(weights):
        raise InputError(f"{len(weights)} weights do not fit an image of shape {image.shape}")
    gray: Array = (image * np.array(weights).reshape(1, 1, -1)).sum(2, keepdims=True)
    return gray.repeat(out_channels or len(weights), axis=2)


def to_gray_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    out_channels: int | None = None,
    weights: tuple[float, ...] = (0.299, 0.587, 0.114),
) -> Sample:
    """``RGB2Gray``. Sets meta ``img_shape`` to ``(height, width, channels)``."""
    image = to_gray(sample.image, out_channels=out_channels, weights=weights)
    return sample.replace(image=image, meta=sample.meta.replace(img_shape=image.shape))
