"""What people really do, written without the suspects' code: named rightly, or not named."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from parity.candidate.guard import run_guarded
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import run_step
from parity.pipeline import Step
from parity.probes.catalogue import PROBES
from parity.probes.data import make_windows
from parity.sample import Sample
from parity.steps.crop import crop_sample
from parity.suspects.catalogue import suspects_of
from parity.suspects.failures import known_mistake

CROP = Step("crop", crop_sample, {"crop_size": (20, 24), "cat_max_ratio": 0.75})


def told(step, candidate, make, seeds=14, siblings=None):
    records = []
    for seed in range(seeds):
        value, state = make(seed), GeneratorState.of(RecordingRandomState(seed))
        expected = run_step(step.name, step, value, state)
        actual, _, _ = run_guarded(
            step.name, lambda v, r: candidate(v, r, **step.options), value, state
        )
        records.append((step, expected, actual))
    return known_mistake(records, siblings)


STEPS = {probe.step.name: probe.step for probe in PROBES}


def probed(name, candidate, seeds=16, siblings=None):
    [probe] = [one for one in PROBES if one.step.name == name]
    return told(probe.step, candidate, probe.make, seeds, siblings)


def offsets(draw):
    def crop(sample, rng, *, crop_size, cat_max_ratio):
        height, width = sample.seg.shape
        for _ in range(11):
            top = draw(max(height - crop_size[0], 0) + 1)
            left = draw(max(width - crop_size[1], 0) + 1)
            window = np.s_[top : top + crop_size[0], left : left + crop_size[1]]
            labels, counts = np.unique(sample.seg[window], return_counts=True)
            counts = counts[labels != 255]
            if len(counts) > 1 and counts.max() / counts.sum() < cat_max_ratio:
                break
        image = sample.image[window].copy()
        meta = sample.meta.replace(img_shape=image.shape[:2])
        return Sample(image, sample.seg[window].copy(), meta)

    return crop


def test_offsets_of_torch_are_named():
    found = told(CROP, offsets(lambda n: torch.randint(0, n, (1,)).item()), make_windows)
    assert found.sure
    assert found.text.startswith("Offsets are drawn from torch's generator")


def test_offsets_of_another_generator_get_no_false_name():
    other = np.random.default_rng(0)
    found = told(CROP, offsets(lambda n: int(other.integers(n))), make_windows)
    assert not found.sure
    assert found.text.startswith("It draws nothing from the generator it is given")


def with_config(**changes):
    def groups(value, rng):
        config = {**(value.get("paramwise_cfg") or {}), **changes}
        kept = {key: entry for key, entry in config.items() if entry is not None}
        return STEPS["optim_groups"]({**value, "paramwise_cfg": kept}, rng)

    return groups


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"custom_keys": None}, "custom_keys are left out"),
        ({"bias_lr_mult": 2.0}, "Biases learn at twice the rate"),
    ],
)
def test_groups(changes, start):
    found = probed("optim_groups", with_config(**changes))
    assert found.sure
    assert found.text.startswith(start)


def test_warm_up_from_next_to_nothing():
    def schedule(value, rng):
        changed = copy.deepcopy(value)
        for entry in changed["param_scheduler"]:
            if entry["type"] == "LinearLR":
                entry["start_factor"] = 1e-11
        return STEPS["schedule"](changed, rng)

    found = probed("schedule", schedule)
    assert not found.sure
    assert found.text.startswith("Behaves as if, but is not the same code: start_factor is next")


def test_a_staircase_of_an_unknown_length_gets_no_name():
    def schedule(value, rng):
        rates = STEPS["schedule"](value, rng)
        return rates[np.arange(len(rates)) // 7 * 7]

    found = probed("schedule", schedule)
    assert found.text == "No known mistake explains it; it may be a new one."


def test_only_infinite_logits_differ():
    def loss(value, rng, **options):
        with torch.enable_grad():
            pred = value["pred"].detach().requires_grad_()
            valid = value["label"] != options["ignore_index"]
            own = pred.log_softmax(1).gather(1, value["label"].masked_fill(~valid, 0)[:, None])
            mean = (-own[:, 0] * valid).mean()
            return {"loss": mean.detach(), "grad": torch.autograd.grad(mean, pred)[0]}

    found = probed("loss_ce", loss)
    assert not found.sure
    assert found.text.startswith("Only NaN and infinite values differ")


def test_of_a_pair_known_from_another_step_one_alone_may_be_all():
    suspects = {one.id: one for one in suspects_of(STEPS["loss_head_default"])}
    mean, weight = suspects["torch-mean"], suspects["loss-weight-ignored"]
    candidate = mean.instead_of(STEPS["loss_head_default"])
    doing = STEPS["loss_head_default"].doing(candidate)
    found = probed("loss_head_default", doing, siblings=[((mean, weight),)])
    assert found.evidence == ("torch-mean: exactly reproduced in 16 of 16 cases",)
