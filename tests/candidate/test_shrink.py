"""A failing input cut down to what still fails."""

import numpy as np
import torch

from parity.candidate.shrink import FailingCase, length_of, seed_state, shrink, without
from parity.pipeline import Step
from parity.sample import Meta, Sample
from parity.steps import crop as crops
from parity.steps.logits import Segmentation


def test_shrink_keeps_what_matters():
    """One bad pixel in 40 x 50 is found and kept."""
    image = np.zeros((40, 50, 3), np.uint8)
    image[17, 31] = 9
    value = Sample(image, image[..., 0].copy(), Meta(ori_shape=(40, 50), img_shape=(40, 50)))
    step = Step("crop", crops.crop_sample, {"crop_size": (40, 48)})
    found = shrink(
        FailingCase(step, value, seed_state(3)),
        lambda step, value, state: bool((value.image == 9).any()),
    )
    assert found.value.image.shape == (1, 1, 3)
    assert found.value.meta.ori_shape == (1, 1)
    assert found.seed == 0
    assert min(found.step.options["crop_size"]) < 4


def test_tensors_shrink_by_their_last_two_axes():
    """One wrong pixel of a loss's input is found in 40 x 50 and kept."""
    pred = torch.zeros(1, 3, 40, 50)
    pred[0, 1, 17, 31] = 9
    value = {"pred": pred, "label": torch.zeros(1, 40, 50, dtype=torch.int64)}
    calls = []

    def differs(step, value, state):
        calls.append(state)
        return bool((value["pred"] == 9).any())

    step = Step("loss", crops.crop_sample, {})
    found = shrink(FailingCase(step, value, seed_state(0), draws=False), differs)
    assert found.value["pred"].shape == (1, 3, 1, 1)
    assert found.value["label"].shape == (1, 1, 1)
    assert len(set(map(id, calls))) <= 2  # what draws nothing is tried from one state


def test_nested_inputs_shrink_together():
    made = Segmentation(torch.zeros(2, 6, 5), torch.zeros(1, 6, 5))
    value = {"segmentations": [made], "labels": (torch.zeros(6, 5),)}
    small = without(value, 0, 1, 5)
    assert small["segmentations"][0].logits.shape == (2, 2, 5)
    assert isinstance(small["segmentations"][0], Segmentation)
    assert small["labels"][0].shape == (2, 5)
    assert length_of({**value, "metas": (Meta(img_shape=(6, 5)), object())}, 0) == 0


def test_what_cannot_lose_rows_stays():
    assert length_of([1, 2], 0) == 0
    assert length_of({"a": np.zeros((4, 5)), "b": np.zeros((6, 5))}, 0) == 0
    pair = {"pred": np.zeros((4, 5)), "label": np.zeros((4, 5))}
    assert without(pair, 1, 1, 3)["label"].shape == (4, 3)
