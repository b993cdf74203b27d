"""What people get wrong when cropping image and label map."""

from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.sample import Sample
from parity.steps import crop as crops
from parity.steps.flip import flip_sample
from parity.steps.photometric import photometric_sample
from parity.suspects.generators import of_python, of_torch
from parity.suspects.mistake import Function, made_in

Array = NDArray[Any]
Size = tuple[int, int]

_REFUSED = "windows that the category test refuses"
_IGNORED = "windows with ignored pixels near the limit of the category test"

mistake = made_in(crops.crop_sample)


@mistake(crops.is_varied, needs=_REFUSED)
def category_test_missing(is_varied: Function, seg: Array, **options: Any) -> bool:
    """The first window is taken; the reference redraws while one class covers 75 % of it."""
    return True


@mistake(crops.is_varied, needs=_IGNORED, ignore_index=-1)
def ignored_counted() -> None:
    """Ignored pixels count as a label in the category test; the reference leaves them out."""


@mistake(crops.is_varied, needs="windows in which class 0 is common", ignore_index=0)
def class_0_ignored() -> None:
    """The category test leaves class 0 out; the reference leaves 255 out."""


@mistake(crops.is_varied, needs="a window of which one class covers cat_max_ratio exactly")
def ratio_inclusive(varied: Function, seg: Array, *, cat_max_ratio: float, **options: Any) -> Any:
    """A share equal to cat_max_ratio passes; the reference asks for less."""
    return varied(seg, cat_max_ratio=np.nextafter(cat_max_ratio, 2), **options)


@mistake(crops.is_varied, needs="windows of a single label")
def one_label_accepted(is_varied: Function, seg: Array, **options: Any) -> Any:
    """Windows of a single label pass; the reference asks for two labels."""
    is_single = np.unique(seg[seg != options.get("ignore_index", 255)]).size == 1
    return is_single or is_varied(seg, **options)


@mistake(crops.is_varied, needs="windows in which every pixel is ignored")
def all_ignored_accepted(is_varied: Function, seg: Array, **options: Any) -> Any:
    """Windows in which every pixel is ignored pass; the reference redraws them."""
    all_ignored = bool(np.all(seg == options.get("ignore_index", 255)))
    return all_ignored or is_varied(seg, **options)


@mistake(crops.is_varied, needs=_IGNORED)
def ratio_of_all_pixels(is_varied: Function, seg: Array, **options: Any) -> Any:
    """The share is taken of all pixels; the reference divides by those not ignored."""
    most, valid = (
        options["cat_max_ratio"],
        np.count_nonzero(seg != options.get("ignore_index", 255)),
    )
    scaled = most * seg.size / valid if valid else most
    return is_varied(seg, **{**options, "cat_max_ratio": scaled})


@mistake(crops.draw_crop_box, needs=_REFUSED)
def nine_redraws(draw: Function, *given: Any, **options: Any) -> Any:
    """At most ten windows are drawn; the reference draws an eleventh, which it does not test."""
    return _redrawn(9, draw, *given, **options)[-1]


@mistake(crops.draw_crop_box, needs=_REFUSED)
def fifty_redraws(draw: Function, *given: Any, **options: Any) -> Any:
    """Windows are redrawn up to fifty times; the reference gives up after ten."""
    return _redrawn(50, draw, *given, **options)[-1]


@mistake(crops.draw_crop_box, needs="eleven windows in a row that the category test refuses")
def first_window_after_all(draw: Function, *given: Any, **options: Any) -> Any:
    """When every window is refused the first one is taken; the reference takes the last."""
    boxes = _redrawn(crops.MAX_TRIES, draw, *given, **options)
    return boxes[0] if len(boxes) > crops.MAX_TRIES else boxes[-1]


@mistake(crops.draw_window, needs="an image larger than the crop")
def offset_excludes_last(_: Function, rng: RandomState, image_shape: Size, crop_size: Size) -> Any:
    """The last offset is never drawn; the reference includes it."""
    margins = (max(image_shape[axis] - crop_size[axis], 1) for axis in (0, 1))
    return _box([int(rng.randint(0, margin)) for margin in margins], crop_size)


@mistake(crops.draw_window, needs="an image larger than the crop")
def width_drawn_first(draw: Function, rng: RandomState, image_shape: Size, crop_size: Size) -> Any:
    """The column is drawn before the row; the reference draws the row first."""
    turned = draw(rng, image_shape[::-1], crop_size[::-1])
    return crops.CropBox(turned.left, turned.right, turned.top, turned.bottom)


