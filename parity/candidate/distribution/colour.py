"""Brightness, contrast, saturation and hue from what became of flat patches.

The parameters are those of the reference: out = contrast * (in + brightness) on
grey, then HSV saturation times a factor and hue plus a shift. Another
implementation's parameters are read in the same terms.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.candidate.distribution.probe import is_grey
from parity.sample import UInt8Array
from parity.steps.photometric import PhotometricDraws, photometric

# Below these an estimate counts as "left out"; they are above the estimates' own errors.
NONE = {"brightness": 1.5, "contrast": 0.02, "saturation": 0.04, "hue": 0.5}
# Levels next to black and white may have been clipped.
_LOWEST, _HIGHEST = 2.0, 253.0
# Patches tell the order of contrast where both orders differ by more levels than estimates err.
_ORDER_GAP, _ORDER_PATCHES = 6.0, 3


@dataclass(frozen=True)
class ColourChange:
    """None where a change was left out. contrast_first: None where it cannot be told.

    Units as in `parity.steps.photometric.PhotometricDraws`.
    """

    brightness: float | None
    contrast: float | None
    saturation: float | None
    hue: float | None
    contrast_first: bool | None


def estimate_colour(palette: UInt8Array, image: UInt8Array, patches: NDArray[Any]) -> ColourChange:
    """Compare the mean colour of every patch with its colour in `palette`.

    patches: the palette's index per pixel, -1 where there is none.
    """
    means = _means(image, patches, len(palette))
    seen = np.isfinite(means[:, 0])
    grey = is_grey(palette)
    gain, shift = _grey_line(palette[grey & seen, 0], means[grey & seen].mean(axis=1))
    brightness = _unless_none("brightness", shift / gain)
    contrast = _unless_none("contrast", gain, neutral=1)
    coloured = ~grey & seen & _unclipped(means)
    if coloured.sum() < 3:
        return ColourChange(brightness, contrast, None, None, None)
    before, after = palette[coloured].astype(np.float64), means[coloured]
    raised = np.clip(before + (brightness or 0.0), 0, 255)
    hue = _unless_none("hue", _hue_shift(before, after))
    saturation = _unless_none("saturation", _saturation_factor(raised, after), neutral=1)
    found = ColourChange(brightness, contrast, saturation, hue, None)
    return _with_order(found, palette[seen], means[seen])


def _means(image: UInt8Array, patches: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Mean BGR of each patch, NaN for one that is not seen."""
    kept = patches >= 0
    index = patches[kept].astype(np.int64)
    sizes = np.bincount(index, minlength=count)
    sums = [np.bincount(index, image[..., c][kept], minlength=count) for c in range(3)]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.stack(sums, axis=1) / np.where(sizes > 0, sizes, np.nan)[:, None])


def _grey_line(before: NDArray[Any], after: NDArray[np.float64]) -> tuple[float, float]:
    """Gain and shift of the greys that are not clipped; truncation costs half a level."""
    kept = (after > _LOWEST) & (after < _HIGHEST)
    if kept.sum() < 2:
        return 1.0, 0.0
    gain, shift = np.polyfit(before[kept].astype(np.float64), after[kept], 1)
    return float(max(gain, 1e-3)), float(shift)


def _unclipped(means: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((means.min(1) > _LOWEST) & (means.max(1) < _HIGHEST))


def _hue_shift(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """In OpenCV units (2 degrees), weighted by chroma, which carries the hue."""
    moved = (_hues(after) - _hues(before) + 90) % 180 - 90
    return _weighted_median(moved, np.ptp(after, axis=1))


def _hues(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    hsv = cv2.cvtColor((colours[None] / 255).astype(np.float32), cv2.COLOR_BGR2HSV)[0]
    return np.asarray(hsv[:, 0], dtype=np.float64) / 2


def _saturation_factor(raised: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Ratio of the HSV saturations after and before; full saturation tells nothing."""
    old, new = _saturations(raised), _saturations(after)
    kept = (new < 0.97) & (old > 0.05)
    if not kept.any():
        return 1.0
    return _weighted_median(new[kept] / old[kept], np.ptp(after[kept], axis=1) + 1e-6)


def _saturations(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.ptp(colours, axis=1) / np.maximum(colours.max(axis=1), 1e-6))


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= weights.sum() / 2
    return float(values[order][int(np.argmax(reached))])


def _with_order(
    found: ColourChange, palette: UInt8Array, means: NDArray[np.float64]
) -> ColourChange:
    """Whether contrast came before saturation and hue: only clipping shows it."""
    if found.contrast is None or (found.saturation is None and found.hue is None):
        return found
    early, late = (_simulated(palette, found, first) for first in (True, False))
    telling = np.abs(early - late).max(axis=1) > _ORDER_GAP
    if telling.sum() < _ORDER_PATCHES:
        return found
    misses = [float(np.abs(one - means)[telling].mean()) for one in (early, late)]
    if min(misses) > max(misses) / 2:
        return found
    return replace(found, contrast_first=misses[0] < misses[1])


def _simulated(palette: UInt8Array, found: ColourChange, first: bool) -> NDArray[np.float64]:
    hue = None if found.hue is None else round(found.hue)
    draws = PhotometricDraws(found.brightness, first, found.contrast, found.saturation, hue)
    return np.asarray(photometric(palette[None], draws)[0], dtype=np.float64)


def _unless_none(name: str, value: float, neutral: float = 0) -> float | None:
    return None if abs(value - neutral) < NONE[name] else value
