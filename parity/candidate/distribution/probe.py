"""Images whose every pixel says where it came from and what was done to its colour."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.sample import UInt8Array

# Edge of a flat patch; half of it, which a resize by 0.5 leaves, still has an inside.
PATCH = 16
# Pixels next to a patch's border that an interpolation may mix with the neighbour.
MARGIN = 4
# Codes of the label map: 1 to 120 tell the column, 121 to 240 the row; 0 and 255 are left free.
CODES = 120
_TILE = (5, 8)
_GREYS = (34, 52, 70, 88, 106, 124, 150, 176, 202, 221)


@dataclass(frozen=True, eq=False)
class ProbeImage:
    """image: uint8 BGR ``(H, W, 3)``. seg: uint8 ``(H, W)`` with codes of row and column.

    palette: uint8 BGR ``(K, 3)``. patches: int16 ``(H, W)``, the palette's index
    inside a patch, -1 near its border.
    """

    image: UInt8Array
    seg: UInt8Array
    palette: UInt8Array
    patches: NDArray[np.int16]


def probe_image(height: int, width: int) -> ProbeImage:
    """The probe of this size; at least one tile of patches must fit into what is cropped."""
    palette = _palette()
    rows, columns = np.arange(height) // PATCH, np.arange(width) // PATCH
    tile = (rows[:, None] % _TILE[0]) * _TILE[1] + columns[None] % _TILE[1]
    inside = _inside(height)[:, None] & _inside(width)[None]
    patches = np.where(inside, tile, -1).astype(np.int16)
    return ProbeImage(palette[tile], _codes(height, width), palette, patches)


def class_map(height: int, width: int) -> UInt8Array:
    """A label map that the category test of a crop cares about.

    Class 0 fills the left two thirds but for a strip, a quarter is ignored, the
    rest are small classes, so that many windows hold too much of class 0.
    """
    seg = np.zeros((height, width), np.uint8)
    seg[:, 2 * width // 3 :] = 1 + (np.arange(height) * 6 // height)[:, None]
    seg[3 * height // 4 :, : width // 2] = 255
    seg[: height // 8, : width // 4] = 9
    return seg


def is_grey(palette: UInt8Array) -> NDArray[np.bool_]:
    """Which colours are grey."""
    return np.asarray(np.ptp(palette.astype(int), axis=1) == 0)


def _inside(length: int) -> NDArray[np.bool_]:
    place = np.arange(length) % PATCH
    return np.asarray((place >= MARGIN) & (place < PATCH - MARGIN))


def _codes(height: int, width: int) -> UInt8Array:
    column = 1 + np.arange(width) * CODES // width
    row = 1 + CODES + np.arange(height) * CODES // height
    board = (np.arange(height)[:, None] // 8 + np.arange(width)[None] // 8) % 2 == 0
    return np.asarray(np.where(board, column[None], row[:, None]), dtype=np.uint8)


def _palette() -> UInt8Array:
    """Ten greys; twelve hues, dim and bright; six colours that strong contrast clips."""
    hues = np.arange(6, 180, 15)
    hsv = [(hue, 130, value) for value in (110, 165) for hue in hues]
    hsv += [(hue, 150, 230) for hue in hues[::2]]
    colours = cv2.cvtColor(np.array([hsv], np.uint8), cv2.COLOR_HSV2BGR)[0]
    greys = np.repeat(np.array(_GREYS, np.uint8)[:, None], 3, axis=1)
    return np.asarray(np.concatenate([greys, colours]), dtype=np.uint8)
