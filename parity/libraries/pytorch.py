"""Plain PyTorch: ``torch.nn.functional`` in the place of the data steps, loss and logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from parity.libraries.arrays import from_rgb_tensor, to_rgb_tensor
from parity.libraries.library import Library, LibraryOperation
from parity.libraries.models import (
    resize_align_corners,
    resize_antialiased,
)
from parity.libraries.reasons import NEAREST_BY_CENTRE, NEAREST_IN_FLOAT32, RESIZED_IN_FLOAT
from parity.sample import UInt8Array
from parity.steps.crop import CropBox
from parity.steps.loss import cross_entropy

LIBRARY = Library("plain torch", "torch", "torch")


def _resize(**options: bool) -> Any:
    def resize(image: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
        floats = to_rgb_tensor(image).float()[None]
        done = functional.interpolate(floats, size=size, mode="bilinear", **options)
        return from_rgb_tensor(done[0].round().clamp(0, 255).to(torch.uint8))

    return resize


def _resize_labels(mode: str) -> Any:
    def resize(seg: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
        done = functional.interpolate(torch.from_numpy(seg)[None, None], size=size, mode=mode)
        return done[0, 0].numpy()

    return resize


def _crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    tensor = torch.from_numpy(array)[box.top : box.bottom, box.left : box.right]
    return tensor.clone().numpy()


def _flip(array: NDArray[Any]) -> NDArray[Any]:
    return torch.from_numpy(array).flip(1).numpy()


def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    return (torch.from_numpy(image).float() + delta).clamp(0, 255).byte().numpy()


def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return (torch.from_numpy(image).float() * factor).clamp(0, 255).byte().numpy()


def _normalize(
    image: UInt8Array, mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    shape = (3, 1, 1)
    floats = to_rgb_tensor(image).float()
    return ((floats - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)).numpy()


def _pad_image(image: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    return np.ascontiguousarray(_padded(tensor, size, 0).permute(1, 2, 0).numpy())


def _pad_labels(seg: UInt8Array, size: tuple[int, int]) -> NDArray[Any]:
    return _padded(torch.from_numpy(seg), size, 255).numpy()


def _padded(tensor: torch.Tensor, size: tuple[int, int], value: int) -> torch.Tensor:
    height, width = tensor.shape[-2:]
    return functional.pad(tensor, (0, size[1] - width, 0, size[0] - height), value=value)


def _reduce_zero(seg: UInt8Array) -> NDArray[Any]:
    label = torch.from_numpy(seg).long()
    return torch.where((label == 0) | (label == 255), 255, label - 1).to(torch.uint8).numpy()


def _resize_logits(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def _loss(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, label, ignore_index=255)


# What people write with torch alone.
OPERATIONS: tuple[LibraryOperation, ...] = (
    LibraryOperation(
        "resize, image",
        "interpolate(bilinear), rounded",
        _resize(align_corners=False),
        *RESIZED_IN_FLOAT,
    ),
    LibraryOperation(
        "resize, image",
        "interpolate(bilinear, antialias=True), rounded",
        _resize(align_corners=False, antialias=True),
        "antialiases when it shrinks; OpenCV does not",
        resize_antialiased,
        "a filter that grows with the factor",
    ),
    LibraryOperation(
        "resize, image",
        "interpolate(bilinear, align_corners=True), rounded",
        _resize(align_corners=True),
        "corners on corners: the picture shifts by up to half a pixel of the larger grid",
        resize_align_corners,
        "positions i * (old - 1) / (new - 1)",
    ),
    LibraryOperation(
        "resize, labels", "interpolate(nearest)", _resize_labels("nearest"), *NEAREST_IN_FLOAT32
    ),
    LibraryOperation(
        "resize, labels",
        "interpolate(nearest-exact)",
        _resize_labels("nearest-exact"),
        *NEAREST_BY_CENTRE,
    ),
    LibraryOperation("crop", "tensor[..., t:b, l:r]", _crop),
    LibraryOperation("flip", "tensor.flip(-1)", _flip),
    LibraryOperation("brightness", "(x + delta).clamp(0, 255).byte()", _brightness),
    LibraryOperation("contrast", "(x * factor).clamp(0, 255).byte()", _contrast),
    LibraryOperation("normalise", "(x - mean) / std", _normalize),
    LibraryOperation("pad, image", "pad(right, bottom, 0)", _pad_image),
    LibraryOperation("pad, labels", "pad(right, bottom, 255)", _pad_labels),
    LibraryOperation("reduce zero label", "label - 1, wrapped back to 255", _reduce_zero),
    LibraryOperation("logits", "interpolate(bilinear)", _resize_logits),
    LibraryOperation(
        "loss",
        "cross_entropy(ignore_index=255)",
        _loss,
        "divides by the pixels that are not ignored; mmseg by all (avg_non_ignore=False)",
        partial(cross_entropy, ignore_index=255, avg_non_ignore=True),
        "the reference with avg_non_ignore=True",
    ),
)
