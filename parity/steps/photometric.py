"""Change brightness, contrast, saturation and hue.

Reproduces ``PhotoMetricDistortion`` (mmseg 1.2.2
mmseg/datasets/transforms/transforms.py) and mmcv's BGR-HSV conversions.

No draw depends on a pixel, so all are taken first and applied afterwards; the
random stream is the reference's all the same.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Sample, UInt8Array

# OpenCV keeps hue of 8-bit images in degrees / 2, so that it fits a byte.
HUE_PERIOD = 180


@dataclass(frozen=True)
class PhotometricDraws:
    """What was drawn; None where the change is left out.

    brightness: added, in grey levels. contrast, saturation: factors.
    contrast_first: contrast before (else after) saturation and hue.
    hue: added, in OpenCV hue units (degrees / 2).
    """

    brightness: float | None
    contrast_first: bool
    contrast: float | None
    saturation: float | None
    hue: int | None


def draw_photometric(
    rng: RandomState,
    *,
    brightness_delta: float = 32,
    contrast_range: tuple[float, float] = (0.5, 1.5),
    saturation_range: tuple[float, float] = (0.5, 1.5),
    hue_delta: int = 18,
) -> PhotometricDraws:
    """Draw in the reference's order; each change has probability 1/2.

    The largest hue change is ``hue_delta - 1``: the reference's upper bound is
    excluded.
    """
    brightness = _maybe_uniform(rng, -brightness_delta, brightness_delta)
    contrast_first = bool(rng.randint(2) == 1)
    contrast = _maybe_uniform(rng, *contrast_range) if contrast_first else None
    saturation = _maybe_uniform(rng, *saturation_range)
    hue = int(rng.randint(-hue_delta, hue_delta)) if rng.randint(2) else None
    if not contrast_first:
        contrast = _maybe_uniform(rng, *contrast_range)
    return PhotometricDraws(brightness, contrast_first, contrast, saturation, hue)


def _maybe_uniform(rng: RandomState, low: float, high: float) -> float | None:
    return rng.uniform(low, high) if rng.randint(2) else None


def photometric(image: UInt8Array, draws: PhotometricDraws) -> UInt8Array:
    """Apply `draws` to a uint8 BGR ``(H, W, 3)`` image.

    Raises InputError for another dtype or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"photometric needs uint8 (H, W, 3) BGR, got {image.dtype} {image.shape}")
    if draws.brightness is not None:
        image = scale_and_shift(image, beta=draws.brightness)
    if draws.contrast is not None and draws.contrast_first:
        image = scale_and_shift(image, alpha=draws.contrast)
    if draws.saturation is not None:
        image = change_saturation(image, draws.saturation)
    if draws.hue is not None:
        image = change_hue(image, draws.hue)
    if draws.contrast is not None and not draws.contrast_first:
        image = scale_and_shift(image, alpha=draws.contrast)
    return image.copy()


def scale_and_shift(values: UInt8Array, *, alpha: float = 1, beta: float = 0) -> UInt8Array:
    """``values * alpha + beta`` in float32, clipped to 0..255, truncated to uint8."""
    shifted = values.astype(np.float32) * alpha + beta
    return np.clip(shifted, 0, 255).astype(np.uint8)


def change_saturation(image: UInt8Array, factor: float) -> UInt8Array:
    """Multiply the HSV saturation of a uint8 BGR image."""
    hsv = _bgr_to_hsv(image)
    hsv[:, :, 1] = scale_and_shift(hsv[:, :, 1], alpha=factor)
    return _hsv_to_bgr(hsv)


def change_hue(image: UInt8Array, shift: int) -> UInt8Array:
    """Turn the HSV hue of a uint8 BGR image by `shift` units of 2 degrees."""
    hsv = _bgr_to_hsv(image)
    hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + shift) % HUE_PERIOD
    return _hsv_to_bgr(hsv)


def _bgr_to_hsv(image: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), dtype=np.uint8)


def _hsv_to_bgr(image: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def photometric_sample(
    sample: Sample,
    rng: RandomState,
    *,
    brightness_delta: float = 32,
    contrast_range: tuple[float, float] = (0.5, 1.5),
    saturation_range: tuple[float, float] = (0.5, 1.5),
    hue_delta: int = 18,
) -> Sample:
    """``PhotoMetricDistortion``; the label map is not touched."""
    draws = draw_photometric(
        rng,
        brightness_delta=brightness_delta,
        contrast_range=contrast_range,
        saturation_range=saturation_range,
        hue_delta=hue_delta,
    )
    return sample.replace(image=photometric(sample.image, draws))
