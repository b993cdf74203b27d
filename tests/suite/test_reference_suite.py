"""The reference's tests with our steps beside its classes, on tests made here."""

from __future__ import annotations

import re

import pytest
from reference_suite import main, run_tests, suspect_called
from suite.page import render

DATA = """
from unittest.mock import Mock

import numpy as np
import pytest
from mmseg.datasets.transforms import (
    PackSegInputs,
    PhotoMetricDistortion,
    RandomCrop,
    RandomFlip,
    Resize,
)


def sample():
    rng = np.random.RandomState(3)
    image = rng.randint(0, 256, (20, 30, 3), dtype=np.uint8)
    seg = rng.randint(0, 5, (20, 30), dtype=np.uint8)
    return {"img": image, "gt_seg_map": seg, "seg_fields": ["gt_seg_map"]}


@pytest.mark.parametrize("size", [7, (9, 12)])
def test_crop(size):
    found = RandomCrop(size, cat_max_ratio=0.75)(sample())
    assert found["img"].shape[:2] == found["gt_seg_map"].shape


def test_flip_and_colours():
    flipped = RandomFlip(prob=1.0)(sample())
    assert (flipped["img"] == sample()["img"][:, ::-1]).all()
    PhotoMetricDistortion()(sample())


def test_maps_and_meta_of_ones_own():
    depth = np.linspace(0, 9, 600, dtype=np.float32).reshape(20, 30)
    edge = sample()["gt_seg_map"]
    given = {**sample(), "gt_depth_map": depth, "gt_edge_map": edge, "mine": 3}
    packed = PackSegInputs(meta_keys=("mine",))(given)["data_samples"]
    assert packed.mine == 3 and packed.gt_depth_map.data.shape == (1, 20, 30)
    labels = np.repeat(sample()["gt_seg_map"][..., None], 3, 2)
    found = Resize(scale=(15, 10))({**sample(), "gt_seg_map": labels})
    assert found["gt_seg_map"].shape == (10, 15, 3)


def test_numbers_of_the_test():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "choice", Mock(return_value=None))
        RandomFlip(prob=0.5)(sample())
"""
LOSSES = """
import torch
from mmengine.optim.scheduler import OneCycleLR, PolyLR, ReduceOnPlateauLR
from mmseg.models.losses import CrossEntropyLoss, DiceLoss


def test_cross_entropy():
    pred = torch.linspace(-2, 2, 2 * 3 * 8, requires_grad=True).view(2, 3, 2, 4)
    label = torch.tensor([[[0, 1, 2, 255], [1, 1, 0, 2]]] * 2)
    loss = CrossEntropyLoss(avg_non_ignore=True)(pred, label, ignore_index=255)
    assert loss.requires_grad


def test_weights_from_a_pickle(tmp_path):
    path = tmp_path / "weights.pkl"
    path.write_bytes(b"(F0.5\\nF0.5\\nl.")
    loss = CrossEntropyLoss(class_weight=str(path))
    assert loss(torch.zeros(1, 2), torch.tensor([1])) > 0


def test_dice():
    assert DiceLoss()(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2).long()) > 0


def test_poly():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    scheduler = PolyLR(optimizer, power=0.9, begin=0, end=5, by_epoch=False)
    for _ in range(3):
        scheduler.step()
    assert 0 < optimizer.param_groups[0]["lr"] < 0.01


def test_cycle_and_plateau():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    scheduler = OneCycleLR(optimizer, eta_max=0.1, total_steps=5, three_phase=True, pct_start=0.4)
    scheduler.step()
    scheduler = ReduceOnPlateauLR(optimizer, patience=0)
    for loss in (1, 2):
        scheduler.step({"loss": loss})
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    tests = tmp_path_factory.mktemp("checkout") / "tests"
    tests.mkdir()
    (tests / "test_made_data.py").write_text(DATA, "utf-8")
    (tests / "test_made_losses.py").write_text(LOSSES, "utf-8")
    return tests.parent


@pytest.mark.live
def test_healthy_steps_are_equal_and_what_is_not_compared_has_its_reason(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    rows, outcomes = run_tests(checkout)
    text, differs = render(rows)
    by_kind = {row.kind: row for row in rows}
    assert outcomes == {"passed": 10}
    assert not differs, text
    compared = {row.kind: (row.calls, row.equal) for row in rows if row.calls}
    assert compared == {
        "RandomCrop": (2, 2),
        "RandomFlip": (2, 1),
        "PhotoMetricDistortion": (1, 1),
        "CrossEntropyLoss": (2, 1),
        "DiceLoss": (1, 1),
        "PolyParamScheduler._get_value": (4, 4),
        "OneCycleParamScheduler._get_value": (2, 2),
        "ReduceOnPlateauParamScheduler._get_value": (1, 1),
        "PackSegInputs": (1, 1),
        "Resize": (1, 1),
    }
    [why] = by_kind["CrossEntropyLoss"].left
    assert re.fullmatch(r"refused here: .*\.pkl: class weights must be .*", why)
    assert "not called by any test: RandomResize" in text


@pytest.mark.live
@pytest.mark.parametrize(
    ("planted", "kind", "test", "shown"),
    [
        (
            "not-cropped",
            "RandomCrop",
            "test_made_data.py::test_crop[7]",
            "draw 0: actual none",
        ),
        ("width-drawn-first", "RandomCrop", "test_made_data.py::test_crop[7]", "draw 0"),
        (
            "ignored-is-class-0",
            "CrossEntropyLoss",
            "test_made_losses.py::test_cross_entropy",
            "float32(2, 3",
        ),
    ],
)
def test_a_planted_mistake_is_told_with_its_test(checkout, monkeypatch, planted, kind, test, shown):
    monkeypatch.chdir(checkout)
    rows, outcomes = run_tests(checkout, planted=suspect_called(planted))
    text, differs = render(rows)
    assert outcomes == {"passed": 10}  # they get what the reference gives
    assert differs
    [line] = [one for one in text.splitlines() if one.startswith("different: ")]
    assert line.startswith(f"different: {kind}: tests/{test}: ")
    assert shown in line


def test_a_bad_checkout_is_one_line(tmp_path, capsys):
    assert main(["--mmseg", str(tmp_path)]) == 2
    assert main([]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"--mmseg {tmp_path}: has no folder tests; give a checkout of mmseg"
    assert second.startswith("give a checkout")
