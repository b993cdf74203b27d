"""Stack samples into one normalised, padded batch.

Reproduces ``PackSegInputs`` (mmseg 1.2.2 mmseg/datasets/transforms/formatting.py),
``SegDataPreProcessor`` (mmseg/models/data_preprocessor.py) and ``stack_batch``
(mmseg/utils/misc.py).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from parity.errors import InputError
from parity.sample import DEPTH, EDGE, META_KEYS, SEG, Batch, Meta, Sample

# (left, right, top, bottom) in pixels, as torch.nn.functional.pad takes it.
Padding = tuple[int, int, int, int]
Size = tuple[int, int]
# The label maps of one sample under mmseg's names, those it has.
Labels = dict[str, torch.Tensor]

# RGB statistics of mmseg's configs, configs/_base_/models/upernet_r50.py.
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


def to_chw(image: NDArray[Any]) -> torch.Tensor:
    """``(H, W, C)`` or ``(H, W)`` as a new tensor ``(C, H, W)``; dtype and channel order kept."""
    if image.ndim not in (2, 3) or image.size == 0:
        raise InputError(f"cannot batch an image of shape {image.shape}; (H, W, C) is needed")
    hwc = image[..., None] if image.ndim == 2 else image
    return torch.from_numpy(np.array(hwc.transpose(2, 0, 1), order="C"))


def normalize(
    image: torch.Tensor, *, mean: Sequence[float] | None, std: Sequence[float] | None
) -> torch.Tensor:
    """``(image - mean) / std`` per channel of ``(C, H, W)``; unchanged when `mean` is None.

    Raises InputError for a mean without std, and for lengths that do not fit.
    """
    if mean is None:
        return image
    if std is None:
        raise InputError("mean is given without std; give both, or mean=None for neither")
    if len({image.shape[0], len(mean), len(std)} - {1}) > 1:
        raise InputError(
            f"mean {mean} and std {std} do not fit an image of {image.shape[0]} channels"
        )
    # Two operations, in this order: multiplying by 1 / std rounds differently.
    return (image - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def paddings(
    shapes: Sequence[Size], *, size: Size | None = None, size_divisor: int | None = None
) -> list[Padding]:
    """What to add right and below each of `shapes` = ``(height, width)``.

    Up to `size` = ``(height, width)``, an image past it staying as it is; or up to
    the largest height and width among `shapes`, each rounded up to a multiple of
    `size_divisor` when that is above 1. Raises InputError unless exactly one is given.
    """
    if (size is None) == (size_divisor is None):
        raise InputError(
            f"give either size or size_divisor, got size={size}, size_divisor={size_divisor}"
        )
    if size is not None:
        if not isinstance(size, Sequence) or len(size) != 2:
            raise InputError(f"size must be (height, width), got {size}")
        return [
            (0, max(size[1] - width, 0), 0, max(size[0] - height, 0)) for height, width in shapes
        ]
    largest = np.stack(shapes).max(0)
    if size_divisor is not None and size_divisor > 1:
        largest = (largest + (size_divisor - 1)) // size_divisor * size_divisor
    # NumPy integers here, Python integers above: meta keeps what the reference keeps.
    return [(0, largest[1] - width, 0, largest[0] - height) for height, width in shapes]


def pad(tensor: torch.Tensor, padding: Padding, *, value: float) -> torch.Tensor:
    """``(..., H, W)`` with `value` around it."""
    return functional.pad(tensor, padding, value=value)


def collate(
    samples: Sequence[Sample],
    *,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    size: Size | None = None,
    size_divisor: int | None = None,
    pad_value: float = 0.0,
    seg_pad_value: int = 255,
    training: bool = True,
    bgr_to_rgb: bool = True,
    test_size: Size | None = None,
    test_size_divisor: int | None = None,
    meta_keys: Sequence[str] = META_KEYS,
) -> Batch:
    """Float, RGB, normalise, then pad and stack; `mean` and `std` are those of RGB.

    In training, images and label maps are padded to `size` or `size_divisor` (one
    is needed) and meta gets ``img_shape``, ``pad_shape`` (that of the label map, or
    None) and ``padding_size``. In testing all images must have one size; they are
    padded to `test_size` or `test_size_divisor` where one is given, meta then gets
    ``img_padding_size`` and ``pad_shape``, and label maps stay as they are. Edge and
    depth maps go as label maps do. meta_keys: which meta is kept.

    Raises InputError for an empty batch, for options that do not fit, and for
    images or label maps that cannot be stacked.
    """
    raw = _to_images(samples, bgr_to_rgb)
    images = [normalize(image.float(), mean=mean, std=std) for image in raw]
    labels = [_to_labels(sample) for sample in samples]
    kept = [{key: one.meta[key] for key in meta_keys if key in one.meta} for one in samples]
    metas = [Meta(**meta) for meta in kept]
    if not training:
        target = {"size": test_size, "size_divisor": test_size_divisor}
        return _test_batch(images, labels, metas, target, pad_value=pad_value)
    around = paddings(_shapes(images), size=size, size_divisor=size_divisor)
    return _train_batch(
        images, labels, metas, around, pad_value=pad_value, seg_pad_value=seg_pad_value
    )


def _to_images(samples: Sequence[Sample], bgr_to_rgb: bool) -> list[torch.Tensor]:
    if not samples:
        raise InputError("cannot collate an empty batch; give at least one sample")
    images = [to_chw(sample.image) for sample in samples]
    channels = [image.shape[0] for image in images]
    if len(set(channels)) > 1:
        raise InputError(f"images of one batch have {channels} channels; load all alike")
    if bgr_to_rgb and channels[0] == 3:
        return [image[[2, 1, 0]] for image in images]
    return images


def _to_labels(sample: Sample) -> Labels:
    found = {} if sample.seg is None else {SEG: sample.seg}
    if EDGE in sample.maps:
        found[EDGE] = sample.maps[EDGE]
    for label in found.values():
        if label.ndim != 2:
            raise InputError(f"the label map has shape {label.shape}; (height, width) is needed")
    tensors = {name: torch.from_numpy(label.astype(np.int64)) for name, label in found.items()}
    if DEPTH in sample.maps:
        tensors[DEPTH] = torch.from_numpy(np.ascontiguousarray(sample.maps[DEPTH]))
    return tensors


def _shapes(tensors: Sequence[torch.Tensor]) -> list[Size]:
    return [(tensor.shape[-2], tensor.shape[-1]) for tensor in tensors]


def _train_batch(
    images: list[torch.Tensor],
    labels: list[Labels],
    metas: list[Meta],
    around: list[Padding],
    *,
    pad_value: float,
    seg_pad_value: int,
) -> Batch:
    padded = [pad(image, box, value=pad_value) for image, box in zip(images, around, strict=True)]
    labels = [
        {name: pad(label, box, value=seg_pad_value) for name, label in own.items()}
        for own, box in zip(labels, around, strict=True)
    ]
    metas = [
        meta.replace(
            img_shape=image.shape[-2:],  # a torch.Size, by which predict_by_feat goes
            pad_shape=next((tuple(label.shape) for label in own.values()), None),
            padding_size=box,
        )
        for meta, image, own, box in zip(metas, images, labels, around, strict=True)
    ]
    stacked = {name: _stack_labels(labels, name) for own in labels for name in own}
    return Batch(_stack(padded, "images"), stacked.pop(SEG, None), tuple(metas), stacked)


def _stack_labels(labels: list[Labels], name: str) -> torch.Tensor:
    found = [own[name] for own in labels if name in own]
    if len(found) < len(labels):
        raise InputError(f"{len(labels) - len(found)} of {len(labels)} samples have no label map")
    return _stack(found, "label maps")


def _test_batch(
    images: list[torch.Tensor],
    labels: list[Labels],
    metas: list[Meta],
    target: dict[str, Any],
    *,
    pad_value: float,
) -> Batch:
    shapes = _shapes(images)
    if len(set(shapes)) > 1:
        raise InputError(f"testing needs images of one size, got {shapes}; use batches of one")
    if any(value is not None for value in target.values()):
        around = paddings(shapes, **target)
        images = [
            pad(image, box, value=pad_value) for image, box in zip(images, around, strict=True)
        ]
        metas = [
            meta.replace(img_padding_size=box, pad_shape=image.shape[-2:])
            for meta, image, box in zip(metas, images, around, strict=True)
        ]
    kept = {name: tuple(own.get(name) for own in labels) for found in labels for name in found}
    return Batch(_stack(images, "images"), kept.pop(SEG, None), tuple(metas), kept)


def _stack(tensors: list[torch.Tensor], what: str) -> torch.Tensor:
    shapes = _shapes(tensors)
    if len(set(shapes)) > 1:
        raise InputError(f"{what} of sizes {shapes} cannot be stacked; crop them or pad to more")
    return torch.stack(tensors)
