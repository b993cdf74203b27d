"""Steps with one planted defect each: what the harness must catch.

The functions have the steps' own signatures; a defect is a variant of the real
code, never of the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import load as loads
from parity.steps import photometric as photometrics
from parity.steps import resize as resizes


@dataclass(frozen=True)
class Defect:
    """A named mistake: the step it is in, and how it changes a tuple of steps."""

    name: str
    pipeline: str
    step: str
    plant: Callable[[tuple[Step, ...]], tuple[Step, ...]]


def _swap(
    name: str, function: Callable[..., Any]
) -> Callable[[tuple[Step, ...]], tuple[Step, ...]]:
    def plant(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(
            Step(name, function, step.options) if step.name == name else step for step in steps
        )

    return plant


def load_rgb(info, rng):
    sample = loads.load_sample(info)
    return sample.replace(image=sample.image[..., ::-1].copy())


def load_one_pixel_off_by_255(info, rng):
    """0 against 255 at one pixel: a uint8 subtraction would call it 1."""
    sample = loads.load_sample(info)
    image = sample.image.copy()
    image[3, 2, 1] = image[3, 2, 1] ^ 0xFF
    return sample.replace(image=image)


def load_reduce_zero_wraps(info, rng):
    """254 becomes 253 instead of 255: a raw 255 turns into class 254."""
    raw = loads.load_annotation(info.seg_map_path)
    return loads.load_sample(info).replace(seg=(raw - np.uint8(1)))


def load_reduce_zero_twice(info, rng):
    sample = loads.load_sample(info)
    return sample.replace(seg=loads.reduce_zero(sample.seg))


def load_wrong_dtype(info, rng):
    sample = loads.load_sample(info)
    return sample.replace(seg=sample.seg.astype(np.int64))


def resize_truncated(sample, rng, *, scale, ratio_range, keep_ratio):
    drawn = resizes.draw_scale(rng, scale=scale, ratio_range=ratio_range)
    height, width = sample.image.shape[:2]
    factor = min(max(drawn) / max(height, width), min(drawn) / min(height, width))
    size = (int(height * factor), int(width * factor))
    return _resized(sample, size)


def resize_bilinear_labels(sample, rng, *, scale, ratio_range, keep_ratio):
    good = resizes.random_resize_sample(sample, rng, scale=scale, ratio_range=ratio_range)
    return good.replace(seg=resizes.resize(sample.seg, size=good.seg.shape))


def resize_pillow(sample, rng, *, scale, ratio_range, keep_ratio):
    drawn = resizes.draw_scale(rng, scale=scale, ratio_range=ratio_range)
    return resizes.resize_sample(sample, scale=drawn, keep_ratio=True, backend="pillow")


def resize_ratio_of_each_edge(sample, rng, *, scale, ratio_range, keep_ratio):
    """One ratio per edge: an extra draw."""
    low, high = ratio_range
    drawn = tuple(int(edge * (rng.random_sample() * (high - low) + low)) for edge in scale)
    return resizes.resize_sample(sample, scale=drawn, keep_ratio=True)


def resize_scale_factor_swapped(sample, rng, *, scale, ratio_range, keep_ratio):
    good = resizes.random_resize_sample(sample, rng, scale=scale, ratio_range=ratio_range)
    return good.replace(meta=good.meta.replace(scale_factor=good.meta.scale_factor[::-1]))


def val_resize_label_too(sample, rng):
    good = loads.load_annotation_sample(sample)
    return good.replace(
        seg=resizes.resize(good.seg, size=sample.image.shape[:2], interpolation="nearest")
    )


def val_resize_short_side(sample, rng, *, scale, keep_ratio):
    height, width = sample.image.shape[:2]
    factor = min(scale) / min(height, width)
    return _resized(sample, (int(height * factor + 0.5), int(width * factor + 0.5)))


def crop_counting_ignore(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(
        sample, rng, crop_size=crop_size, cat_max_ratio=cat_max_ratio, ignore_index=-1
    )


def crop_without_category_test(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(sample, rng, crop_size=crop_size)


def crop_exclusive_offset(sample, rng, *, crop_size, cat_max_ratio):
    """The last offset is never drawn; the same number of draws."""
    state = rng.get_state()
    good = crops.crop_sample(sample, rng, crop_size=crop_size, cat_max_ratio=cat_max_ratio)
    rng.set_state(state)
    height, width = sample.image.shape[:2]
    top = rng.randint(0, max(height - crop_size[0], 1))
    left = rng.randint(0, max(width - crop_size[1], 1))
    box = crops.CropBox(top, top + crop_size[0], left, left + crop_size[1])
    return good.replace(image=crops.crop(sample.image, box), seg=crops.crop(sample.seg, box))


def crop_width_drawn_first(sample, rng, *, crop_size, cat_max_ratio):
    turned = sample.replace(
        image=sample.image.transpose(1, 0, 2), seg=np.ascontiguousarray(sample.seg.T)
    )
    good = crops.crop_sample(turned, rng, crop_size=crop_size[::-1], cat_max_ratio=cat_max_ratio)
    image = good.image.transpose(1, 0, 2)
    return good.replace(
        image=image, seg=good.seg.T, meta=good.meta.replace(img_shape=image.shape[:2])
    )


def crop_nine_tries(sample, rng, *, crop_size, cat_max_ratio):
    box = None
    for _ in range(crops.MAX_TRIES):
        box = crops.draw_crop_box(
            rng, None, image_shape=sample.image.shape[:2], crop_size=crop_size
        )
        if crops.is_varied(crops.crop(sample.seg, box), cat_max_ratio=cat_max_ratio):
            break
    image, seg = crops.crop(sample.image, box), crops.crop(sample.seg, box)
    return sample.replace(image=image, seg=seg, meta=sample.meta.replace(img_shape=image.shape[:2]))


def flip_image_only(sample, rng, *, prob):
    return flips.flip_sample(sample, rng, prob=prob).replace(seg=sample.seg)


def flip_vertical(sample, rng, *, prob):
    return flips.flip_sample(sample, rng, prob=prob, direction="vertical")


def flip_by_random_sample(sample, rng, *, prob):
    """``random() >= prob``: the same draw, the opposite decision."""
    flipped = bool(rng.random_sample() >= prob)
    meta = sample.meta.replace(flip=flipped, flip_direction="horizontal" if flipped else None)
    if not flipped:
        return sample.replace(meta=meta)
    return sample.replace(
        image=flips.flip(sample.image, "horizontal"),
        seg=flips.flip(sample.seg, "horizontal"),
        meta=meta,
    )


def flip_meta_missing(sample, rng, *, prob):
    good = flips.flip_sample(sample, rng, prob=prob)
    return good.replace(meta=sample.meta)


def flip_before_crop(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The operations change places; each keeps its slot's name, as in a user's own pipeline."""
    by_name = {step.name: step for step in steps}
    crop, flip = by_name["crop"], by_name["flip"]
    swapped = {
        "crop": Step("crop", flip.function, flip.options),
        "flip": Step("flip", crop.function, crop.options),
    }
    return tuple(swapped.get(step.name, step) for step in steps)


