"""Resize to one of several scales, to a shortest edge, or to multiples of a number.

Reproduces ``ResizeShortestEdge`` and ``ResizeToMultiple`` (mmseg 1.2.2
mmseg/datasets/transforms/transforms.py), ``RandomChoiceResize`` (mmcv 2.1.0
mmcv/transforms/processing.py) and ``imresize_to_multiple`` (mmcv/image/geometric.py).
"""

from collections.abc import Sequence
from typing import Any, Literal

from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Sample
from parity.steps.resize import Interpolation, Scale, resize, resize_sample

Edge = int | Scale
ResizeType = Literal["Resize", "ResizeShortestEdge"]


def draw_choice(rng: RandomState, *, count: int) -> int:
    """Draw which of `count` scales ``RandomChoiceResize`` takes, all equally likely."""
    return int(rng.randint(count))


def shortest_edge_size(height: int, width: int, *, scale: Edge, max_size: int) -> tuple[int, int]:
    """``(height, width)`` with the short edge at `scale` and the long one within `max_size`.

    Of two numbers in `scale` the smaller counts. Each edge is rounded half up once, after
    both changes.
    """
    short = (min(scale) if isinstance(scale, tuple) else scale) * 1.0
    factor = short / min(height, width)
    new_height, new_width = (short, factor * width) if height < width else (factor * height, short)
    longest = max(new_height, new_width)
    if longest > max_size:
        factor = max_size * 1.0 / longest
        new_height, new_width = new_height * factor, new_width * factor
    return int(new_height + 0.5), int(new_width + 0.5)


def resize_shortest_edge_sample(
    sample: Sample, rng: RandomState | None = None, *, scale: Edge, max_size: int
) -> Sample:
    """``ResizeShortestEdge``: image bilinear, label map (if loaded) nearest; `rng` is not used.

    The size found is a scale within which the ratio is kept, so that an edge can end a
    pixel below it. Sets meta ``img_shape`` and ``scale_factor``.
    """
    height, width = sample.image.shape[:2]
    new_height, new_width = shortest_edge_size(height, width, scale=scale, max_size=max_size)
    return resize_sample(sample, scale=(new_width, new_height), keep_ratio=True)


def random_choice_resize_sample(
    sample: Sample,
    rng: RandomState,
    *,
    scales: Sequence[Edge],
    resize_type: ResizeType = "Resize",
    **options: Any,
) -> Sample:
    """``RandomChoiceResize``: draw one of `scales`, then resize to it as `resize_type` does.

    options: of `parity.steps.resize.resize_sample` or `resize_shortest_edge_sample`.
    """
    scale = scales[draw_choice(rng, count=len(scales))]
    if resize_type == "Resize":
        return resize_sample(sample, scale=scale, **options)
    if resize_type == "ResizeShortestEdge":
        return resize_shortest_edge_sample(sample, scale=scale, **options)
    raise InputError(f"no resize_type {resize_type!r}; there are Resize and ResizeShortestEdge")


def multiple_size(height: int, width: int, divisor: int) -> tuple[int, int]:
    """``(height, width)``, each up to the next multiple of `divisor`."""
    return -(-height // divisor) * divisor, -(-width // divisor) * divisor


def resize_to_multiple_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    size_divisor: int = 32,
    interpolation: Interpolation | None = None,
) -> Sample:
    """``ResizeToMultiple``: image bilinear unless said, label map (if loaded) nearest.

    Sets meta ``img_shape`` and ``pad_shape``, and leaves ``scale_factor``; `rng` is not used.
    """
    size = multiple_size(sample.image.shape[0], sample.image.shape[1], size_divisor)
    image = resize(sample.image, size=size, interpolation=interpolation or "bilinear")
    seg = sample.seg
    if seg is not None:
        seg_size = multiple_size(seg.shape[0], seg.shape[1], size_divisor)
        seg = resize(seg, size=seg_size, interpolation="nearest")
    meta = sample.meta.replace(img_shape=image.shape[:2], pad_shape=image.shape[:2])
    return sample.replace(image=image, seg=seg, meta=meta)
