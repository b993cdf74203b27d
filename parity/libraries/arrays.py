"""Between our arrays, uint8 ``(H, W, 3)`` BGR, and what libraries take."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.sample import UInt8Array


def reversed_channels(image: NDArray[Any]) -> NDArray[Any]:
    """BGR to RGB or back, as a new array."""
    return np.ascontiguousarray(image[..., ::-1])


def to_rgb_tensor(image: UInt8Array) -> torch.Tensor:
    """BGR ``(H, W, 3)`` as RGB uint8 ``(3, H, W)``."""
    return torch.from_numpy(reversed_channels(image).transpose(2, 0, 1).copy())


def to_unit_tensor(image: UInt8Array) -> torch.Tensor:
    """BGR ``(H, W, 3)`` as RGB float32 0 to 1 ``(1, 3, H, W)``."""
    return to_rgb_tensor(image).float().div(255)[None]


def from_rgb_tensor(tensor: torch.Tensor) -> UInt8Array:
    """RGB uint8 ``(3, H, W)`` back to BGR ``(H, W, 3)``."""
    return reversed_channels(tensor.detach().cpu().numpy().transpose(1, 2, 0))


def from_unit_tensor(tensor: torch.Tensor) -> UInt8Array:
    """RGB float 0 to 1 ``(1, 3, H, W)`` back, rounded to the nearest grey level."""
    return from_rgb_tensor(tensor[0].mul(255).round().clamp(0, 255).to(torch.uint8))


def as_image(value: Any, what: str) -> UInt8Array:
    """An image of a library's pipeline, RGB, as uint8 BGR ``(H, W, 3)``.

    Takes uint8 or floats from 0 to 1, ``(H, W, 3)`` or a tensor ``(3, H, W)``.
    Raises InputError for what is normalised already, and for other shapes.
    """
    array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{what}: the image has shape {array.shape}; three channels are needed")
    if array.dtype.kind == "f":
        if array.size and (array.min() < 0 or array.max() > 1):
            raise InputError(
                f"{what}: the image has values from {array.min():g} to {array.max():g}; leave out "
                f"normalisation, and give uint8 or floats from 0 to 1"
            )
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise InputError(f"{what}: the image is {array.dtype}; give uint8 or floats from 0 to 1")
    return reversed_channels(array)


def as_labels(value: Any, what: str) -> UInt8Array:
    """A label map of a library's pipeline as uint8 ``(H, W)``.

    Raises InputError for fractions, ids outside 0 to 255, and other shapes.
    """
    array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array.reshape(array.shape[1:] if array.shape[0] == 1 else array.shape[:2])
    whole = np.rint(array) if array.dtype.kind == "f" else array
    if array.ndim != 2 or np.any(whole != array) or np.any((whole < 0) | (whole > 255)):
        raise InputError(
            f"{what}: the label map is {array.dtype} {array.shape} with values from "
            f"{array.min() if array.size else 0} to {array.max() if array.size else 0}; "
            f"ids 0 to 255 in (height, width) are needed"
        )
    return whole.astype(np.uint8)


def pair_candidate(
    name: str, call: Callable[[UInt8Array, UInt8Array], Any], note: str
) -> Candidate:
    """A pipeline that draws for itself; `call` gives an image, RGB, and a label map."""

    def pipeline(image: UInt8Array, seg: UInt8Array, rng: object) -> tuple[UInt8Array, UInt8Array]:
        done = call(image, seg)
        return as_image(done[0], name), as_labels(done[1], name)

    return Candidate(name, pipeline=pipeline, shares_stream=False, notes=(note,))
