"""Augmentation and batches: samples in, samples out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.random import RandomState

from parity.errors import NotExercised
from parity.probes.natural.images import (
    IMAGE_KEYS,
    SEG_KEYS,
    Streams,
    as_array,
    pair_of,
    takes_mapping,
    transformed,
)
from parity.probes.natural.signature import Caller, Partly, parameters_of, through_caller
from parity.sample import EDGE, Batch, DataInfo, Maps, Sample

# Of mmseg's ADE20K configs.
CROP_SIZE = (512, 512)
_ONE = frozenset({"sample", "item", "example"})
_SEVERAL = frozenset({"samples", "batch", "items", "data", "batch_list", "examples"})


@through_caller
def loaded(call: Caller, info: DataInfo, rng: RandomState, **options: Any) -> Any:
    """Call it with our entry ``info``, a mapping of it, or the paths of an image and its labels.

    One path is the image's. Raises NotExercised where it would have to be told how labels are
    numbered.
    """
    first, *others = [*parameters_of(call.function)] or [""]
    if first == "info":
        return call({"info": info}, options, {"rng": rng})
    if takes_mapping(call.function):
        pair = pair_of(call({first: info.as_dict()}, options))
    else:
        given = {"reduce_zero_label": info.reduce_zero_label, "label_map": info.label_map}
        paths = {"img_path": info.img_path, "seg_map_path": info.seg_map_path}
        pair = pair_of(call(paths if others else {first: info.img_path}, {**given, **options}))
    image, seg = map(as_array, pair)
    return Partly(image=image) if seg is None else Partly(image=image, seg=seg)


@through_caller
def augmented(call: Caller, sample: Sample, rng: RandomState, **options: Any) -> Partly:
    """Call it with ``(image, seg, rng)``: uint8 ``(H, W, 3)`` BGR and ``(H, W)`` in and out.

    One that takes a mapping, Pillow images or tensors gets these. Raises InputError unless it
    gives an image, a pair, or a mapping of both.
    """
    image, seg, manner = transformed(call, sample, rng, options)
    found = Partly(image=image) if seg is None else Partly(image=image, seg=seg)
    found.manner = manner
    return found


def resized(function: Any, sample: Sample, rng: RandomState, **options: Any) -> Partly:
    """As `augmented`: a function is for training, where it draws a ratio, for validation, or both.

    Without a parameter ``ratio_range``, what it draws from any generator tells.
    """
    training = "ratio_range" in options
    call = function if isinstance(function, Caller) else Caller(function)
    taken = parameters_of(call.function).get("ratio_range")
    if taken is not None and not training and taken.default not in (None, taken.empty, (1, 1)):
        raise NotExercised(f"draws from ratio_range {taken.default}, and this case has none")
    before = Streams(rng)
    made: Partly = augmented(call, sample, rng, **options)
    draws = before.moved
    if taken is None and draws != training:
        told = "draws a ratio, and this case has none" if draws else "draws no ratio"
        raise NotExercised(told)
    return made


@through_caller
def edged(call: Caller, sample: Sample, rng: RandomState | None = None, **options: Any) -> Sample:
    """``(seg)`` to its edge map, which the sample then holds as well."""
    found = call({"seg": sample.seg}, options, {"rng": rng})
    return found if isinstance(found, Sample) else sample.replace(maps={**sample.maps, EDGE: found})


class DatasetItem(Sample):
    """A sample as data sets of others give it: also a pair, and a mapping, of image and seg."""

    def __iter__(self) -> Iterator[Any]:
        return iter((self.image, self.seg))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, key: int | str) -> Any:
        if isinstance(key, int):
            return (self.image, self.seg)[key]
        for names, value in ((IMAGE_KEYS, self.image), (SEG_KEYS, self.seg)):
            if key in names:
                return value
        return self.meta[key]


@through_caller
def collated(call: Caller, value: Sample | list[Sample], rng: RandomState, **options: Any) -> Any:
    """Make a batch of samples; a function of one sample gets them one by one.

    Gives a Batch, or images float32 ``(N, 3, H, W)`` and segs int64 ``(N, H, W)`` as Partly. Raises
    NotExercised where a size, or label maps, would be needed.
    """
    given = [value] if isinstance(value, Sample) else value
    samples = [DatasetItem(**vars(sample)) for sample in given]
    if not takes_one(call.function):
        return _with_maps(_together(call, samples, rng, options), samples)
    if len(samples) > 1 and options.get("training", True) and options.get("size") is None:
        raise NotExercised("takes one sample; here the largest of several gives the size")
    batches = [_batch(call({"sample": sample}, options, {"rng": rng})) for sample in samples]
    return _with_maps(batches[0] if len(batches) == 1 else _joined(batches), samples)


def _with_maps(found: Any, samples: Sequence[Sample]) -> Any:
    """`found`; raises NotExercised where it has none of the maps besides labels, and needs some."""
    maps = sorted({name for sample in samples for name in sample.maps})
    if maps and isinstance(found, Batch) and not found.maps:
        raise NotExercised(f"gives no {' and no '.join(maps)}")
    return found


def _together(
    call: Caller, samples: Sequence[Sample], rng: RandomState, options: Mapping[str, Any]
) -> Any:
    """The batch of several samples."""
    sizes = {(sample.image.shape[0], sample.image.shape[1]) for sample in samples}
    sized = _takes_a_size(call)
    chosen = options if sized else _without_size(options, sizes)
    try:
        found = _batch(call({"samples": samples}, chosen, {"rng": rng}))
    except (RuntimeError, ValueError):
        if sized or len(sizes) == 1:
            raise
        raise NotExercised("takes no size, and these images are of several") from None
    except (AttributeError, TypeError):
        if all(sample.seg is not None for sample in samples):
            raise
        raise NotExercised("needs label maps, and this case has none") from None
    own = _edges(found) if not sized else None
    if own == CROP_SIZE != tuple(options.get("size") or map(max, zip(*sizes, strict=True))):
        raise NotExercised(f"takes no size and gives {own[0]}x{own[1]}, which this case has not")
    return found


def _edges(batch: Any) -> tuple[int, ...] | None:
    """Height and width of the images of a batch."""
    images = batch["images"] if isinstance(batch, Partly) else getattr(batch, "images", None)
    return tuple(images.shape[-2:]) if isinstance(images, torch.Tensor) else None


def _takes_a_size(call: Caller) -> bool:
    taken = parameters_of(call.function)
    named = {"size", "size_divisor"} & taken.keys()
    return not taken or bool(named) or any(one.kind is one.VAR_KEYWORD for one in taken.values())


def _without_size(options: Mapping[str, Any], sizes: set[tuple[int, int]]) -> dict[str, Any]:
    """`options` without a size to pad to, where the largest of the batch gives the same."""
    largest = tuple(map(max, zip(*sizes, strict=True)))
    size, divisor = options.get("size"), options.get("size_divisor")
    left_out = []
    if size is not None and (
        tuple(size) == largest
        or (len(sizes) == 1 and all(edge <= most for edge, most in zip(size, largest, strict=True)))
    ):
        left_out.append("size")
    if divisor is not None and not any(edge % divisor for edge in largest):
        left_out.append("size_divisor")
    return {key: value for key, value in options.items() if key not in left_out}


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


def _batch(result: Any) -> Any:
    """A Batch as it is; of a tuple or a mapping, images and label maps are compared."""
    if not isinstance(result, Mapping) and not (
        isinstance(result, (tuple, list)) and len(result) == 2
    ):
        return result
    images, segs = pair_of(result)
    return Partly(images=images, segs=segs)


def _joined(batches: Sequence[Any]) -> Any:
    """Batches of one sample as one batch."""
    if not all(isinstance(batch, Batch) for batch in batches):
        return batches[0]
    images = torch.cat([batch.images for batch in batches])
    metas = tuple(meta for batch in batches for meta in batch.metas)
    names = dict.fromkeys(name for batch in batches for name in batch.maps)
    maps = {name: _of_all([batch.maps.get(name) for batch in batches]) for name in names}
    segs = _of_all([batch.segs for batch in batches])
    known = {name: one for name, one in maps.items() if one is not None}
    return Batch(images, segs, metas, known)


def _of_all(each: Sequence[Maps | None]) -> Maps | None:
    """The maps of batches of one sample as those of one batch."""
    if all(isinstance(one, torch.Tensor) for one in each):
        return torch.cat([one for one in each if isinstance(one, torch.Tensor)])
    found = tuple(None if one is None else one[0] for one in each)
    return found if any(one is not None for one in found) else None
