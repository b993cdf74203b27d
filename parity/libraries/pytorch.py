"""Plain PyTorch: ``torch.nn.functional`` in the place of the data steps, loss and logits."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from parity.libraries import reasons
from parity.libraries.arrays import from_rgb_tensor, to_rgb_tensor
from parity.libraries.library import Floats, Library, Operations, Size
from parity.libraries.models import resize_align_corners, resize_antialiased
from parity.sample import UInt8Array
from parity.steps.crop import CropBox
from parity.steps.loss import cross_entropy

LIBRARY = Library("plain torch", "torch", "torch")
# What people write with torch alone.
OPERATIONS = Operations()


@OPERATIONS.of(
    "resize, image",
    "interpolate(bilinear, align_corners=True), rounded",
    "corners on corners: the picture shifts by up to half a pixel of the larger grid",
    resize_align_corners,
    "positions i * (old - 1) / (new - 1)",
    align_corners=True,
)
@OPERATIONS.of(
    "resize, image",
    "interpolate(bilinear, antialias=True), rounded",
    reasons.ANTIALIASED,
    resize_antialiased,
    "a filter that grows with the factor",
    antialias=True,
)
@OPERATIONS.of("resize, image", "interpolate(bilinear), rounded", *reasons.RESIZED_IN_FLOAT)
def _resize(
    image: UInt8Array, size: Size, align_corners: bool = False, antialias: bool = False
) -> NDArray[Any]:
    floats = to_rgb_tensor(image).float()[None]
    options: dict[str, Any] = {"align_corners": align_corners, "antialias": antialias}
    done = functional.interpolate(floats, size, mode="bilinear", **options)
    return from_rgb_tensor(done[0].round().clamp(0, 255).to(torch.uint8))


@OPERATIONS.of(
    "resize, labels", "interpolate(nearest-exact)", *reasons.NEAREST_BY_CENTRE, mode="nearest-exact"
)
@OPERATIONS.of(
    "resize, labels", "interpolate(nearest)", *reasons.NEAREST_IN_FLOAT32, mode="nearest"
)
def _resize_labels(seg: UInt8Array, size: Size, mode: str) -> NDArray[Any]:
    done = functional.interpolate(torch.from_numpy(seg)[None, None], size=size, mode=mode)
    return done[0, 0].numpy()


@OPERATIONS.of("crop", "tensor[..., t:b, l:r]")
def _crop(array: NDArray[Any], box: CropBox) -> NDArray[Any]:
    tensor = torch.from_numpy(array)[box.top : box.bottom, box.left : box.right]
    return tensor.clone().numpy()


@OPERATIONS.of("flip", "tensor.flip(-1)")
def _flip(array: NDArray[Any]) -> NDArray[Any]:
    return torch.from_numpy(array).flip(1).numpy()


@OPERATIONS.of("brightness", "(x + delta).clamp(0, 255).byte()")
def _brightness(image: UInt8Array, delta: float) -> NDArray[Any]:
    return (torch.from_numpy(image).float() + delta).clamp(0, 255).byte().numpy()


@OPERATIONS.of("contrast", "(x * factor).clamp(0, 255).byte()")
def _contrast(image: UInt8Array, factor: float) -> NDArray[Any]:
    return (torch.from_numpy(image).float() * factor).clamp(0, 255).byte().numpy()


@OPERATIONS.of("normalise", "(x - mean) / std")
def _normalize(image: UInt8Array, mean: Floats, std: Floats) -> NDArray[np.float32]:
    shape = (3, 1, 1)
    floats = to_rgb_tensor(image).float()
    return ((floats - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)).numpy()


@OPERATIONS.of("pad, image", "pad(right, bottom, 0)")
def _pad_image(image: UInt8Array, size: Size) -> NDArray[Any]:
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    return np.ascontiguousarray(_padded(tensor, size, 0).permute(1, 2, 0).numpy())


@OPERATIONS.of("pad, labels", "pad(right, bottom, 255)")
def _pad_labels(seg: UInt8Array, size: Size) -> NDArray[Any]:
    return _padded(torch.from_numpy(seg), size, 255).numpy()


def _padded(tensor: torch.Tensor, size: Size, value: int) -> torch.Tensor:
    height, width = tensor.shape[-2:]
    return functional.pad(tensor, (0, size[1] - width, 0, size[0] - height), value=value)


@OPERATIONS.of("reduce zero label", "label - 1, wrapped back to 255")
def _reduce_zero(seg: UInt8Array) -> NDArray[Any]:
    label = torch.from_numpy(seg).long()
    return torch.where((label == 0) | (label == 255), 255, label - 1).to(torch.uint8).numpy()


@OPERATIONS.of("logits", "interpolate(bilinear)")
def _resize_logits(logits: torch.Tensor, size: Size) -> torch.Tensor:
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


@OPERATIONS.of(
    "loss",
    "cross_entropy(ignore_index=255)",
    "divides by the pixels that are not ignored; mmseg by all (avg_non_ignore=False)",
    partial(cross_entropy, ignore_index=255, avg_non_ignore=True),
    "the reference with avg_non_ignore=True",
)
def _loss(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits, label, ignore_index=255)
