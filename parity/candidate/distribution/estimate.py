"""Read scale, window, flip and colour changes off one result of a pipeline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parity.candidate.distribution.colour import ColourChange, estimate_colour
from parity.candidate.distribution.probe import CODES, ProbeImage
from parity.errors import InputError
from parity.sample import UInt8Array

# Fewer coded pixels than this along an edge give no reliable line.
_FEWEST = 200
# A window that can move by less than this has no position worth the name.
_FEWEST_ROOM = 8.0


@dataclass(frozen=True)
class Geometry:
    """scale_y, scale_x: output pixels per input pixel. flip: none, horizontal, vertical, both.

    top, left: offset of the window in the resized image as a share of the room
    there is, 0 to 1; None where there is no room.
    """

    scale_y: float
    scale_x: float
    flip: str
    top: float | None
    left: float | None


@dataclass(frozen=True)
class Estimate:
    """What one result tells."""

    geometry: Geometry
    colour: ColourChange


def estimate(probe: ProbeImage, image: UInt8Array, seg: UInt8Array) -> Estimate:
    """What a pipeline did to `probe` to get ``(image, seg)``.

    Raises InputError when the label map no longer tells where its pixels came
    from, as after a rotation or with labels that were interpolated.
    """
    if image.shape[:2] != seg.shape:
        raise InputError(f"the image is {image.shape[:2]} and the label map {seg.shape}")
    down, across = _line(seg, probe.seg.shape, axis=0), _line(seg, probe.seg.shape, axis=1)
    source_rows = _sources(down, seg.shape[0], probe.seg.shape[0])
    source_columns = _sources(across, seg.shape[1], probe.seg.shape[1])
    known = (source_rows >= 0)[:, None] & (source_columns >= 0)[None]
    patches = np.where(known, probe.patches[source_rows][:, source_columns], -1)
    geometry = _geometry(down, across, seg.shape, probe.seg.shape)
    return Estimate(geometry, estimate_colour(probe.palette, image, patches))


def _line(seg: UInt8Array, shape: tuple[int, ...], *, axis: int) -> tuple[float, float]:
    """Slope and start of ``source = slope * output + start`` along one axis, in pixel centres."""
    low, length = (1 + CODES, shape[0]) if axis == 0 else (1, shape[1])
    coded = np.argwhere((seg >= low) & (seg < low + CODES))
    if len(coded) < _FEWEST:
        raise InputError("the label map no longer holds the probe's codes")
    output = coded[:, axis].astype(np.float64)
    codes = seg[coded[:, 0], coded[:, 1]].astype(np.float64) - low
    source = (codes + 0.5) * length / CODES - 0.5
    slope, start = _fit(output, source)
    if abs(slope) < 1e-3 or np.median(np.abs(slope * output + start - source)) > length / CODES:
        raise InputError("the label map is not a resized, cropped and flipped one")
    return slope, start


def _fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Least squares in closed form."""
    mean_x, mean_y = x.mean(), y.mean()
    slope = float(np.dot(x - mean_x, y - mean_y) / np.dot(x - mean_x, x - mean_x))
    return slope, float(mean_y - slope * mean_x)


def _sources(line: tuple[float, float], count: int, length: int) -> NDArray[np.int64]:
    """The source index of every output index, -1 outside."""
    found = np.rint(line[0] * np.arange(count) + line[1]).astype(np.int64)
    return np.where((found >= 0) & (found < length), found, -1)


def _geometry(
    down: tuple[float, float],
    across: tuple[float, float],
    shape: tuple[int, ...],
    source: tuple[int, ...],
) -> Geometry:
    flips = {
        (False, False): "none",
        (False, True): "horizontal",
        (True, False): "vertical",
        (True, True): "both",
    }
    return Geometry(
        1 / abs(down[0]),
        1 / abs(across[0]),
        flips[down[0] < 0, across[0] < 0],
        _offset(down, shape[0], source[0]),
        _offset(across, shape[1], source[1]),
    )


def _offset(line: tuple[float, float], count: int, length: int) -> float | None:
    slope, start = line
    if slope < 0:  # undo the flip, which comes after the window
        slope, start = -slope, start + slope * (count - 1)
    offset = (start + 0.5) / slope - 0.5
    room = length / slope - count
    return float(offset / room) if room >= _FEWEST_ROOM else None
