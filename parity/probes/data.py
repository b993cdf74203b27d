"""Samples and files on which mistakes in the data steps show that photographs hide."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.pipeline import Step
from parity.probes import Probe
from parity.sample import DataInfo, Meta, Sample
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.load import load_annotation_sample, load_image_sample, load_sample
from parity.steps.multiscale import (
    random_choice_resize_sample,
    resize_shortest_edge_sample,
    resize_to_multiple_sample,
)
from parity.steps.pad import pad_sample
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample, resize_sample

Array = NDArray[Any]

# Chained, 0 becomes 76; inverted and unreduced it maps other ids of the files.
LABEL_MAP = {0: 1, 1: 76, 149: 3}
LOAD = (Step("load", load_sample),)
LOAD_VAL = (
    Step("load_image", load_image_sample),
    Step("load_annotation", load_annotation_sample),
)


def rare_files(inputs: Path) -> list[DataInfo]:
    """The files in the folder ``rare``, each as it is and with a label map of its own.

    Turned photographs, transparent, grey and 16-bit images, label maps with a
    palette or turned: data sets hold such now and then.
    """
    paths = sorted((inputs / "rare").glob("*.image"))
    return [
        DataInfo(str(path), str(path.with_suffix(".label")), label_map, reduce_zero_label=True)
        for path in paths
        for label_map in (None, LABEL_MAP)
    ]


def make_photo(seed: int) -> Sample:
    """Every grey level and many colours, 32 rows of 35 pixels; higher than wide for odd seeds."""
    rng = RandomState(seed)
    ramp = np.arange(32 * 35) % 256
    image = np.stack([ramp, np.roll(ramp, 7 * seed), rng.randint(0, 256, ramp.size)], 1)
    image = image.reshape(32, 35, 3).astype(np.uint8)
    seg = rng.choice([0, 1, 2, 255], (32, 35)).astype(np.uint8)
    if seed % 2:
        image, seg = (np.ascontiguousarray(array.swapaxes(0, 1)) for array in (image, seg))
    return _sample(image, seg)


def make_windows(seed: int) -> Sample:
    """Label maps at the limits of the category test, 60 rows of 64 pixels, in four kinds.

    Three quarters of each window one class; classes 0 and 1 with much ignored; one
    half ignored; one half a single class.
    """
    rng = RandomState(seed)
    kind = seed % 4
    blocks = rng.choice([0, 1, 2, 255], (6, 8), p=[0.45, 0.15, 0.05, 0.35])
    seg = np.kron(blocks, np.ones((10, 8))).astype(np.uint8)
    if kind == 0:
        seg[:] = np.where(np.arange(64) % 4 == 3, 5, 6)
    elif kind == 2:
        seg[:, :32] = 255
    elif kind == 3:
        seg[:, :32] = 9
    return _sample(rng.randint(0, 256, (60, 64, 3)).astype(np.uint8), seg)


def _sample(image: Array, seg: Array) -> Sample:
    shape = seg.shape
    meta = Meta(img_path="x.jpg", reduce_zero_label=True, ori_shape=shape, img_shape=shape)
    return Sample(image, seg, meta)


# 32 and 35 times 1.5 are 48 and 52.5; 100 times 0.29 is whole in float32 and not in float64.
_HALF = {"scale": (500, 48), "keep_ratio": True}
_FREE = {"scale": (50, 30), "keep_ratio": False}
_CROP = {"crop_size": (20, 24), "cat_max_ratio": 0.75}
_RANGE = {"ratio_range": (0.5, 2.0)}
# 41 times 32 / 35 is 37.486: within 37 the long edge ends a pixel below 41.
_CHOICE = {"scales": (20, 27, 35, 56), "resize_type": "ResizeShortestEdge", "max_size": 41}
_PAIRS = {"scales": ((50, 30), (64, 40), (35, 60)), "keep_ratio": True}
_EDGE = {"scale": (27, 57), "max_size": 1000}
_BOUND = {"scale": 45, "max_size": 41}
_SINGLE = {"contrast_range": (0.29, 0.29), "saturation_range": (0.29, 0.29)}

PROBES: tuple[Probe, ...] = (
    Probe(Step("resize_half", random_resize_sample, {**_HALF, "ratio_range": (1, 1)}), make_photo),
    Probe(Step("resize_free", random_resize_sample, {**_FREE, **_RANGE}), make_photo),
    Probe(Step("resize_val_half", resize_sample, _HALF), make_photo),
    Probe(Step("resize_val_free", resize_sample, _FREE), make_photo),
    Probe(Step("crop_windows", crop_sample, _CROP), make_windows),
    Probe(Step("resize_choice", random_choice_resize_sample, _CHOICE), make_photo),
    Probe(Step("resize_choice_pair", random_choice_resize_sample, _PAIRS), make_photo),
    Probe(Step("resize_edge", resize_shortest_edge_sample, _EDGE), make_photo),
    Probe(Step("resize_edge_bound", resize_shortest_edge_sample, _BOUND), make_photo),
    Probe(Step("resize_multiple6", resize_to_multiple_sample, {"size_divisor": 6}), make_photo),
    Probe(Step("resize_multiple8", resize_to_multiple_sample, {"size_divisor": 8}), make_photo),
    Probe(Step("pad_size", pad_sample, {"size": (41, 38)}), make_photo),
    Probe(Step("pad_divisor6", pad_sample, {"size_divisor": 6}), make_photo),
    Probe(Step("pad_divisor8", pad_sample, {"size_divisor": 8}), make_photo),
    Probe(Step("pad_square", pad_sample, {"pad_to_square": True}), make_photo),
    Probe(Step("flip_rare", flip_sample, {"prob": 0.3}), make_photo),
    Probe(Step("photometric_single", photometric_sample, _SINGLE), make_photo),
)
