"""What people get wrong when reading an image and its label map."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from parity.sample import Sample
from parity.steps import load as loads
from parity.steps.resize import resize
from parity.suspects.mistake import Function, made_in, mistake

Array = NDArray[Any]

_CLASSES = 150
_TURNED = "an image whose EXIF orientation is not 1"
_MAP = "a label_map"

image_mistake = made_in(loads.load_sample, loads.load_image_sample)
label_mistake = made_in(loads.load_sample, loads.load_annotation_sample)


def _size_not_compared(load_annotation_sample: Function, sample: Sample, rng: Any = None) -> Any:
    """No mistake: takes the label map although the image came out in another shape."""
    info = sample.info
    if info is None or info.seg_map_path is None:
        return load_annotation_sample(sample, rng)
    seg = loads.load_annotation(
        info.seg_map_path, reduce_zero_label=info.reduce_zero_label, label_map=info.label_map
    )
    return sample.replace(seg=seg)


_ANY_SIZE = ((loads.load_annotation_sample, _size_not_compared),)


@image_mistake(loads.load_image, needs="an image with colour")
def image_rgb(load_image: Function, path: str, **options: Any) -> Any:
    """The image is RGB; the reference keeps OpenCV's BGR until the batch is made."""
    image = load_image(path, **options)
    return image[..., [2, 1, 0, *range(3, image.shape[2])]] if image.ndim == 3 else image


@image_mistake(
    loads.load_image, needs=_TURNED, also=_ANY_SIZE, color_type="color_ignore_orientation"
)
def image_exif_ignored() -> None:
    """The EXIF orientation of the image is ignored; the reference turns the image by it."""


@image_mistake(
    loads.load_image,
    needs=f"a grey, transparent or 16-bit image, or {_TURNED}",
    also=_ANY_SIZE,
    color_type="unchanged",
)
def image_unchanged() -> None:
    """Channels and depth stay as stored; the reference makes 8-bit BGR of every image."""


@image_mistake(
    loads.load_image,
    needs="a 16-bit grey image or a CMYK JPEG; ordinary JPEG and PNG files decode alike",
    backend="pillow",
)
def image_pillow() -> None:
    """Pillow decodes the image; the reference decodes with OpenCV."""


