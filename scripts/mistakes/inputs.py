"""Inputs on which every suspect shows: small pipelines, rare files, and single steps.

A mistake shows only on its input: a turned photograph, a palette label map, a
window of which one class covers the limit exactly.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from PIL import Image

from parity.check.cases import Case, list_root
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline, ValPipeline
from parity.probes import Probe
from parity.probes.catalogue import ADE20K_CLASSES, DATA_PROBES, PROBES, train_tail, val_tail
from parity.probes.data import LABEL_MAP, rare_files
from parity.probes.natural import step_of
from parity.sample import DataInfo
from parity.steps.iou import IoUMetric
from parity.steps.logits import Segmentation

CROP = (40, 48)
SCALE = (96, 48)
FIRST_CLEAN_SEED = 10_000
# Pixels below which a validation image goes on to its IoU: 150 logits each take their time.
SMALL = 10_000
# The probes' inputs repeat their kinds after fewer seeds; with these every suspect shows.
PROBE_SEEDS = 12

_TRAIN = tuple(
    TrainPipeline(scale=SCALE, crop_size=CROP, flip_prob=0.3, label_map=label_map)
    for label_map in (None, LABEL_MAP)
)
_VAL = tuple(ValPipeline(scale=SCALE, label_map=label_map) for label_map in (None, LABEL_MAP))


def all_cases(rounds: int) -> list[Case]:
    """Every built-in input `rounds` times, each rare file without and with a label map, and probes.

    Every fourth training sample goes on to its loss, small validation images to their IoU.
    """
    built_in, rare = list_root(inputs_root()), rare_files(inputs_root())
    turns = [info for _ in range(rounds) for info in built_in]
    cases = [_train(info, seed, with_loss=seed % 4 == 0) for seed, info in enumerate(turns)]
    cases += [_train(info, seed, with_loss=False) for seed, info in enumerate(rare)]
    cases += [_val(info, seed) for seed, info in enumerate([*built_in, *rare])]
    for probe in ALL_PROBES:
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


def make_prediction(seed: int) -> dict[str, Any]:
    """A segmentation that is mostly right, of more pixels than float16 can count."""
    rng = RandomState(seed)
    seg = np.kron(rng.choice([0, 1, 149, 255], (3, 4)), np.ones((100, 100), np.int64))
    wrong = rng.random_sample(seg.shape) < 0.2
    prediction = torch.from_numpy(np.where(wrong | (seg == 255), 7, seg))[None]
    label = torch.from_numpy(seg)
    return {"segmentations": [Segmentation(prediction.float(), prediction)], "labels": [label]}


_MOSTLY_RIGHT = Probe(step_of("iou", IoUMetric, {"num_classes": ADE20K_CLASSES}), make_prediction)
ALL_PROBES = (*DATA_PROBES, _MOSTLY_RIGHT, *PROBES)