@mistake(crops.draw_window, needs="an image larger than the crop")
def centre_crop(draw_window: Function, rng: RandomState, image_shape: Size, crop_size: Size) -> Any:
    """The centre is cut out; the reference draws the window."""
    return _box([max(image_shape[at] - crop_size[at], 0) // 2 for at in (0, 1)], crop_size)


@mistake(crops.draw_window, needs="an image larger than the crop")
def offset_from_random_sample(_: Function, rng: RandomState, shape: Size, crop: Size) -> Any:
    """Offsets are int(random() * n); the reference calls randint, another stream."""
    margins = (max(shape[axis] - crop[axis], 0) for axis in (0, 1))
    return _box([int(rng.random_sample() * (margin + 1)) for margin in margins], crop)


@mistake(crops.crop_sample, needs="an image larger than the crop")
def not_cropped(crop_sample: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The crop is left out, and nothing drawn; the reference crops."""
    return sample.replace()


@mistake(crops.crop_sample, needs="a crop that is not square")
def crop_size_width_first(crop: Function, *given: Any, crop_size: Size, **options: Any) -> Any:
    """The crop size is read as (width, height); the reference has (height, width)."""
    return crop(*given, crop_size=crop_size[::-1], **options)


@mistake(crops.crop_sample, needs="an image smaller than the crop")
def padded_before_crop(crop: Function, sample: Sample, *rest: Any, **options: Any) -> Any:
    """Small images are padded before the crop; the reference pads when batching."""
    return crop(_padded(sample, options["crop_size"], label=255), *rest, **options)


@mistake(crops.crop_sample, needs="an image smaller than the crop")
def padded_with_class_0(crop: Function, sample: Sample, *rest: Any, **options: Any) -> Any:
    """Small label maps are padded with class 0; the reference pads with 255, when batching."""
    return crop(_padded(sample, options["crop_size"], label=0), *rest, **options)


@mistake(crops.crop_sample, needs="an image larger than the crop")
def label_cropped_elsewhere(crop: Function, sample: Sample, rng: Any, **options: Any) -> Any:
    """Image and label map get windows of their own; the reference cuts both at the same place."""
    good = crop(sample, rng, **options)
    size = (sample.image.shape[0], sample.image.shape[1])
    box = crops.draw_crop_box(rng, None, image_shape=size, crop_size=options["crop_size"])
    return good if sample.seg is None else good.replace(seg=crops.crop(sample.seg, box))


@mistake(crops.crop_sample, needs="an image larger than the crop")
def shape_before_crop(crop: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Meta img_shape stays as before the crop; the reference has the new one."""
    good = crop(sample, rng, **options)
    return good.replace(meta=good.meta.replace(img_shape=sample.image.shape[:2]))


@mistake(crops.crop_sample)
def flip_before_crop(_: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The flip comes before the crop; the reference crops first."""
    return flip_sample(sample, rng, prob=0.5)


@mistake(crops.crop_sample)
def photometric_before_crop(_: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The photometric changes come before the crop; the reference makes them last."""
    return photometric_sample(sample, rng)


@mistake(crops.crop_sample, needs="an image larger than the crop")
def offsets_from_torch(crop_sample: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """Offsets are drawn from torch's generator; the reference draws from NumPy's."""
    return crop_sample(sample, of_torch(rng), **options)


@mistake(crops.crop_sample, needs="an image larger than the crop")
def offsets_from_random(crop: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """Offsets are drawn from the module random; the reference draws from NumPy's generator."""
    return crop(sample, of_python(rng), **options)


def _redrawn(
    redraws: int, draw: Function, rng: Any, seg: Array, *, cat_max_ratio: float, **options: Any
) -> Any:
    """Every window drawn until one passes, the first and `redraws` more at most."""
    ignored = {key: options.pop(key) for key in ("ignore_index",) if key in options}
    boxes = [draw(rng, seg, **options)]
    while len(boxes) <= redraws and not crops.is_varied(
        crops.crop(seg, boxes[-1]), cat_max_ratio=cat_max_ratio, **ignored
    ):
        boxes.append(draw(rng, seg, **options))
    return boxes


def _box(corner: list[int], crop_size: Size) -> Any:
    top, left = corner
    return crops.CropBox(top, top + crop_size[0], left, left + crop_size[1])


def _padded(sample: Sample, crop_size: Size, *, label: int) -> Sample:
    missing = [max(crop_size[axis] - sample.image.shape[axis], 0) for axis in (0, 1)]
    around = [(0, missing[0]), (0, missing[1])]
    image = np.pad(sample.image, [*around, (0, 0)])
    seg = sample.seg
    return sample.replace(
        image=image, seg=None if seg is None else np.pad(seg, around, constant_values=label)
    )