@image_mistake(loads.load_image, needs="an image whose alpha channel is not opaque throughout")
def image_alpha_blended(load_image: Function, path: str, **options: Any) -> Any:
    """A transparent image is put onto white; the reference drops the alpha channel."""
    image = load_image(path, **{**options, "color_type": "unchanged"})
    if image.ndim != 3 or image.shape[2] != 4:
        return load_image(path, **options)
    alpha = image[..., 3:].astype(np.float32) / 255
    return np.rint(image[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


@image_mistake(loads.load_image, needs="a 16-bit image")
def image_low_byte(load_image: Function, path: str, **options: Any) -> Any:
    """16-bit pixels are cast to 8 bit and wrap; the reference keeps their upper byte."""
    image = load_image(path, **{**options, "color_type": "unchanged"})
    if image.dtype != np.uint16:
        return load_image(path, **options)
    image = image.astype(np.uint8)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


@image_mistake(loads.load_image)
def image_float32(load_image: Function, path: str, **options: Any) -> Any:
    """The image is float32; the reference keeps uint8 until the batch is made."""
    return load_image(path, **options).astype(np.float32)


@image_mistake(loads.load_image)
def image_unit_range(load_image: Function, path: str, **options: Any) -> Any:
    """The image is scaled to 0..1; the reference keeps uint8 0..255, which its mean and std fit."""
    return load_image(path, **options).astype(np.float32) / 255


@image_mistake(loads.load_image, also=_ANY_SIZE)
def image_chw(load_image: Function, path: str, **options: Any) -> Any:
    """The image is (channels, height, width); the reference keeps (height, width, channels)."""
    image = load_image(path, **options)
    return np.moveaxis(image, -1, 0).copy() if image.ndim == 3 else image


@image_mistake(loads.load_image_sample, needs="an image that is not square", also=_ANY_SIZE)
def shape_width_first(load: Function, info: Any, rng: Any = None, **options: Any) -> Any:
    """Meta ori_shape and img_shape are (width, height); the reference has (height, width)."""
    sample = load(info, rng, **options)
    shape = sample.meta.ori_shape[::-1]
    return sample.replace(meta=sample.meta.replace(ori_shape=shape, img_shape=shape))


@label_mistake(loads.reduce_zero)
def label_not_reduced(reduce_zero: Function, seg: Array) -> Any:
    """The reduction is left out; the reference makes 0 ignored and lowers the rest by one."""
    return seg.copy()


@label_mistake(loads.reduce_zero, needs="a label map that holds a label above 0")
def label_reduced_twice(reduce_zero: Function, seg: Array) -> Any:
    """Labels are reduced twice, which ignores class 0; the reference reduces them once."""
    return reduce_zero(reduce_zero(seg))


@label_mistake(loads.reduce_zero, needs="a label map that holds 255")
def label_255_lowered(reduce_zero: Function, seg: Array) -> Any:
    """Lowering labels by one turns an ignored 255 into 254; the reference keeps 255."""
    return seg - np.uint8(1)


@label_mistake(loads.reduce_zero, needs="a label map that holds 0")
def label_zero_clipped(reduce_zero: Function, seg: Array) -> Any:
    """Label 0 is clipped into class 0; the reference makes it 255, ignored."""
    return np.maximum(seg, 1) - np.uint8(1)


@label_mistake(loads.reduce_zero)
def label_minus_one(reduce_zero: Function, seg: Array) -> Any:
    """Labels are signed, -1 where ignored; the reference keeps uint8 with 255."""
    return seg.astype(np.int64) - 1


@label_mistake(loads.load_annotation)
def label_int64(load_annotation: Function, path: str, **options: Any) -> Any:
    """The label map is int64; the reference keeps uint8 until the batch is made."""
    return load_annotation(path, **options).astype(np.int64)


@label_mistake(loads.load_annotation, needs="a label map with ignored pixels")
def label_ignored_as_0(load_annotation: Function, path: str, **options: Any) -> Any:
    """Ignored pixels become class 0; the reference keeps them at 255."""
    seg = load_annotation(path, **options)
    return np.where(seg == 255, 0, seg).astype(seg.dtype)


@label_mistake(loads.load_annotation, needs="a label map that holds an id of 151 to 254")
def label_above_149_ignored(load_annotation: Function, path: str, **options: Any) -> Any:
    """Labels from 150 on are ignored; the reference keeps every id."""
    seg = load_annotation(path, **options)
    return np.where(seg >= _CLASSES, 255, seg).astype(seg.dtype)


@label_mistake(loads.load_annotation, needs="a label_map together with reduce_zero_label")
def label_map_first(load: Function, path: str, **options: Any) -> Any:
    """The label_map is applied before the reduction; the reference reduces first."""
    reduced = options.pop("reduce_zero_label", False)
    seg = load(path, **options)
    return loads.reduce_zero(seg) if reduced else seg


@label_mistake(loads.apply_label_map, needs="a label_map whose new id is a later entry's old id")
def label_map_chained(apply_label_map: Function, seg: Array, label_map: Mapping[int, int]) -> Any:
    """Entries of label_map read what earlier ones wrote; the reference reads an unmodified copy."""
    for old, new in label_map.items():
        seg = apply_label_map(seg, {old: new})
    return seg


@label_mistake(loads.apply_label_map, needs=_MAP)
def label_map_inverted(apply_label_map: Function, seg: Array, label_map: Mapping[int, int]) -> Any:
    """The label_map is read as new to old; the reference reads it as old to new."""
    return apply_label_map(seg, {new: old for old, new in label_map.items()})


@label_mistake(loads.apply_label_map, needs=_MAP)
def label_map_ignored(apply_label_map: Function, seg: Array, label_map: Mapping[int, int]) -> Any:
    """The label_map is not applied; the reference applies it after the reduction."""
    return seg.copy()


@label_mistake(loads.decode, needs="a label map stored with a palette")
def label_palette_as_grey(decode: Function, content: bytes, **options: Any) -> Any:
    """A palette label map is converted to grey; the reference keeps the palette's indices."""
    if options.get("color_type") != "unchanged":
        return decode(content, **options)
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image.convert("L"))


@label_mistake(loads.decode, needs="a label map whose EXIF orientation is not 1", also=_ANY_SIZE)
def label_exif_applied(decode: Function, content: bytes, **options: Any) -> Any:
    """The label map is turned by its own EXIF orientation; the reference reads it as stored."""
    if options.get("color_type") != "unchanged":
        return decode(content, **options)
    with Image.open(io.BytesIO(content)) as image:
        return np.array(ImageOps.exif_transpose(image))


@mistake(loads.load_annotation_sample, needs="an image that validation resizes")
def label_resized_too(load_annotation_sample: Function, sample: Sample, rng: Any = None) -> Any:
    """The validation label map is resized with the image; the reference keeps its own size."""
    good = load_annotation_sample(sample, rng)
    height, width = sample.image.shape[:2]
    seg = resize(good.seg, size=(height, width), interpolation="nearest")
    return good.replace(seg=seg)
