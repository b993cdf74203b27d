"""Transforms that take Pillow images, tensors or mappings, and what is said of them."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from parity.candidate.guard import run_guarded
from parity.candidate.judge import judge, mistake_of
from parity.candidate.runner import Outcome
from parity.candidate.steps import candidate_from, select_steps
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import run_step
from parity.pipeline import Step
from parity.probes.data import make_windows
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.photometric import photometric_sample

FLIP = Step("flip", flip_sample, {"prob": 0.5})
CROP = Step("crop", crop_sample, {"crop_size": (512, 512), "cat_max_ratio": 0.75})


class FlipPillow:
    def __call__(self, img, mask):
        if np.random.random_sample() < 0.5:
            flip = Image.Transpose.FLIP_LEFT_RIGHT
            return img.transpose(flip), mask.transpose(flip)
        return img, mask


class FlipTensors:
    def __call__(self, image, target):
        return (image.flip(-1), target.flip(-1)) if np.random.rand() < 0.5 else (image, target)


class FlipSampleOfPillow(FlipPillow):
    def __call__(self, sample):
        image, label = super().__call__(sample["image"], sample["label"])
        return {"image": image, "label": label}


class FlipResults:
    def __call__(self, results):
        if np.random.rand() < 0.5:
            for key in ("img", *results.get("seg_fields", [])):
                results[key] = results[key][:, ::-1]
        return results


class FlipResultsBefore1(FlipResults):
    def __call__(self, results):
        if np.random.rand() < 0.5:
            for key in ("img", "gt_semantic_seg"):
                results[key] = results[key][:, ::-1]
        return results


def ran(given, step, seeds=8):
    part = candidate_from(given, "given", asked=select_steps([step.name])).steps[step.name]
    records, manners = [], set()
    for seed in range(seeds):
        value, state = make_windows(seed), GeneratorState.of(RecordingRandomState(seed))
        expected = run_step(step.name, step, value, state)
        doing = step.doing(part)
        actual, misuse, manner = run_guarded(step.name, doing, value, state)
        records.append((step, expected, Outcome(actual, misuse, manner=manner)))
        manners |= {manner}
    verdicts = {str(judge(outcome, expected).verdict) for _, expected, outcome in records}
    return verdicts, manners, [(step, expected, out.record) for step, expected, out in records]


PILLOW = "takes Pillow images, in RGB"
TENSORS = "takes tensors, uint8 (3, H, W) in RGB and int64 (H, W)"


@pytest.mark.parametrize(
    ("given", "manner"),
    [
        (FlipPillow, PILLOW),
        (FlipTensors, TENSORS),
        (FlipSampleOfPillow, PILLOW),
        (FlipResults, ""),
        (FlipResultsBefore1, ""),
    ],
)
def test_a_right_flip_is_equal_with_the_draws_of_the_reference(given, manner):
    verdicts, manners, _ = ran(given, FLIP)
    assert verdicts == {"equal"}
    assert manner in manners


def test_a_mistake_in_another_form_is_named_as_in_arrays():
    class ByPython(FlipPillow):
        def __call__(self, img, mask):
            flip = Image.Transpose.FLIP_LEFT_RIGHT
            if random.random() < 0.5:
                return img.transpose(flip), mask.transpose(flip)
            return img, mask

    _, _, records = ran(ByPython, FLIP)
    assert "random.random() < prob" in str(mistake_of(records))


def test_draws_made_before_a_form_fails_are_taken_back():
    class Late(FlipPillow):
        def __call__(self, img, mask):
            flips = np.random.random_sample() < 0.5
            img.size[1]  # an array's size has no item
            flip = Image.Transpose.FLIP_LEFT_RIGHT
            return (img.transpose(flip), mask.transpose(flip)) if flips else (img, mask)

    assert ran(Late, FLIP)[0] == {"equal"}


def test_what_fails_in_every_form_is_told_as_of_arrays():
    class Wrong:
        def __call__(self, image, mask):
            raise ValueError(f"no {type(image).__name__}")

    _, _, records = ran(Wrong, FLIP, seeds=1)
    assert records[0][2].error == "ValueError: no ndarray"


def test_a_crop_of_tensors_is_not_called_with_arrays():
    class Crop:
        def __call__(self, image, target):
            height, width = target.shape
            top, left = height // 2, width // 2
            rows, columns = slice(top, top + 4), slice(left, left + 4)
            return image[:, rows, columns], target[rows, columns]

    verdicts, manners, records = ran(Crop, CROP)
    assert (verdicts, manners) == ({"different"}, {TENSORS})
    assert all(one[2].output["image"].shape[2] == 3 for one in records)
    assert all(one[2].output["seg"].dtype == np.uint8 for one in records)


def test_a_class_that_is_called_is_not_taken_for_its_method():
    class RandomCrop:
        def crop(self, img, box):
            return img[box]

        def __call__(self, results):
            return {key: self.crop(results[key], np.s_[:4, :4]) for key in ("img", "gt_seg_map")}

    assert ran(RandomCrop, CROP)[0] == {"different"}


def test_a_tensor_of_floats_is_left_as_it_is():
    class Normalised:
        def __call__(self, image, target):
            return image.float() / torch.tensor(255.0), target

    _, _, records = ran(Normalised, FLIP, seeds=1)
    assert records[0][2].output["image"].dtype == np.float32


def test_a_whole_pipeline_may_take_a_mapping_of_pillow_images():
    part = candidate_from(FlipSampleOfPillow, "given").pipeline
    assert part is not None
    image, seg = np.arange(60, dtype=np.uint8).reshape(4, 5, 3), np.eye(4, 5, dtype=np.uint8)
    np.random.seed(0)
    for _ in range(9):
        found = part(image, seg, None)
        turned = found[0][0, 0, 0] != 0
        assert [
            (one == (had[:, ::-1] if turned else had)).all()
            for one, had in zip(found, (image, seg), strict=True)
        ] == [True, True]


def in_rgb(image, rng):
    def changed(values, alpha=1.0, beta=0.0):
        return np.clip(values.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)

    def in_hsv(image, channel, change):
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., channel] = change(hsv[..., channel])
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)

    if rng.randint(2):
        image = changed(image, beta=rng.uniform(-32, 32))
    early = rng.randint(2)
    if early and rng.randint(2):
        image = changed(image, rng.uniform(0.5, 1.5))
    if rng.randint(2):
        factor = rng.uniform(0.5, 1.5)
        image = in_hsv(image, 1, lambda values: changed(values, factor))
    if rng.randint(2):
        shift = rng.randint(-18, 18)
        image = in_hsv(image, 0, lambda values: (values.astype(int) + shift) % 180)
    if not early and rng.randint(2):
        image = changed(image, rng.uniform(0.5, 1.5))
    return image


def test_colours_changed_as_if_the_image_were_rgb_are_named():
    _, _, records = ran(in_rgb, Step("photometric", photometric_sample), seeds=12)
    [how] = mistake_of(records).evidence
    assert how == "hue-in-rgb-order: exactly reproduced in 12 of 12 cases"
