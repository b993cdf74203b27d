"""Steps with one planted defect each, of every kind that the harness must tell apart.

Mistakes that people make are suspects (`parity.suspects`). The functions here have the
steps' own signatures; a defect is a variant of the real code, never of the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.compare.trace import run_step
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import load as loads
from parity.steps import photometric as photometrics
from parity.steps import resize as resizes
from parity.suspects.diagnose import diagnose_many


@dataclass(frozen=True)
class Defect:
    """A named mistake: the step it is in, and how it changes a tuple of steps."""

    name: str
    pipeline: str
    step: str
    plant: Callable[[tuple[Step, ...]], tuple[Step, ...]]


DEFECTS: list[Defect] = []


def defect_of(name: str, pipeline: str = "train") -> Callable[[Callable[..., Any]], Any]:
    """Register a function that stands for the step `name`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        def plant(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(step.doing(function) if step.name == name else step for step in steps)

        DEFECTS.append(Defect(function.__name__, pipeline, name, plant))
        return function

    return register


@defect_of("load")
def load_one_pixel_off_by_255(info, rng):
    """0 against 255 at one pixel: a uint8 subtraction would call it 1."""
    sample = loads.load_sample(info)
    image = sample.image.copy()
    image[3, 2, 1] = image[3, 2, 1] ^ 0xFF
    return sample.replace(image=image)


@defect_of("load")
def load_wrong_dtype(info, rng):
    sample = loads.load_sample(info)
    return sample.replace(seg=sample.seg.astype(np.int64))


@defect_of("resize")
def resize_ratio_of_each_edge(sample, rng, *, scale, ratio_range, keep_ratio):
    """One ratio per edge: an extra draw."""
    low, high = ratio_range
    drawn = tuple(int(edge * (rng.random_sample() * (high - low) + low)) for edge in scale)
    return resizes.resize_sample(sample, scale=drawn, keep_ratio=True)


@defect_of("resize")
def resize_scale_factor_swapped(sample, rng, *, scale, ratio_range, keep_ratio):
    good = resizes.random_resize_sample(
        sample, rng, scale=scale, ratio_range=ratio_range, keep_ratio=True
    )
    return good.replace(meta=good.meta.replace(scale_factor=good.meta.scale_factor[::-1]))


@defect_of("load_annotation", "val")
def val_resize_label_too(sample, rng):
    good = loads.load_annotation_sample(sample)
    return good.replace(
        seg=resizes.resize(good.seg, size=sample.image.shape[:2], interpolation="nearest")
    )


@defect_of("crop")
def crop_counting_ignore(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(
        sample, rng, crop_size=crop_size, cat_max_ratio=cat_max_ratio, ignore_index=-1
    )


@defect_of("crop")
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


@defect_of("flip")
def flip_image_only(sample, rng, *, prob):
    return flips.flip_sample(sample, rng, prob=prob).replace(seg=sample.seg)


@defect_of("flip")
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


@defect_of("flip")
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


@defect_of("photometric")
def photometric_inclusive_hue(sample, rng):
    return photometrics.photometric_sample(sample, _InclusiveRandint(rng))


class _InclusiveRandint:
    def __init__(self, rng):
        self._rng = rng

    def __getattr__(self, name):
        return getattr(self._rng, name)

    def randint(self, low, high=None):
        return self._rng.randint(low) if high is None else self._rng.randint(low, high + 1)


@defect_of("photometric")
def photometric_extra_draw(sample, rng):
    good = photometrics.photometric_sample(sample, rng)
    rng.random_sample()
    return good


def photometric_in_place(sample, rng):
    good = photometrics.photometric_sample(sample, rng)
    np.copyto(sample.image, good.image)
    return sample


DEFECTS.append(Defect("flip_before_crop", "train", "crop", flip_before_crop))
PIPELINES = {"train": TrainPipeline(), "val": ValPipeline()}


def diagnose_candidate(step, candidate, expected, *, pairs=True):
    """Run `candidate` on the input of each record of the reference, and name its mistake."""
    records = [
        (record, run_step(record.name, candidate, record.input, record.state_before))
        for record in expected
    ]
    return diagnose_many(step, records, pairs=pairs)
