"""A run copied to or trained on Windows reads as the same run elsewhere."""

import json
from dataclasses import asdict

import pytest

from parity.runs import read_run
from tests.runs.builders import (
    CONFIG,
    KERNEL,
    STAMP,
    assert_evidence_exists,
    environment,
    head,
    printed_config,
    train_line,
    train_record,
    val_lines,
    val_record,
    write,
)

NAME = "upernet_r50_4xb4-160k_ade20k-512x512"
MISMATCH = (
    "The model and loaded state dict do not match exactly\n\n"
    "unexpected key in source state_dict: fc.weight, fc.bias\n\n"
    "missing keys in source state_dict: head.weight, head.bias\n\n"
)
LOG = (
    environment(gpus=2, distributed=True)
    + printed_config()
    + f"{head()}Exp name: {NAME}_{STAMP}\n{head()}Load checkpoint from a.pth\n{MISMATCH}"
    + train_line(50)
    + f"{KERNEL}\n"
    + train_line(100)
    + val_lines()
)
CONSOLE = MISMATCH.join([train_line(50) + f"{KERNEL}\n" * 3, train_line(100)])
RECORDS = "\n".join([train_record(50), train_record(100), val_record(100)]) + "\n"
HEADER = json.dumps({"env_info": "sys.platform: linux\nMMCV: 1.7.0", "config": CONFIG, "seed": 1})
LEGACY = [
    {"mode": "train", "epoch": 1, "iter": 50, "lr": 0.01, "loss": 3.0},
    {"mode": "val", "epoch": 1, "iter": 2000, "mIoU": 0.4254},
]
RUNS = {
    "log": {f"{STAMP}.log": LOG},
    "scalars": {f"{STAMP}/vis_data/scalars.json": RECORDS},
    "legacy scalars": {f"{STAMP}.log.json": "\n".join([HEADER, *map(json.dumps, LEGACY)]) + "\n"},
    "config": {f"{STAMP}/vis_data/config.py": CONFIG, f"{STAMP}/{STAMP}.log": train_line(50)},
    "console": {"nohup.out": CONSOLE},
    "table": {"run.csv": "step,loss,mIoU\n50,1.5,\n100,1.25,40\n"},
    "pointer": {f"{STAMP}/{STAMP}.log": LOG, "last_checkpoint": "/elsewhere/iter_100.pth\n"},
}


def told(run):
    """Everything a run says, but for where it lies."""
    found = asdict(run)
    curves = {
        name: (c.steps.tolist(), c.values.tolist(), c.lines.tolist(), c.files)
        for name, c in run.curves.items()
    }
    for segment in found["segments"]:
        segment.pop("curves")
    return repr({**found, "curves": curves, "path": None})


@pytest.mark.parametrize("kind", RUNS)
def test_line_ends_of_windows_change_nothing(tmp_path, kind):
    for ends, folder in (("\n", "here/run"), ("\r\n", "there/run")):
        for file, text in RUNS[kind].items():
            write(tmp_path / folder / file, text.replace("\n", ends))
    here, there = read_run(tmp_path / "here/run"), read_run(tmp_path / "there/run")
    assert told(here) == told(there)
    assert here.curves or here.evaluations
    assert_evidence_exists(there)


def test_a_log_with_these_ends_alone_tells_everything(tmp_path):
    write(tmp_path / f"{STAMP}.log", LOG.replace("\n", "\r\n"))
    run = read_run(tmp_path)
    assert run.unread == ()
    assert run.settings.config_name.value == NAME
    assert (run.settings.world_size.value, run.settings.backbone.value) == (2, "Swin-S")
    assert run.environment["GPU 0"].value == "NVIDIA H100 PCIe"
    assert run.environment["PyTorch compiling details"].value.endswith("CUDA Runtime 11.6")
    assert [item.name for item in run.evaluations[0].classes] == ["wall", "building"]
    assert run.weights[0].missing == ("head.weight", "head.bias")