def photometric_inclusive_hue(sample, rng):
    return photometrics.photometric_sample(sample, _InclusiveRandint(rng))


class _InclusiveRandint:
    def __init__(self, rng):
        self._rng = rng

    def __getattr__(self, name):
        return getattr(self._rng, name)

    def randint(self, low, high=None):
        return self._rng.randint(low) if high is None else self._rng.randint(low, high + 1)


def photometric_rounded(sample, rng):
    draws = photometrics.draw_photometric(rng)
    image = sample.image
    if draws.brightness is not None:
        image = np.clip(np.rint(image.astype(np.float32) + draws.brightness), 0, 255).astype(
            np.uint8
        )
    rest = photometrics.PhotometricDraws(
        None, draws.contrast_first, draws.contrast, draws.saturation, draws.hue
    )
    return sample.replace(image=photometrics.photometric(image, rest))


def photometric_hue_modulo_256(sample, rng):
    draws = photometrics.draw_photometric(rng)
    if draws.hue is None:
        return sample.replace(image=photometrics.photometric(sample.image, draws))
    hsv = cv2.cvtColor(sample.image, cv2.COLOR_BGR2HSV)
    hsv[..., 0] += np.uint8(draws.hue % 256)
    return sample.replace(image=cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR))


def photometric_extra_draw(sample, rng):
    good = photometrics.photometric_sample(sample, rng)
    rng.random_sample()
    return good


def photometric_contrast_always_first(sample, rng):
    draws = photometrics.draw_photometric(rng)
    early = photometrics.PhotometricDraws(
        draws.brightness, True, draws.contrast, draws.saturation, draws.hue
    )
    return sample.replace(image=photometrics.photometric(sample.image, early))


def photometric_in_place(sample, rng):
    good = photometrics.photometric_sample(sample, rng)
    np.copyto(sample.image, good.image)
    return sample


def _resized(sample, size):
    height, width = sample.image.shape[:2]
    image = resizes.resize(sample.image, size=size)
    seg = sample.seg
    if seg is not None:
        seg = resizes.resize(seg, size=size, interpolation="nearest")
    meta = sample.meta.replace(img_shape=size, scale_factor=(size[1] / width, size[0] / height))
    return sample.replace(image=image, seg=seg, meta=meta)


DEFECTS = [
    *(
        Defect(function.__name__, "train", step, _swap(step, function))
        for step, functions in {
            "load": [
                load_rgb,
                load_one_pixel_off_by_255,
                load_reduce_zero_wraps,
                load_reduce_zero_twice,
                load_wrong_dtype,
            ],
            "resize": [
                resize_truncated,
                resize_bilinear_labels,
                resize_pillow,
                resize_ratio_of_each_edge,
                resize_scale_factor_swapped,
            ],
            "crop": [
                crop_counting_ignore,
                crop_without_category_test,
                crop_exclusive_offset,
                crop_width_drawn_first,
                crop_nine_tries,
            ],
            "flip": [flip_image_only, flip_vertical, flip_by_random_sample, flip_meta_missing],
            "photometric": [
                photometric_inclusive_hue,
                photometric_rounded,
                photometric_hue_modulo_256,
                photometric_extra_draw,
                photometric_contrast_always_first,
            ],
        }.items()
        for function in functions
    ),
    Defect("flip_before_crop", "train", "crop", flip_before_crop),
    Defect(
        "val_resize_label_too",
        "val",
        "load_annotation",
        _swap("load_annotation", val_resize_label_too),
    ),
    Defect("val_resize_short_side", "val", "resize", _swap("resize", val_resize_short_side)),
]

PIPELINES = {"train": TrainPipeline(), "val": ValPipeline()}
