"""What people get wrong when stacking samples into a batch: padding, label maps, meta.

What concerns channels and normalisation is in ``normalisation.py``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parity.sample import Meta, Sample
from parity.steps import collate as collates
from parity.steps.collate import Padding, normalize
from parity.steps.resize import resize
from parity.suspects.mistake import Function, made_in

Samples = Sequence[Sample]
Options = dict[str, Any]

_STATISTICS = "mean and std in the options"
_PADDED = "an image smaller than the size it is padded to"

mistake = made_in(collates.collate)


@mistake(collates.pad, needs=_PADDED)
def padded_left_and_top(pad: Function, tensor: Any, padding: Padding, *, value: float) -> Any:
    """Padding goes to the left and top; the reference pads right and below."""
    return pad(tensor, (padding[1], padding[0], padding[3], padding[2]), value=value)


@mistake(collates.pad, needs=_PADDED)
def padded_centred(pad: Function, tensor: torch.Tensor, padding: Padding, *, value: float) -> Any:
    """Padding is shared between opposite sides; the reference pads right and below only."""
    across, down = padding[0] + padding[1], padding[2] + padding[3]
    around = (across // 2, across - across // 2, down // 2, down - down // 2)
    return pad(tensor, around, value=value)


@mistake(collates.collate, needs=f"{_STATISTICS}, and {_PADDED}")
def padded_before_normalising(collate: Function, samples: Samples, **options: Any) -> Any:
    """Padding is added before mean and std and changed by them; the reference pads afterwards."""
    raw = collate(samples, **{**options, "mean": None, "std": None})
    mean, std = options["mean"], options["std"]
    return replace(raw, images=torch.stack([normalize(i, mean=mean, std=std) for i in raw.images]))


@mistake(collates.collate, needs=_PADDED, pad_value=255)
def padded_with_255() -> None:
    """Normalised images are padded with 255; the reference pads with pad_val, 0 by default."""


@mistake(collates.collate, needs=f"{_STATISTICS}, and {_PADDED}")
def padded_with_mean(collate: Function, samples: Samples, **options: Any) -> Any:
    """Normalised images are padded with the mean pixel; the reference pads with 0 by default."""
    good = collate(samples, **options)
    if options["mean"] is None:
        return good
    images = torch.tensor(options["mean"]).view(-1, 1, 1).expand_as(good.images).clone()
    for image, padded, meta in zip(images, good.images, good.metas, strict=True):
        _, right, _, below = _padding(meta)
        content = padded[:, : padded.shape[1] - below, : padded.shape[2] - right]
        image[:, : content.shape[1], : content.shape[2]] = content
    return replace(good, images=images)


@mistake(collates.paddings, needs=_PADDED)
def padding_centred_in_meta(paddings: Function, shapes: Any, **options: Any) -> Any:
    """Padding, in meta too, is shared between opposite sides; the reference pads at two only."""
    return [
        (across // 2, across - across // 2, down // 2, down - down // 2)
        for _, across, _, down in paddings(shapes, **options)
    ]


@mistake(collates.collate, needs=_PADDED)
def padded_by_reflection(collate: Function, samples: Samples, **options: Any) -> Any:
    """Image and label map are mirrored into the padding; the reference pads with constants."""

    def reflected(array: Any, right: int, below: int) -> Any:
        around = [(0, below), (0, right), *[(0, 0)] * (array.ndim - 2)]
        return np.pad(array, around, mode="reflect")

    return _enlarged(collate, samples, options, reflected)


@mistake(collates.collate, needs=_PADDED)
def padded_by_resizing(collate: Function, samples: Samples, **options: Any) -> Any:
    """Images are stretched to the common size; the reference pads them."""

    def stretched(array: Any, right: int, below: int) -> Any:
        size = (array.shape[0] + below, array.shape[1] + right)
        return resize(array, size=size, interpolation="nearest" if array.ndim == 2 else "bilinear")

    return _enlarged(collate, samples, options, stretched)


@mistake(collates.collate, needs=_PADDED, seg_pad_value=0)
def labels_padded_with_0() -> None:
    """Label maps are padded with class 0; the reference pads with 255, which is ignored."""


@mistake(collates.collate, needs="label maps")
def labels_uint8(collate: Function, samples: Samples, **options: Any) -> Any:
    """Label maps stay uint8; the reference makes them int64."""
    good = collate(samples, **options)
    if isinstance(good.segs, torch.Tensor):
        return replace(good, segs=good.segs.to(torch.uint8))
    segs = tuple(None if seg is None else seg.to(torch.uint8) for seg in good.segs or ())
    return replace(good, segs=segs or None)


@mistake(collates.collate, needs="a validation image that was resized")
def labels_resized_in_testing(collate: Function, samples: Samples, **options: Any) -> Any:
    """Label maps are resized with the test image; the reference keeps their original size."""

    def resized(sample: Sample) -> Sample:
        if sample.seg is None or options.get("training", True):
            return sample
        size = (sample.image.shape[0], sample.image.shape[1])
        return sample.replace(seg=resize(sample.seg, size=size, interpolation="nearest"))

    return collate([resized(sample) for sample in samples], **options)


@mistake(collates.collate, needs=_PADDED)
def meta_of_padded_image(collate: Function, samples: Samples, **options: Any) -> Any:
    """Meta img_shape is the padded size; the reference keeps the size before padding."""
    good = collate(samples, **options)
    shape = good.images.shape[-2:]
    return replace(good, metas=tuple(meta.replace(img_shape=shape) for meta in good.metas))


@mistake(collates.collate, needs=_PADDED)
def meta_padding_height_first(collate: Function, samples: Samples, **options: Any) -> Any:
    """Meta padding is (top, bottom, left, right); the reference has (left, right, top, bottom)."""
    good = collate(samples, **options)
    metas = []
    for meta in good.metas:
        keys = [key for key in ("padding_size", "img_padding_size") if key in meta]
        metas.append(meta.replace(**{key: (*meta[key][2:], *meta[key][:2]) for key in keys}))
    return replace(good, metas=tuple(metas))


@mistake(collates.paddings, needs="a size that is not square")
def size_width_first(paddings: Function, shapes: Any, *, size: Any = None, **options: Any) -> Any:
    """Size is read as (width, height); the reference takes (height, width)."""
    return paddings(shapes, size=size and size[::-1], **options)


@mistake(collates.paddings, needs="a size to pad to")
def size_is_multiple_of_32(paddings: Function, shapes: Any, **options: Any) -> Any:
    """Each image is padded to multiples of 32; the reference pads to the size it is given."""
    if options.get("size") is None:
        return paddings(shapes, **options)
    return [(0, -width % 32, 0, -height % 32) for height, width in shapes]


@mistake(collates.paddings, needs="a size_divisor that does not divide the image's size")
def divisor_ignored(paddings: Function, shapes: Any, **options: Any) -> Any:
    """Pads to the largest image only; the reference rounds that up to a multiple."""
    divided = options.get("size_divisor") is not None
    return paddings(shapes, **({"size_divisor": 1} if divided else options))


@mistake(collates.paddings, needs="an image whose size is a multiple of size_divisor")
def divisor_one_more(paddings: Function, shapes: Any, **options: Any) -> Any:
    """A size that is a multiple already gets one more; the reference leaves it."""
    divisor = options.get("size_divisor")
    if divisor is None or divisor == 1:
        return paddings(shapes, **options)
    edges = [max(axis) // divisor * divisor + divisor for axis in zip(*shapes, strict=True)]
    return paddings(shapes, size=edges)


@mistake(collates.paddings, needs="a size_divisor that does not divide the image's size")
def divisor_crops(paddings: Function, shapes: Any, **options: Any) -> Any:
    """Images are cropped to the multiple below; the reference pads to the multiple above."""
    divisor = options.get("size_divisor") or 1
    edges = [max(max(axis) // divisor, 1) * divisor for axis in zip(*shapes, strict=True)]
    if divisor == 1:
        return paddings(shapes, **options)
    return [(0, edges[1] - width, 0, edges[0] - height) for height, width in shapes]


def _enlarged(collate: Function, samples: Samples, options: Options, change: Function) -> Any:
    """The batch of samples that ``change(array, right, below)`` has brought to the padded size."""
    metas = collate(samples, **options).metas
    larger = []
    for sample, meta in zip(samples, metas, strict=True):
        _, right, _, below = map(int, _padding(meta))
        seg = sample.seg
        if seg is not None and options.get("training", True):
            seg = change(seg, right, below)
        larger.append(sample.replace(image=change(sample.image, right, below), seg=seg))
    return replace(collate(larger, **options), metas=metas)


def _padding(meta: Meta) -> Padding:
    padding: Padding = meta.get("padding_size", meta.get("img_padding_size", (0, 0, 0, 0)))
    return padding
