"""What people get wrong when resizing an image and its label map."""

import math
from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.sample import Sample
from parity.steps import crop, flip, multiscale, photometric
from parity.steps import resize as resizes
from parity.suspects.generators import of_python, of_torch
from parity.suspects.mistake import Function, made_in

Size = tuple[int, int]
Factor = tuple[float, float]

_PORTRAIT = "an image that is higher than wide"

random_mistake = made_in(resizes.random_resize_sample)
mistake = made_in(resizes.random_resize_sample, resizes.resize_sample)


@random_mistake(resizes.resize_sample)
def label_not_resized(resize: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """The label map keeps its size; the reference resizes it with the image in training."""
    return resize(sample, rng, **options).replace(seg=sample.seg)


@mistake(resizes.scaled_size)
def size_truncated(scaled_size: Function, height: int, width: int, factor: Factor) -> Size:
    """The new size is truncated; the reference rounds half up."""
    return int(height * factor[1]), int(width * factor[0])


@mistake(resizes.scaled_size, needs="an edge whose new length ends in .5 exactly")
def size_rounded_to_even(scaled_size: Function, height: int, width: int, factor: Factor) -> Size:
    """The new size is rounded half to even, as round() does; the reference rounds half up."""
    return round(height * factor[1]), round(width * factor[0])


@mistake(resizes.scaled_size)
def size_rounded_up(scaled_size: Function, height: int, width: int, factor: Factor) -> Size:
    """The new size is rounded up; the reference rounds half up."""
    return math.ceil(height * factor[1]), math.ceil(width * factor[0])


@mistake(resizes.scaled_size)
def size_multiple_of_32(scaled_size: Function, height: int, width: int, factor: Factor) -> Size:
    """The new size is rounded up to multiples of 32; the reference takes any size."""
    sizes = scaled_size(height, width, factor)
    return math.ceil(sizes[0] / 32) * 32, math.ceil(sizes[1] / 32) * 32


@mistake(resizes.keep_ratio_size, needs=_PORTRAIT)
def scale_is_width_height(keep_ratio_size: Function, height: int, width: int, scale: Size) -> Any:
    """The scale bounds width and height; the reference bounds the long and the short edge."""
    return _scaled(height, width, min(scale[0] / width, scale[1] / height))


@mistake(resizes.keep_ratio_size, needs="an image that is wider than high")
def scale_is_height_width(keep_ratio_size: Function, height: int, width: int, scale: Size) -> Any:
    """The scale bounds height and width; the reference bounds the long and the short edge."""
    return _scaled(height, width, min(scale[0] / height, scale[1] / width))


@mistake(resizes.keep_ratio_size, needs="an image so long that the long edge bounds it")
def short_side_only(keep_ratio_size: Function, height: int, width: int, scale: Size) -> Any:
    """Only the short edge counts; the reference also keeps the long edge inside the scale."""
    return _scaled(height, width, min(scale) / min(height, width))


@mistake(resizes.keep_ratio_size, needs="an image that the short edge bounds")
def long_side_only(keep_ratio_size: Function, height: int, width: int, scale: Size) -> Any:
    """Only the long edge counts; the reference also keeps the short edge inside the scale."""
    return _scaled(height, width, max(scale) / max(height, width))


@mistake(resizes.keep_ratio_size, needs="an image smaller than the scale")
def never_enlarged(keep_ratio_size: Function, height: int, width: int, scale: Size) -> Any:
    """Images smaller than the scale are left alone; the reference enlarges them."""
    size = keep_ratio_size(height, width, scale)
    return size if max(size) < max(height, width) else (height, width)


@mistake(
    resizes.resize_sample, needs="keep_ratio=True and an image of another ratio", keep_ratio=False
)
def ratio_not_kept() -> None:
    """The image is stretched to the scale; the reference keeps its ratio."""


@mistake(resizes.resize_sample, needs="keep_ratio=False")
def scale_height_first(resize: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """The scale is read as (height, width); the reference has (width, height)."""
    return resize(sample, rng, **{**options, "scale": options["scale"][::-1]})


@mistake(resizes.resize_sample, needs="an image whose width and height round differently")
def scale_factor_height_first(resize: Function, *given: Any, **options: Any) -> Any:
    """Meta scale_factor is (h_scale, w_scale); the reference has (w_scale, h_scale)."""
    good = resize(*given, **options)
    return good.replace(meta=good.meta.replace(scale_factor=good.meta.scale_factor[::-1]))


@mistake(resizes.resize_sample, needs="a new size that had to be rounded")
def scale_factor_before_rounding(resize: Function, sample: Any, *rest: Any, **options: Any) -> Any:
    """Meta scale_factor is the one asked for; the reference has new size / old size."""
    good = resize(sample, *rest, **options)
    if not options.get("keep_ratio"):
        return good
    edges = sample.image.shape[:2]
    factor = min(max(options["scale"]) / max(edges), min(options["scale"]) / min(edges))
    return good.replace(meta=good.meta.replace(scale_factor=(factor, factor)))


@mistake(resizes.resize_sample)
def shape_of_original(resize: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """Meta img_shape stays that of the original; the reference has the new one."""
    good = resize(sample, rng, **options)
    return good.replace(meta=good.meta.replace(img_shape=sample.meta.ori_shape))


@mistake(resizes.resize_sample)
def not_resized(resize_sample: Function, sample: Sample, rng: Any = None, **options: Any) -> Any:
    """The resize is left out; the reference resizes in training and in validation."""
    return sample.replace()


@random_mistake(resizes.draw_scale)
def ratio_not_drawn(_: Function, rng: RandomState, *, scale: Size, ratio_range: Factor) -> Any:
    """The scale is used as it is; the reference multiplies it by a ratio that it draws."""
    return scale


@random_mistake(resizes.draw_scale)
def ratio_of_each_edge(_: Function, rng: RandomState, *, scale: Size, ratio_range: Factor) -> Any:
    """A ratio is drawn for each edge; the reference draws one for both."""
    low, high = ratio_range
    return tuple(int(edge * (rng.random_sample() * (high - low) + low)) for edge in scale)


@random_mistake(resizes.draw_scale)
def ratio_log_uniform(_: Function, rng: RandomState, *, scale: Size, ratio_range: Factor) -> Any:
    """The logarithm of the ratio is uniform (torchvision); in the reference the ratio is."""
    low, high = ratio_range
    ratio = math.exp(rng.uniform(math.log(low), math.log(high)))
    return int(scale[0] * ratio), int(scale[1] * ratio)


@random_mistake(resizes.draw_scale)
def ratio_in_steps(_: Function, rng: RandomState, *, scale: Size, ratio_range: Factor) -> Any:
    """The ratio is one of 0.5, 0.75, ... (DeepLab); the reference draws it continuously."""
    ratio = rng.choice(np.arange(ratio_range[0], ratio_range[1] + 0.25, 0.25))
    return int(scale[0] * ratio), int(scale[1] * ratio)


@random_mistake(resizes.draw_scale)
def scale_rounded(_: Function, rng: RandomState, *, scale: Size, ratio_range: Factor) -> Any:
    """Scale times ratio is rounded; the reference truncates it."""
    low, high = ratio_range
    ratio = rng.random_sample() * (high - low) + low
    return round(scale[0] * ratio), round(scale[1] * ratio)


@random_mistake(resizes.random_resize_sample)
def ratio_of_image(_: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The ratio multiplies the image's own size; the reference multiplies the scale."""
    low, high = options["ratio_range"]
    ratio = rng.random_sample() * (high - low) + low
    return resizes.resize_sample(sample, rng, scale_factor=ratio)


@random_mistake(resizes.random_resize_sample, needs="a range of ratios")
def ratio_from_torch(resize: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """The ratio is drawn from torch's generator; the reference draws from NumPy's."""
    return resize(sample, of_torch(rng), **options)


@random_mistake(resizes.random_resize_sample, needs="a range of ratios")
def ratio_from_random(resize: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """The ratio is drawn from the module random; the reference draws from NumPy's generator."""
    return resize(sample, of_python(rng), **options)


def _scaled(height: int, width: int, factor: float) -> Any:
    return resizes.scaled_size(height, width, (factor, factor))


@made_in(
    *(resizes.random_resize_sample, multiscale.random_choice_resize_sample),
    *(crop.crop_sample, flip.flip_sample, photometric.photometric_sample),
)()
def seed_reset_per_sample(step: Function, sample: Any, rng: RandomState, **options: Any) -> Any:
    """The seed is set to 0 anew for every sample; the reference goes on in one stream."""
    rng.seed(0)
    return step(sample, rng, **options)
