"""Inputs on which every suspect shows: small pipelines, rare files, and single steps.

A mistake shows only on its input: a turned photograph, a palette label map, a
window of which one class covers the limit exactly.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from PIL import Image

from parity.compare.cases import Case, list_root
from parity.fixtures import inputs_root
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.probes import Probe
from parity.probes.catalogue import ADE20K_CLASSES, PROBES, train_tail, val_tail
from parity.sample import DataInfo, Meta, Sample
from parity.steps.crop import crop_sample
from parity.steps.iou import evaluate_batch
from parity.steps.logits import Segmentation
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample, resize_sample

Array = NDArray[Any]

CROP = (40, 48)
SCALE = (96, 48)
# Chained, 0 becomes 76; inverted and unreduced it maps other ids of the inputs.
LABEL_MAP = {0: 1, 1: 76, 149: 3}
FIRST_CLEAN_SEED = 10_000
# Pixels below which a validation image goes on to its IoU: 150 logits each take their time.
SMALL = 10_000
# The probes' inputs repeat their kinds after fewer seeds; with these every suspect shows.
PROBE_SEEDS = 12
_EXIF_ORIENTATION = 0x0112

_TRAIN = tuple(
    TrainPipeline(scale=SCALE, crop_size=CROP, flip_prob=0.3, label_map=label_map)
    for label_map in (None, LABEL_MAP)
)
_VAL = tuple(ValPipeline(scale=SCALE, label_map=label_map) for label_map in (None, LABEL_MAP))


def all_cases(folder: Path, rounds: int) -> list[Case]:
    """Every built-in input `rounds` times, rare files (written to `folder`) once, and probes.

    Every fourth training sample goes on to its loss, small validation images to their IoU.
    """
    built_in, rare = list_root(inputs_root()), write_rare_files(folder)
    turns = [info for _ in range(rounds) for info in built_in]
    cases = [_train(info, seed, with_loss=seed % 4 == 0) for seed, info in enumerate(turns)]
    cases += [_train(info, seed, with_loss=False) for seed, info in enumerate(rare)]
    cases += [_val(info, seed) for seed, info in enumerate([*built_in, *rare])]
    for probe in (*FURTHER_PROBES, *PROBES):
        cases += [_probe(probe, seed) for seed in range(max(PROBE_SEEDS, 6 * rounds))]
    return cases


def clean_cases(start: int, stop: int) -> Iterator[Case]:
    """Training samples of the built-in inputs, with seeds that no case above has."""
    infos = list_root(inputs_root())
    for seed in range(FIRST_CLEAN_SEED + start, FIRST_CLEAN_SEED + stop):
        yield _train(infos[seed % len(infos)], seed, with_loss=False)


def _train(info: DataInfo, seed: int, *, with_loss: bool) -> Case:
    pipeline = _TRAIN[seed % len(_TRAIN)]
    steps = pipeline.steps + (train_tail(CROP) if with_loss else ())
    start = pipeline.data_info(info.img_path, info.seg_map_path)
    return Case("train", Path(info.img_path).name, seed, steps, info=start)


def _val(info: DataInfo, seed: int) -> Case:
    pipeline = _VAL[seed % len(_VAL)]
    start = pipeline.data_info(info.img_path, info.seg_map_path)
    with Image.open(info.img_path) as image:
        small = image.width * image.height < SMALL
    steps = pipeline.steps + (val_tail() if small else ())
    return Case("val", Path(info.img_path).name, seed, steps, info=start)


def _probe(probe: Probe, seed: int) -> Case:
    return Case(probe.step.module, probe.step.name, seed, (probe.step,), probe=probe)


def write_rare_files(folder: Path) -> list[DataInfo]:
    """Images and label maps as data sets hold them now and then, as entries of a data set."""
    rng = RandomState(11)
    bgr = cv2.resize(rng.randint(0, 256, (7, 9, 3)).astype(np.uint8), (52, 40))
    ids = rng.choice([0, 1, 2, 77, 150, 200, 255], (8, 13))
    seg = np.kron(ids, np.ones((5, 4))).astype(np.uint8)
    deep = bgr.astype(np.uint16) * 251 + 3
    files = {
        "turned_180": (_jpeg(bgr, orientation=3), _label(seg)),
        "turned_90": (_jpeg(bgr, orientation=6), _label(np.rot90(seg))),
        "transparent": (_png(np.dstack([bgr, bgr[..., 0]])), _label(seg)),
        "grey": (_png(bgr[..., 0]), _label(seg)),
        "sixteen_bit": (_png(deep), _label(seg)),
        "sixteen_bit_grey": (_png(deep[..., 0]), _label(seg)),
        "palette_label": (_png(bgr), _label(seg, palette=True)),
        "turned_label": (_png(bgr), _label(seg, orientation=3)),
    }
    return [_written(folder, name, *contents) for name, contents in files.items()]


def _written(folder: Path, name: str, image: bytes, label: bytes) -> DataInfo:
    # Readers go by content; one suffix serves all formats.
    paths = folder / f"{name}.image", folder / f"{name}.label"
    for path, content in zip(paths, (image, label), strict=True):
        path.write_bytes(content)
    return DataInfo(str(paths[0]), str(paths[1]))


def _png(image: Array) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


def _jpeg(bgr: Array, *, orientation: int) -> bytes:
    return _saved(Image.fromarray(bgr[..., ::-1].copy()), "jpeg", orientation)


def _label(seg: Array, *, palette: bool = False, orientation: int = 1) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(seg))
    if palette:
        image = image.convert("P")
        image.putpalette(RandomState(0).randint(0, 256, 768).astype(np.uint8).tobytes())
    return _saved(image, "png", orientation)


def _saved(image: Image.Image, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


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


def make_prediction(seed: int) -> dict[str, Any]:
    """A segmentation that is mostly right, of more pixels than float16 can count."""
    rng = RandomState(seed)
    seg = np.kron(rng.choice([0, 1, 149, 255], (3, 4)), np.ones((100, 100), np.int64))
    wrong = rng.random_sample(seg.shape) < 0.2
    prediction = torch.from_numpy(np.where(wrong | (seg == 255), 7, seg))[None]
    label = torch.from_numpy(seg)
    return {"segmentations": [Segmentation(prediction.float(), prediction)], "labels": [label]}


def _sample(image: Array, seg: Array) -> Sample:
    shape = seg.shape
    meta = Meta(img_path="x.jpg", reduce_zero_label=True, ori_shape=shape, img_shape=shape)
    return Sample(image, seg, meta)


# 32 and 35 times 1.5 are 48 and 52.5; 100 times 0.29 is whole in float32 and not in float64.
_HALF = {"scale": (500, 48), "keep_ratio": True}
_SINGLE = {"contrast_range": (0.29, 0.29), "saturation_range": (0.29, 0.29)}
_FREE = {"scale": (50, 30), "keep_ratio": False}
FURTHER_PROBES: tuple[Probe, ...] = (
    Probe(Step("resize", random_resize_sample, {**_HALF, "ratio_range": (1.0, 1.0)}), make_photo),
    Probe(
        Step("resize_free", random_resize_sample, {**_FREE, "ratio_range": (0.5, 2.0)}), make_photo
    ),
    Probe(Step("resize", resize_sample, _HALF), make_photo),
    Probe(Step("resize_free", resize_sample, _FREE), make_photo),
    Probe(Step("crop", crop_sample, {"crop_size": (20, 24), "cat_max_ratio": 0.75}), make_windows),
    Probe(Step("photometric", photometric_sample, _SINGLE), make_photo),
    Probe(Step("iou", evaluate_batch, {"num_classes": ADE20K_CLASSES}), make_prediction),
)
