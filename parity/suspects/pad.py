"""What people get wrong when they pad image and label map in the data pipeline."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.sample import Sample
from parity.steps import pad as pads
from parity.suspects.mistake import Function, made_in

Size = tuple[int, int]
Array = NDArray[Any]

mistake = made_in(pads.pad_sample)


@mistake(pads.pad_array)
def label_padded_with_class_0(pad_array: Function, array: Array, size: Size, **options: Any) -> Any:
    """The label map is padded with class 0; the reference pads it with 255, which is ignored."""
    return pad_array(array, size, **({**options, "value": 0} if array.ndim == 2 else options))


@mistake(pads.pad_array)
def image_padded_with_255(pad_array: Function, array: Array, size: Size, **options: Any) -> Any:
    """The image is padded with 255, as the label map is; the reference pads it with 0."""
    return pad_array(array, size, **({**options, "value": 255} if array.ndim == 3 else options))


@mistake(pads.pad_array)
def padded_left_and_top(pad_array: Function, array: Array, size: Size, **options: Any) -> Any:
    """Padding goes to the left and top; the reference pads right and below."""
    turned = np.ascontiguousarray(array[::-1, ::-1])
    return np.ascontiguousarray(pad_array(turned, size, **options)[::-1, ::-1])


@mistake(pads.pad_array)
def padded_centred(pad_array: Function, array: Array, size: Size, **options: Any) -> Any:
    """Padding is shared between opposite sides; the reference pads right and below only."""
    height, width = array.shape[:2]
    middle = (height + max(size[0] - height, 0) // 2, width + max(size[1] - width, 0) // 2)
    first = padded_left_and_top(pad_array, array, middle, **options)
    return pad_array(first, size, **options)


@mistake(pads.padded_size, needs="a size that is not square")
def size_is_height_width(padded_size: Function, *given: int, size: Any = None, **rest: Any) -> Any:
    """Size is read as (height, width); the reference takes (width, height)."""
    return padded_size(*given, size=size and size[::-1], **rest)


@mistake(pads.padded_size, needs="a size that is no multiple of 32")
def size_up_to_multiple(padded_size: Function, *given: int, size: Any = None, **rest: Any) -> Any:
    """The size is rounded up to multiples of 32 besides; the reference takes it as it is."""
    height, width = padded_size(*given, size=size, **rest)
    return (height, width) if size is None else (-(-height // 32) * 32, -(-width // 32) * 32)


@mistake(pads.padded_size, needs="pad_to_square, and an image that is not square")
def square_ignored(size_of: Function, *given: int, pad_to_square: bool = False, **rest: Any) -> Any:
    """The image is not padded to a square; with pad_to_square the reference does that."""
    if not pad_to_square:
        return size_of(*given, **rest)
    return size_of(*given, size_divisor=rest.get("size_divisor") or 1)


@mistake(pads.pad_sample)
def label_map_not_padded(pad_sample: Function, sample: Sample, *given: Any, **options: Any) -> Any:
    """Only the image is padded; the reference pads the label map to the same size."""
    return pad_sample(sample, *given, **options).replace(seg=sample.seg)


@mistake(pads.pad_sample)
def pad_shape_without_channels(pad: Function, sample: Sample, *given: Any, **options: Any) -> Any:
    """Meta pad_shape is (height, width); the reference's has the channels, too."""
    good = pad(sample, *given, **options)
    return good.replace(meta=good.meta.replace(pad_shape=good.image.shape[:2]))


@mistake(pads.pad_sample)
def shape_before_padding(pad_sample: Function, sample: Sample, *given: Any, **options: Any) -> Any:
    """Meta img_shape stays that of the image before; the reference has the padded one."""
    good = pad_sample(sample, *given, **options)
    return good.replace(meta=good.meta.replace(img_shape=sample.image.shape[:2]))
