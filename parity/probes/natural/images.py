"""Images as transforms take them: arrays, Pillow images, tensors; alone or in a mapping."""

import pickle
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from PIL import Image

from parity.compare.rng import RecordingRandomState
from parity.errors import InputError
from parity.probes.natural.signature import SPELLINGS, Caller, parameters_of
from parity.sample import Array, Meta, Sample

IMAGE_KEYS = ("image", "img", "images", "inputs", "pixel_values")
SEG_KEYS = ("seg", "segs", "masks", *SPELLINGS["seg"])
# What people call a mapping that holds a sample.
MAPPINGS = frozenset(
    {"results", "result", "sample", "data", "data_dict", "dataset_dict", "input_dict", "inputs"}
    | {"item", "example", "batch", "dic", "d"}
)
_SEG_ENTRIES = ("gt_seg_map", "gt_semantic_seg", "label", "mask", "segmentation", "target")
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class ImageForm:
    """How images ``(H, W, 3)`` uint8 BGR and label maps ``(H, W)`` uint8 are given and taken back.

    manner: what is said of a function that is called so, "" for arrays.
    """

    image: Callable[[Array], Any]
    seg: Callable[[Array], Any]
    manner: str = ""


def _tensor(image: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))


FORMS = (
    ImageForm(np.asarray, np.asarray),
    ImageForm(
        lambda image: Image.fromarray(np.ascontiguousarray(image[..., ::-1])),
        Image.fromarray,
        "takes Pillow images, in RGB",
    ),
    ImageForm(
        _tensor,
        lambda seg: torch.from_numpy(seg.astype(np.int64)),
        "takes tensors, uint8 (3, H, W) in RGB and int64 (H, W)",
    ),
)


class Streams:
    """The states of all generators that a candidate may draw from, to go back to."""

    def __init__(self, rng: RandomState | None) -> None:
        self._rng = rng
        self._states = self._now()
        self._draws = len(getattr(rng, "draws", ()))

    def _now(self) -> tuple[Any, ...]:
        own = None if self._rng is None else self._rng.get_state()
        return own, np.random.get_state(), random.getstate(), torch.get_rng_state().numpy()

    @property
    def moved(self) -> bool:
        """Whether anything was drawn since."""
        return pickle.dumps(self._now()) != pickle.dumps(self._states)

    def rewind(self) -> None:
        """Let everything be as it was, recorded draws too."""
        own, numpy, python, of_torch = self._states
        np.random.set_state(numpy)
        random.setstate(python)
        torch.set_rng_state(torch.from_numpy(of_torch))
        if self._rng is not None:
            self._rng.set_state(own)
        if isinstance(self._rng, RecordingRandomState):
            del self._rng.draws[self._draws :]


def transformed(
    call: Caller,
    sample: Sample,
    rng: RandomState | None,
    options: Mapping[str, Any],
    *,
    alone: bool = True,
) -> tuple[Any, Any, str]:
    """Image and label map that a function gives, None for none, and the manner of its form.

    The form is the first of `FORMS` in which it gives an image ``(H, W, 3)`` of the label map's
    size; arrays where there is none, with what it raises on them. alone: whether one whose second
    parameter is not called like a label map takes the image alone. Returns the image and the label
    map as arrays, where they are Pillow images or tensors.
    """
    run = partial(_called, call, sample, rng, options, alone)
    start = Streams(rng)
    for form in FORMS:
        with suppress(Exception):  # arrays are tried again, and what is raised on them is told
            image, seg = run(form)
            if _fits(image, seg):
                return image, seg, form.manner
        start.rewind()
    return (*run(FORMS[0]), "")


def as_pipeline(function: Callable[..., Any]) -> Callable[..., Any]:
    """A whole pipeline as one of arrays, ``(image, seg, rng)``, whatever form it takes them in."""
    call = Caller(function)

    def pipeline(image: Array, seg: Array, rng: RandomState | None) -> Any:
        found = transformed(call, Sample(image, seg, Meta()), rng, {}, alone=False)[:2]
        return found if found[1] is not None else found[0]

    return pipeline


def takes_mapping(function: Any) -> bool:
    """Whether all that a transform needs is a mapping of image and label map."""
    taken = parameters_of(function).values()
    needed = [one.name for one in taken if one.default is one.empty]
    return len(needed) == 1 and needed[0] in MAPPINGS


def _called(
    call: Caller,
    sample: Sample,
    rng: RandomState | None,
    options: Mapping[str, Any],
    alone: bool,
    form: ImageForm,
) -> Pair:
    plain = sample.seg if sample.seg is not None else np.zeros(sample.image.shape[:2], np.uint8)
    image, seg = form.image(sample.image), form.seg(plain)
    if takes_mapping(call.function):
        given = _mapping(sample, deepcopy(image), deepcopy(seg))
        found = call({next(iter(parameters_of(call.function))): dict(given)}, options, {"rng": rng})
        pair = _changed(found, given) if isinstance(found, Mapping) else pair_of(found)
    else:
        required = {"image": image, **({} if alone and not _takes_two(call) else {"seg": seg})}
        pair = pair_of(call(required, options, {"rng": rng}))
    return as_array(pair[0]), None if sample.seg is None else as_array(pair[1])


def _mapping(sample: Sample, image: Any, seg: Any) -> dict[str, Any]:
    """As mmseg's pipelines pass it on, and under the names that others give."""
    fields = {"img_fields": ["img"], "seg_fields": ["gt_seg_map"]}
    shown, labels = dict.fromkeys(IMAGE_KEYS[:2], image), dict.fromkeys(_SEG_ENTRIES, seg)
    return {**sample.meta, **fields, **shown, **labels}


def _changed(found: Mapping[str, Any], given: Mapping[str, Any]) -> Pair:
    """What it holds now; of several names, the one that is no longer what was given."""
    entries = [
        [found[key] for key in keys if key in found and found[key] is not given.get(key)]
        or [found[key] for key in keys if key in found]
        for keys in (IMAGE_KEYS, SEG_KEYS)
    ]
    image, seg = (next(iter(found), None) for found in entries)
    return image, seg


def pair_of(result: Any) -> Pair:
    """Image and label map of what a function gives; None for no label map."""
    if isinstance(result, Sample):
        return result.image, result.seg
    if isinstance(result, Mapping):
        return _entry(result, IMAGE_KEYS), _entry(result, SEG_KEYS)
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    if isinstance(result, (np.ndarray, torch.Tensor, Image.Image)):
        return result, None
    raise InputError(f"gives {_described(result)}; return (image, seg)")


def _entry(result: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((result[key] for key in keys if key in result), None)


def _takes_two(call: Caller) -> bool:
    names = list(parameters_of(call.function))
    return len(names) > 1 and names[1] in SEG_KEYS


def as_array(value: Any) -> Any:
    """A Pillow image or a tensor as our array; anything else as it is."""
    if isinstance(value, Image.Image):
        array = np.array(value)
        return np.ascontiguousarray(array[..., ::-1]) if array.ndim == 3 else array
    if not isinstance(value, torch.Tensor):
        return value
    array = value.detach().cpu().numpy()
    if array.ndim == 3 and len(array) == 3:
        return np.ascontiguousarray(array.transpose(1, 2, 0)[..., ::-1])
    small = array.astype(np.uint8)
    return small if np.array_equal(small, array) else array


def _fits(image: Any, seg: Any) -> bool:
    is_image = isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 3
    return is_image and (seg is None or np.shape(seg) == image.shape[:2])


def _described(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
