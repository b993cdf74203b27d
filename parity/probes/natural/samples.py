"""Augmentation and batches: samples in, samples out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState

from parity.errors import InputError, NotExercised
from parity.probes.natural.signature import Caller, Partly, parameters_of, through_caller
from parity.sample import EDGE, Batch, Sample

_IMAGE_KEYS = ("image", "img", "images", "inputs", "pixel_values")
_SEG_KEYS = ("seg", "segs", "label", "labels", "mask", "masks", "gt_seg_map", "target")
_ONE = frozenset({"sample", "item", "example"})
_SEVERAL = frozenset({"samples", "batch", "items", "data", "batch_list", "examples"})


def augmented(own: Callable[..., Any]) -> Any:
    """``(image, seg, rng)`` to image and label map; the rest of the sample is as `own` has it."""

    def run(call: Caller, sample: Sample, rng: RandomState, **options: Any) -> Sample:
        good: Sample = own(sample, _copy(rng), **options)
        seg = np.zeros(sample.image.shape[:2], np.uint8) if sample.seg is None else sample.seg
        required = {"image": sample.image}
        if _takes_two(call):
            required["seg"] = seg
        image, label = _pair(call(required, options, {"rng": rng}))
        given = label if label is not None and sample.seg is not None else good.seg
        return good.replace(image=image, seg=given)

    return run


@through_caller
def edged(call: Caller, sample: Sample, rng: RandomState | None = None, **options: Any) -> Sample:
    """``(seg)`` to its edge map, which the sample then holds as well."""
    found = call({"seg": sample.seg}, options, {"rng": rng})
    return found if isinstance(found, Sample) else sample.replace(maps={**sample.maps, EDGE: found})


@through_caller
def collated(call: Caller, value: Sample | list[Sample], rng: RandomState, **options: Any) -> Any:
    """Samples to a batch; a function of one sample gets them one by one."""
    samples = [value] if isinstance(value, Sample) else value
    extras = {"rng": rng}
    if not takes_one(call.function):
        return _batch(call({"samples": samples}, options, extras))
    if len(samples) > 1 and options.get("training", True) and options.get("size") is None:
        raise NotExercised("takes one sample; here the largest of several gives the size")
    batches = [_batch(call({"sample": sample}, options, extras)) for sample in samples]
    return batches[0] if len(batches) == 1 else _joined(batches)


def takes_one(function: Any) -> bool:
    """Whether a collate function takes one sample, by the name of its first parameter.

    With a stream as the second one, it is a step in the place of ours after a
    pipeline, and takes one unless it says otherwise.
    """
    names = [*parameters_of(function), ""]
    if names[0] in _ONE or names[0] in _SEVERAL:
        return names[0] in _ONE
    title = getattr(function, "__name__", "")
    return title != "collate_samples" and names[1:2] == ["rng"]


def _takes_two(call: Caller) -> bool:
    names = list(parameters_of(call.function))
    return len(names) > 1 and names[1] in ("seg", *_SEG_KEYS, "gt", "seg_map", "annotation")


def _pair(result: Any) -> tuple[Any, Any]:
    """Image and label map of what a function gives; None for no label map."""
    if isinstance(result, Sample):
        return result.image, result.seg
    if isinstance(result, Mapping):
        return _entry(result, _IMAGE_KEYS), _entry(result, _SEG_KEYS)
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    if isinstance(result, np.ndarray):
        return result, None
    raise InputError(f"gives {_described(result)}; return (image, seg)")


def _batch(result: Any) -> Any:
    """A Batch as it is; of a tuple or a mapping, images and label maps are compared."""
    if isinstance(result, Batch) or result is None:
        return result
    if isinstance(result, Mapping):
        pair = _entry(result, _IMAGE_KEYS), _entry(result, _SEG_KEYS)
    elif isinstance(result, (tuple, list)) and len(result) == 2:
        pair = result[0], result[1]
    else:
        return result
    return Partly(images=pair[0], segs=pair[1])


def _joined(batches: Sequence[Any]) -> Any:
    """Batches of one sample as one batch."""
    if not all(isinstance(batch, Batch) for batch in batches):
        return batches[0]
    images = torch.cat([batch.images for batch in batches])
    metas = tuple(meta for batch in batches for meta in batch.metas)
    if all(isinstance(batch.segs, torch.Tensor) for batch in batches):
        return Batch(images, torch.cat([batch.segs for batch in batches]), metas)
    segs = tuple(None if batch.segs is None else batch.segs[0] for batch in batches)
    return Batch(images, segs if any(seg is not None for seg in segs) else None, metas)


def _entry(result: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((result[key] for key in keys if key in result), None)


def _copy(rng: RandomState) -> RandomState:
    copied = RandomState()
    copied.set_state(rng.get_state())
    return copied


def _described(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
