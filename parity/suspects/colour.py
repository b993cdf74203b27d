"""What people get wrong in the arithmetic of brightness, contrast, saturation and hue."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.steps import photometric as photometrics
from parity.steps.photometric import HUE_PERIOD
from parity.suspects.mistake import Function, made_in

Array = NDArray[Any]

mistake = made_in(photometrics.photometric_sample)


@mistake(photometrics.scale_and_shift)
def values_rounded(scale: Function, values: Array, *, alpha: float = 1, beta: float = 0) -> Any:
    """Changed values are rounded; the reference truncates them."""
    return scale(values, alpha=alpha, beta=beta + 0.5)


@mistake(photometrics.scale_and_shift)
def clip_missing(_: Function, values: Array, *, alpha: float = 1, beta: float = 0) -> Any:
    """Values past 0..255 wrap around; the reference clips them."""
    shifted = values.astype(np.float32) * np.float32(alpha) + np.float32(beta)
    return shifted.astype(np.int64).astype(np.uint8)


@mistake(photometrics.scale_and_shift, needs="a product that float32 rounds to a whole number")
def float64_arithmetic(_: Function, values: Array, *, alpha: float = 1, beta: float = 0) -> Any:
    """Values are changed in float64; the reference uses float32, now and then a grey level off."""
    shifted = values.astype(np.float64) * alpha + beta
    return np.clip(shifted, 0, 255).astype(np.uint8)


@mistake(photometrics.scale_and_shift)
def brightness_multiplied(scale: Function, *given: Any, alpha: float = 1, beta: float = 0) -> Any:
    """Brightness multiplies by 1 + delta / 255 (torchvision); the reference adds delta."""
    if beta:
        alpha, beta = 1 + beta / 255, 0
    return scale(*given, alpha=alpha, beta=beta)


@mistake(photometrics.scale_and_shift)
def brightness_truncated(scale: Function, values: Array, *, beta: float = 0, **options: Any) -> Any:
    """The brightness is truncated to a whole number; the reference adds all of it."""
    return scale(values, beta=int(beta), **options)


@mistake(photometrics.scale_and_shift)
def contrast_around_mean(scale: Function, values: Any, *, alpha: float = 1, beta: float = 0) -> Any:
    """Contrast is changed around the mean grey (torchvision); the reference scales from black."""
    if alpha != 1 and values.ndim == 3:
        mean = float(cv2.cvtColor(values, cv2.COLOR_BGR2GRAY).mean())
        return scale(values, alpha=alpha, beta=beta + mean * (1 - alpha))
    return scale(values, alpha=alpha, beta=beta)


@mistake(photometrics.scale_and_shift)
def contrast_around_128(scale: Function, values: Any, *, alpha: float = 1, beta: float = 0) -> Any:
    """Contrast is changed around 128; the reference scales from black."""
    centre = 128 * (1 - alpha) if values.ndim == 3 else 0
    return scale(values, alpha=alpha, beta=beta + centre)


@mistake(photometrics.change_saturation)
def saturation_in_float(change_saturation: Function, image: Array, factor: float) -> Any:
    """Saturation is changed in float HSV; the reference uses OpenCV's 8-bit HSV."""
    hsv = _to_float_hsv(image)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor, 0, 1)
    return _from_float_hsv(hsv)


@mistake(photometrics.change_saturation)
def saturation_blended_with_grey(change_saturation: Function, image: Array, factor: float) -> Any:
    """Saturation blends with the grey image (torchvision); the reference scales S of HSV."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None].astype(np.float32)
    return np.clip(image * factor + grey * (1 - factor), 0, 255).astype(np.uint8)


@mistake(photometrics.change_hue)
def hue_in_float(change_hue: Function, image: Array, shift: int) -> Any:
    """Hue is turned in float HSV; the reference uses OpenCV's 8-bit HSV."""
    hsv = _to_float_hsv(image)
    hsv[..., 0] = (hsv[..., 0] + 2 * shift) % 360
    return _from_float_hsv(hsv)


def _as_if_rgb(change: Function, image: Array, by: float) -> Any:
    return np.ascontiguousarray(change(np.ascontiguousarray(image[..., ::-1]), by)[..., ::-1])


@mistake(photometrics.change_hue, also=((photometrics.change_saturation, _as_if_rgb),))
def hue_in_rgb_order(change_hue: Function, image: Array, shift: int) -> Any:
    """BGR is converted as if RGB, which turns the hue the other way; the reference knows BGR."""
    return _as_if_rgb(change_hue, image, shift)


@mistake(photometrics.change_hue)
def hue_modulo_256(change_hue: Function, image: Array, shift: int) -> Any:
    """Hue wraps at 256, as uint8 does; the reference wraps it at 180."""
    return _turned(image, lambda hue: (hue + shift) % 256)


@mistake(photometrics.change_hue)
def hue_modulo_360(change_hue: Function, image: Array, shift: int) -> Any:
    """Hue wraps at 360 and then at 256; the reference wraps OpenCV's half degrees at 180."""
    return _turned(image, lambda hue: (hue + shift) % 360)


@mistake(photometrics.change_hue)
def hue_clipped(change_hue: Function, image: Array, shift: int) -> Any:
    """Hue is clipped to 0..179; the reference wraps it."""
    return _turned(image, lambda hue: np.clip(hue + shift, 0, HUE_PERIOD - 1))


@mistake(photometrics.change_hue)
def hue_in_degrees(change_hue: Function, image: Array, shift: int) -> Any:
    """The shift is taken as degrees; the reference's unit is OpenCV's two degrees."""
    return change_hue(image, int(shift / 2))


@mistake(photometrics.change_hue)
def hue_of_256_steps(change_hue: Function, image: Array, shift: int) -> Any:
    """Hue has 256 steps (Pillow, HSV_FULL) for the same shift; the reference's has 180."""
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL))
    hsv[..., 0] = (hsv[..., 0].astype(int) + shift) % 256
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


def _turned(image: Array, turn: Function) -> Any:
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
    hsv[..., 0] = turn(hsv[..., 0].astype(int)).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _to_float_hsv(image: Array) -> Array:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HSV))


def _from_float_hsv(hsv: Array) -> Array:
    return np.clip(np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * 255), 0, 255).astype(np.uint8)
