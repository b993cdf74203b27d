"""Decision replay: what the reference drew, applied by the candidate.

Our own draw functions run from the recorded generator state and give the
decisions (they are held bit-equal to the reference by ``parity check``); the
candidate's function then does the arithmetic alone.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.candidate.forms import options_of
from parity.check.candidate import Candidate
from parity.compare.trace import StepFunction
from parity.errors import InputError, NotExercised
from parity.pipeline import Step
from parity.probes.natural import parameters_of
from parity.sample import DataInfo, Sample
from parity.steps.crop import draw_crop_box
from parity.steps.load import load_annotation_sample, load_image_sample
from parity.steps.photometric import draw_photometric

Applies = Mapping[str, Callable[..., Any]]


def step_function(candidate: Candidate, part: str, step: Step) -> StepFunction:
    """`step` done by `part` of the candidate, as `parity.candidate.steps.part_for` names it."""
    kind, _, name = part.partition(":")
    if kind == "step":
        return partial(_called, candidate.steps[name], name, step)
    return partial(_REPLAYS[step.module], step, candidate.applies)


def _called(
    function: Callable[..., Any], name: str, step: Step, value: Any, rng: RandomState
) -> Any:
    """`function` in the place of `step`; not run where it needs an option that only others have."""
    needed = [
        key
        for key, one in [*parameters_of(function).items()][2:]
        if one.default is one.empty
        and one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)
        and key in options_of(name) - set(step.options)
    ]
    if needed:
        raise NotExercised(f"needs {needed[0]}, which this case has not")
    return function(value, rng, **step.options)


def replay_load(step: Step, applies: Applies, value: Any, rng: RandomState) -> Sample:
    """``load_image(path)`` and ``load_annotation(path, *, reduce_zero_label, label_map)``.

    What the candidate does not give of the two is loaded by us.
    """
    info = value if isinstance(value, DataInfo) else value.info
    sample = value if isinstance(value, Sample) else load_image_sample(info)
    assert sample is not None  # our loader gives None for ignore_empty only
    if "load_image" in applies and step.name != "load_annotation":
        image = _array(applies["load_image"](info.img_path), "load_image")
        shape = image.shape[:2]
        sample = sample.replace(
            image=image, meta=sample.meta.replace(img_shape=shape, ori_shape=shape)
        )
    if step.name == "load_image":
        return sample
    if "load_annotation" not in applies:
        return load_annotation_sample(sample)
    options = {"reduce_zero_label": info.reduce_zero_label, "label_map": info.label_map}
    seg = applies["load_annotation"](info.seg_map_path, **options)
    return sample.replace(seg=_array(seg, "load_annotation"))


def replay_resize(step: Step, applies: Applies, sample: Sample, rng: RandomState) -> Sample:
    """``resize(array, *, size, interpolation)``: image "bilinear", label map "nearest"."""
    good: Sample = step(sample, rng)
    call = applies["resize"]
    image = call(sample.image, size=good.image.shape[:2], interpolation="bilinear")
    seg = good.seg
    if sample.seg is not None and good.seg is not None:
        seg = _array(call(sample.seg, size=good.seg.shape, interpolation="nearest"), "resize")
    return good.replace(image=_array(image, "resize"), seg=seg)


def replay_crop(step: Step, applies: Applies, sample: Sample, rng: RandomState) -> Sample:
    """``crop(array, box)`` for both; `box` is a `parity.steps.crop.CropBox`."""
    options = dict(step.options)
    size = options.pop("crop_size")
    height, width = sample.image.shape[:2]
    box = draw_crop_box(
        rng,
        sample.seg,
        image_shape=(height, width),
        crop_size=(size, size) if isinstance(size, int) else size,
        **options,
    )
    image = _array(applies["crop"](sample.image, box), "crop")
    seg = sample.seg
    if seg is not None:
        seg = _array(applies["crop"](seg, box), "crop")
    return sample.replace(image=image, seg=seg, meta=sample.meta.replace(img_shape=image.shape[:2]))


def replay_flip(step: Step, applies: Applies, sample: Sample, rng: RandomState) -> Sample:
    """``flip(array, direction)`` for both, called only when the reference flips."""
    good: Sample = step(sample, rng)
    direction = good.meta.flip_direction
    if direction is None:
        return good
    image = _array(applies["flip"](sample.image, direction), "flip")
    seg = None if sample.seg is None else _array(applies["flip"](sample.seg, direction), "flip")
    return good.replace(image=image, seg=seg)


def replay_photometric(step: Step, applies: Applies, sample: Sample, rng: RandomState) -> Sample:
    """``photometric(image, draws)``; `draws` is a `parity.steps.photometric.PhotometricDraws`."""
    draws = draw_photometric(rng, **step.options)
    image = applies["photometric"](sample.image, draws)
    return sample.replace(image=_array(image, "photometric"))


_REPLAYS: dict[str, Callable[..., Sample]] = {
    "load": replay_load,
    "resize": replay_resize,
    "crop": replay_crop,
    "flip": replay_flip,
    "photometric": replay_photometric,
}


def _array(value: Any, name: str) -> Any:
    if not isinstance(value, np.ndarray):
        raise InputError(f"{name} returns {_described(value)}; return an array")
    return value


def _described(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
