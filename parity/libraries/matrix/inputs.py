"""Inputs of the library matrix, and what live mmsegmentation makes of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.check.cases import list_root
from parity.check.summary import reference_steps
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import run_step
from parity.errors import ReferenceUnavailable
from parity.fixtures import inputs_root
from parity.pipeline import Step
from parity.probes.iou import make_images
from parity.probes.natural import step_of
from parity.sample import DataInfo, Meta, Sample, UInt8Array
from parity.steps.collate import MEAN, STD, collate
from parity.steps.crop import crop_sample, draw_crop_box
from parity.steps.flip import flip_sample
from parity.steps.iou import IoUMetric
from parity.steps.load import load_annotation, load_image, load_sample
from parity.steps.logits import resize_logits
from parity.steps.loss import cross_entropy
from parity.steps.photometric import PhotometricDraws, draw_photometric, photometric_sample
from parity.steps.resize import resize_sample

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
CLASSES = 150
DRAWS_PER_IMAGE = 3
# One of 36 hue shifts is missed by this many draws, half of them none, with p < 1e-9.
HUE_DRAWS = 1500
# Shapes that shrink, enlarge and change the ratio: (kind, factor of height, factor of width).
SIZES = (("shrunk", 0.5, 0.5), ("shrunk", 0.31, 0.37), ("enlarged", 1.7, 1.7), ("enlarged", 2, 1.3))


@dataclass(frozen=True, eq=False)
class RowCase:
    """One input. kind: what the report groups differences by, or ""."""

    arguments: tuple[Any, ...]
    expected: Any
    kind: str = ""


@cache
def images() -> tuple[tuple[UInt8Array, UInt8Array], ...]:
    """The built-in photographs and their label maps, read as the reference reads them."""
    infos = [info for info in list_root(inputs_root()) if Path(info.img_path).stem in PHOTOGRAPHS]
    return tuple(
        (load_image(info.img_path), load_annotation(info.seg_map_path, reduce_zero_label=True))
        for info in infos
        if info.seg_map_path is not None
    )


def reference(step: Step, value: Any, rng: RandomState | None = None) -> Any:
    """What the live reference makes of `value`.

    Raises ReferenceUnavailable without mmsegmentation, and when it raises itself.
    """
    [(name, function)] = reference_steps([step])
    state = GeneratorState.of(RecordingRandomState(0) if rng is None else rng)
    record = run_step(name, function, value, state)
    if record.error:
        raise ReferenceUnavailable(f"{name}: the reference raises {record.error}")
    return record.output


def sample_of(image: UInt8Array, seg: UInt8Array | None) -> Sample:
    """A sample as it comes out of loading."""
    shape = (image.shape[0], image.shape[1])
    return Sample(image, seg, Meta(img_path="", ori_shape=shape, img_shape=shape))


def resize_cases(which: str) -> Iterator[RowCase]:
    """``(array, (height, width))``: the image, or the label map."""
    for image, seg in images():
        for kind, down, across in SIZES:
            size = (int(image.shape[0] * down), int(image.shape[1] * across))
            step = Step("resize", resize_sample, {"scale": size[::-1], "keep_ratio": False})
            done = reference(step, sample_of(image, seg))
            given = {"image": (image, done.image), "seg": (seg, done.seg)}[which]
            yield RowCase((given[0], size), given[1], kind)


def target_size_cases() -> Iterator[RowCase]:
    """``(height, width, short edge)``; the long edge never binds."""
    rng = RandomState(0)
    for _ in range(40):
        height, width, short = (int(rng.randint(low, 160)) for low in (32, 32, 24))
        step = Step("resize", resize_sample, {"scale": (10**6, short), "keep_ratio": True})
        done = reference(step, sample_of(np.zeros((height, width, 3), np.uint8), None))
        yield RowCase((height, width, short), np.array(done.image.shape[:2]))


def crop_cases() -> Iterator[RowCase]:
    """``(image, box)``, the box being the one the reference draws."""
    for seed, (image, seg) in enumerate(images()):
        step = Step("crop", crop_sample, {"crop_size": (128, 96)})
        done = reference(step, sample_of(image, seg), RandomState(seed))
        shape = (image.shape[0], image.shape[1])
        box = draw_crop_box(RandomState(seed), seg, image_shape=shape, crop_size=(128, 96))
        yield RowCase((image, box), done.image)


def flip_cases() -> Iterable[RowCase]:
    """``(image,)``, flipped horizontally."""
    step = Step("flip", flip_sample, {"prob": 1.0})
    return [
        RowCase((image,), reference(step, sample_of(image, None)).image) for image, _ in images()
    ]


def photometric_cases(parameter: str) -> Iterator[RowCase]:
    """``(image, value)`` from streams in which the reference draws `parameter` and nothing else."""
    for image, _ in images():
        for seed in _seeds_with_only(parameter):
            draws = draw_photometric(RandomState(seed))
            step = Step("photometric", photometric_sample)
            done = reference(step, sample_of(image, None), RandomState(seed)).image
            yield RowCase((image, getattr(draws, parameter)), done)


def hue_range_cases() -> Iterable[RowCase]:
    """``(patches, limit, count)``: `count` results, whose hue shifts are measured afterwards."""
    neutral = {"brightness_delta": 0, "contrast_range": (1, 1), "saturation_range": (1, 1)}
    step = Step("photometric", photometric_sample, neutral)
    patches = hue_patches()
    done = [
        reference(step, sample_of(patches, None), RandomState(seed)).image
        for seed in range(HUE_DRAWS)
    ]
    return [RowCase((patches, 18, HUE_DRAWS), measure_hue_range(patches, done))]


def hue_patches() -> UInt8Array:
    """``(2, 12, 3)``: twelve pure hues, in which a shift can be read without rounding."""
    hsv = np.full((2, 12, 3), 255, np.uint8)
    hsv[..., 0] = np.arange(5, 180, 15)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def measure_hue_range(patches: UInt8Array, results: Sequence[UInt8Array]) -> NDArray[np.float64]:
    """Smallest and largest hue shift of `results`, in OpenCV units, to half a unit."""
    before = _hues(patches)
    shifts = [float(np.median((_hues(done) - before + 90) % 180 - 90)) for done in results]
    return np.round(2 * np.array([min(shifts), max(shifts)])) / 2


def _hues(image: UInt8Array) -> NDArray[np.float64]:
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)
    return np.asarray(hsv[..., 0], dtype=np.float64) / 2


def normalize_cases() -> Iterator[RowCase]:
    """``(image BGR, mean RGB, std RGB)`` to float32 ``(3, H, W)`` RGB."""
    for image, seg in images():
        options = {"mean": MEAN, "std": STD, "size": image.shape[:2]}
        batch = reference(step_of("collate", collate, options), sample_of(image, seg))
        yield RowCase((image, MEAN, STD), batch.images[0].numpy())


def pad_cases(which: str) -> Iterator[RowCase]:
    """``(array, (height, width))``: the image with 0, or the label map with 255."""
    for image, seg in images():
        size = (image.shape[0] + 21, image.shape[1] + 34)
        options = {"mean": None, "std": None, "size": size, "bgr_to_rgb": False}
        batch = reference(step_of("collate", collate, options), sample_of(image, seg))
        done = batch.images[0].numpy().transpose(1, 2, 0).astype(np.uint8)
        pair = {"image": (image, done), "seg": (seg, batch.segs[0].numpy().astype(np.uint8))}
        yield RowCase((pair[which][0], size), np.ascontiguousarray(pair[which][1]))


def reduce_zero_cases() -> Iterator[RowCase]:
    """``(label map as on disk,)``; label 0 becomes 255."""
    for info in list_root(inputs_root()):
        if info.seg_map_path is None:
            continue
        reduced = DataInfo(info.img_path, info.seg_map_path, None, True)
        done = reference(Step("load", load_sample), reduced)
        yield RowCase((load_annotation(info.seg_map_path),), done.seg)


def logits_cases() -> Iterator[RowCase]:
    """``(logits (N, C, h, w), (height, width))`` at ``align_corners=False``, as heads call it."""
    generator = torch.Generator().manual_seed(0)
    for height, width in ((16, 16), (13, 21)):
        logits = torch.randn((2, 19, height, width), generator=generator)
        size = (height * 4 - 1, width * 4 + 1)
        done = reference(step_of("logits", resize_logits), {"logits": logits, "size": size})
        yield RowCase((logits, size), done)


def loss_cases() -> Iterator[RowCase]:
    """``(logits, labels)``: cross entropy as mmseg's heads average it, a fifth ignored."""
    step = step_of("loss", cross_entropy, {"ignore_index": 255})
    rng, generator = RandomState(0), torch.Generator().manual_seed(0)
    for _ in range(4):
        logits = torch.randn((2, 19, 24, 24), generator=generator)
        label = rng.randint(0, 19, (2, 24, 24))
        label[rng.rand(*label.shape) < 0.2] = 255
        given = {"pred": logits, "label": torch.from_numpy(label)}
        yield RowCase((logits, given["label"]), reference(step, given)["loss"])


def iou_cases() -> Iterator[RowCase]:
    """``(images, classes)``: one to five images with most of 150 classes absent.

    The mIoU in percent, from the reference's counts, before it rounds to two decimals.
    """
    for seed in range(8):
        given = make_images(seed)
        done = reference(step_of("iou", IoUMetric, {"num_classes": CLASSES}), given)
        counts = done["counts"]
        present = counts["union"] > 0
        ratios = counts["intersect"][present] / counts["union"][present]
        yield RowCase((given, CLASSES), 100 * float(np.mean(ratios)))


@cache
def _seeds_with_only(parameter: str) -> tuple[int, ...]:
    found: list[int] = []
    seed = 0
    while len(found) < DRAWS_PER_IMAGE:
        draws = draw_photometric(RandomState(seed))
        wanted = PhotometricDraws(
            **{
                **dict.fromkeys(("brightness", "contrast", "saturation", "hue")),
                "contrast_first": draws.contrast_first,
                parameter: getattr(draws, parameter),
            }
        )
        if draws == wanted and getattr(draws, parameter):
            found.append(seed)
        seed += 1
    return tuple(found)
