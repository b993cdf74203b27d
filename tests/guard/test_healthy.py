"""Small trainings of every family, in which nothing is wrong: no alarm before or during them."""

from pathlib import Path
from unittest import mock

import pytest
import torch
from runs import dataset

from parity.guard import rehearsal
from parity.guard.judge import judge
from parity.guard.preflight import examine, planned
from parity.live import reference_module
from parity.runs.read import read_run
from parity.steps.dino import DinoBackbone

CONFIGS = Path("scripts/runs/configs").resolve()
DINOV2 = "dinov2-tiny_linear_1xb2-40_ade20k-64x64"
FAMILIES = (
    "fcn_r18-tiny-gn_1xb2-60_ade20k-64x64",
    "upernet_r18-tiny-gn_1xb2-40_ade20k-64x64",
    "segformer_mit-tiny-gn_1xb2-40_ade20k-64x64",
    "knet-s2_r18-tiny-gn_1xb2-40_ade20k-64x64",
    "mask2former_r18-tiny_1xb2-400_ade20k-64x64",
    DINOV2,
)
FROZEN = "model['backbone']['frozen'] = True"
HOOK = {"type": "parity.guard.hook.ParityHook", "on_error": "stop", "zero": 3}
# The Runner prints its config five times, in a style that takes longer than to train.
QUIET = """
from unittest import mock
from reference.compat import load_reference
load_reference()
mock.patch("mmengine.config.Config.pretty_text", "").start()
"""
pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    dataset.write(root, train=4, validation=2)
    return root


@pytest.fixture
def config(tmp_path):
    """Writes a config of scripts/runs, which begins from noise, into a folder."""

    def write(name, more=""):
        for file in CONFIGS.glob("*.py"):
            text = file.read_text().replace('"../', '"mmseg::')
            (tmp_path / file.name).write_text(text)
        if "dinov2" not in name:
            more = f"model['backbone']['init_cfg'] = None\n{more}"
        path = tmp_path / f"{name}.py"
        path.write_text(f"{path.read_text()}\n{more}\n")
        return path

    return write


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "weights.pth"
    torch.save(DinoBackbone((24, 3, 2), image_size=42).state_dict(), file)
    return file


def changes(data):
    splits = ("val", "test")
    parts = ("dataloader", "cfg", "evaluator")
    return {
        "train_dataloader.dataset.data_root": str(data),
        "train_cfg.max_iters": 4,
        "param_scheduler": None,
        "visualizer": None,
        "custom_hooks": [HOOK],
        **{f"{split}_{part}": None for split in splits for part in parts},
    }


@pytest.mark.parametrize("name", [*FAMILIES, f"{DINOV2}, frozen"])
def test_no_alarm_before_and_during(name, config, data, weights, tmp_path):
    live = reference_module("training")
    name, _, more = name.partition(", ")
    path = config(name, f"{FROZEN}\nmodel['backbone']['weights'] = '{weights}'" if more else "")
    lines = list(examine(planned(str(path), gpus=1, data=data), elsewhere=True))
    assert [line for line in lines if line.status == "error"] == []
    changed = changes(data)
    with mock.patch("mmengine.config.Config.pretty_text", ""):
        runner = live.build_runner(path, work_dir=str(tmp_path / "run"), changes=changed)
        runner.train()
    (hook,) = [hook for hook in runner.hooks if type(hook).__name__ == "ParityHook"]
    trained = [name for name, one in runner.model.named_parameters() if one.requires_grad]
    assert hook.alarms == []
    assert (hook.monitor.zero, hook.monitor.unreached) == ((), ())
    assert len(trained) == len(hook.monitor._reached) > 0
    assert judge(read_run(tmp_path / "run")) == []


def test_real_iterations_of_a_frozen_backbone(config, data, weights, monkeypatch):
    monkeypatch.setattr(rehearsal, "CODE", QUIET + rehearsal.CODE)
    flight = planned(str(config(DINOV2, FROZEN)), gpus=1, data=data, checkpoint=weights)
    lines = {line.name: line for line in rehearsal.rehearse(flight)}
    assert {name for name, line in lines.items() if line.status == "error"} == set()
    assert lines["gradients"].text == "not 0 for each of 4 parameters"
