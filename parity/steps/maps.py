"""Edge maps, depth maps and second images: what some data sets have beside a label map.

Reproduces ``GenerateEdge``, ``RandomDepthMix``, ``ConcatCDInput`` (mmseg 1.2.2
mmseg/datasets/transforms/transforms.py), ``LoadDepthAnnotation``
(mmseg/datasets/transforms/loading.py) and ``datafrombytes`` (mmseg/utils/io.py).
"""

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import DEPTH, EDGE, SECOND, Array, Sample, UInt8Array
from parity.steps.load import decode, read_bytes


def edges(seg: UInt8Array, *, edge_width: int = 3, ignore_index: int = 255) -> UInt8Array:
    """1 where a pixel's label differs from that of a neighbour, both known; then dilated.

    A pixel looks up, right, down right and down left; a square of `edge_width` is put
    around each edge.
    """
    found = np.zeros(seg.shape, np.uint8)
    for here, there in _NEIGHBOURS:
        known = (seg[here] != ignore_index) & (seg[there] != ignore_index)
        found[here][(seg[here] != seg[there]) & known] = 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (edge_width, edge_width))
    return cv2.dilate(found, kernel)  # type: ignore[return-value]


_ALL, _FIRST, _LAST = slice(None), slice(None, -1), slice(1, None)
_NEIGHBOURS = (
    ((_LAST, _ALL), (_FIRST, _ALL)),
    ((_ALL, _FIRST), (_ALL, _LAST)),
    ((_FIRST, _FIRST), (_LAST, _LAST)),
    ((_FIRST, _LAST), (_LAST, _FIRST)),
)


def generate_edge_sample(
    sample: Sample, rng: RandomState | None = None, *, edge_width: int = 3, ignore_index: int = 255
) -> Sample:
    """``GenerateEdge``. Raises InputError without a label map."""
    if sample.seg is None:
        raise InputError("edges are made of a label map, and this sample has none")
    found = edges(sample.seg, edge_width=edge_width, ignore_index=ignore_index)
    return sample.replace(maps={**sample.maps, EDGE: found})


def load_depth_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    decode_backend: Literal["cv2"] = "cv2",
    to_float32: bool = True,
    depth_rescale_factor: float = 1.0,
) -> Sample:
    """``LoadDepthAnnotation``: the image file at ``depth_map_path``, times the factor.

    Sets meta ``depth_rescale_factor``. Raises InputError where it cannot be read.
    """
    path = None if sample.info is None else sample.info.more.get("depth_map_path")
    if path is None:
        raise InputError("this sample names no depth map; give a depth_map_path")
    depth = decode(read_bytes(path), name=path, color_type="unchanged")
    depth = depth.astype(np.float32) if to_float32 else depth
    depth *= depth_rescale_factor
    meta = sample.meta.replace(depth_rescale_factor=depth_rescale_factor)
    return sample.replace(maps={**sample.maps, DEPTH: depth}, meta=meta)


def depth_mix_sample(
    sample: Sample, rng: RandomState, *, prob: float = 0.25, mix_scale_ratio: float = 0.75
) -> Sample:
    """``RandomDepthMix``: a band of columns of the image becomes the depth map, in its own units.

    One draw for whether, then where the band begins, then how wide it is.
    """
    if rng.random() > prob:
        return sample
    width = sample.meta.img_shape[1]
    left = int(width * rng.random())
    band = slice(left, left + int(max(1, (width - left) * (mix_scale_ratio * rng.random()))))
    depth = sample.maps[DEPTH] / sample.meta.get("depth_rescale_factor", 1)
    image = sample.image.copy()
    for channel in range(image.shape[2]):
        image[:, band, channel] = depth[:, band]
    return sample.replace(image=image)


def concat_images_sample(
    sample: Sample, rng: RandomState | None = None, *, input_keys: Sequence[str] = ("img", SECOND)
) -> Sample:
    """``ConcatCDInput``: the images of a pair as one of twice the channels."""
    arrays: dict[str, Array] = {"img": sample.image, **sample.maps}
    missing = [key for key in input_keys if key not in arrays]
    if missing:
        raise InputError(f"there is no {missing[0]} to concatenate; load a pair of images")
    image = np.concatenate([arrays[key] for key in input_keys], axis=2)
    rest = {key: array for key, array in sample.maps.items() if key not in input_keys}
    return sample.replace(image=image, maps=rest)
