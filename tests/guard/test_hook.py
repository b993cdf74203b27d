"""Small trainings by mmseg's Runner, Lightning's loop and Hugging Face's, healthy and broken."""

import contextlib
import ctypes
import logging
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import torch

from parity.guard.callbacks import HuggingFaceGuard, LightningGuard
from parity.guard.guard import LOST, BrokenTraining, Monitor
from parity.guard.judging import python
from parity.live import reference_module
from parity.train.roots import built_in_data

MASK2FORMER = "mask2former/mask2former_r50_8xb2-160k_ade20k-512x512"
PRINTED = b"error in %s: no kernel image is available for execution on the device\n"
SMALL = {"norm_cfg": {"type": "GN", "num_groups": 4}}
ATTENTION = {"embed_dims": 16, "num_heads": 2}
FFN = {"embed_dims": 16, "feedforward_channels": 16}
CHANGES = {
    "model.data_preprocessor.size": (32, 32),
    "model.backbone": {
        "depth": 18, "base_channels": 8, "stem_channels": 8, "init_cfg": None,
        # without weights the frozen norms of the zoo's config would be 0 and stay so
        "norm_cfg": {"type": "BN", "requires_grad": True}, "frozen_stages": -1,
    },
    "model.decode_head": {
        "in_channels": [8, 16, 32, 64], "feat_channels": 16, "out_channels": 16, "num_queries": 5,
        "pixel_decoder": {
            "norm_cfg": SMALL["norm_cfg"],
            "encoder": {
                "num_layers": 1, "layer_cfg": {"self_attn_cfg": ATTENTION, "ffn_cfg": FFN},
            },
            "positional_encoding": {"num_feats": 8},
        },
        "positional_encoding": {"num_feats": 8},
        "transformer_decoder": {
            "num_layers": 1,
            "layer_cfg": {
                "self_attn_cfg": ATTENTION, "cross_attn_cfg": ATTENTION, "ffn_cfg": FFN,
            },
        },
        "train_cfg": {"num_points": 32},
    },
    "train_dataloader.batch_size": 2,
    "train_dataloader.num_workers": 0,
    "train_dataloader.persistent_workers": False,
    "train_dataloader.dataset.pipeline.2.scales": [32],
    "train_dataloader.dataset.pipeline.3.crop_size": (32, 32),
    "train_cfg.max_iters": 4,
    "log_level": "ERROR",
    "visualizer": None,
    "custom_hooks": [{"type": "parity.guard.hook.ParityHook", "zero": 3}],
    **{f"{split}_{part}": None for split in ("val", "test")
       for part in ("dataloader", "cfg", "evaluator")},
}  # fmt: skip


def print_error(launch):
    ctypes.CDLL(None).printf(PRINTED, launch.encode())


@pytest.fixture
def data():
    with built_in_data() as root:
        yield root


def trained(tmp_path, data, *, dead=False, **changes):
    """The hook of a Runner that trained four iterations."""
    live = reference_module("training")
    from parity.recipe import find_config

    config = find_config(MASK2FORMER).path
    changes = {**CHANGES, "train_dataloader.dataset.data_root": str(data), **changes}
    with mock.patch("mmengine.config.Config.pretty_text", ""):  # takes longer than to train
        runner = live.build_runner(config, work_dir=str(tmp_path), changes=changes)
        with live.zero_deform_attn(print_error) if dead else contextlib.nullcontext():
            runner.train()
    (hook,) = [hook for hook in runner.hooks if type(hook).__name__ == "ParityHook"]
    return hook


def test_a_healthy_mask2former(tmp_path, data):
    hook = trained(tmp_path, data)
    assert {alarm.id for alarm in hook.alarms if alarm.broken} == set()
    # the model was made small, the batch and schedule are not the zoo's: said
    expected = {"effective-batch", "fewer-epochs", "schedule-end"}
    assert {alarm.id for alarm in hook.alarms} == expected


def test_a_dead_op_is_found(tmp_path, data, capfd):
    hook = trained(tmp_path, data, dead=True)
    assert "zero-gradient" in {alarm.id for alarm in hook.alarms}
    assert {name.rpartition("self_attn.")[2] for name in hook.monitor.zero} >= {
        "value_proj.weight", "value_proj.bias", "sampling_offsets.weight", "sampling_offsets.bias",
        "attention_weights.weight", "attention_weights.bias",
    }  # fmt: skip
    assert all(".pixel_decoder." in name for name in hook.monitor.zero)


def test_weights_of_other_names_end_the_training(tmp_path, data):
    torch.save({"state_dict": {"encoder.weight": torch.zeros(2)}}, tmp_path / "w.pth")
    stop = [{"type": "parity.guard.hook.ParityHook", "on_error": "stop"}]
    with pytest.raises(BrokenTraining, match="keys-unmatched"):
        trained(tmp_path, data, load_from=str(tmp_path / "w.pth"), custom_hooks=stop)


class Two(torch.nn.Module):
    """Two layers, of which the second may be dead, and one that is not used."""

    def __init__(self, dead: bool) -> None:
        super().__init__()
        self.one, self.two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        self.unused, self.dead = torch.nn.Linear(2, 2), dead

    def forward(self, x):
        return (self.one(x) + self.two(x) * (0.0 if self.dead else 1.0)).square().sum()


@pytest.mark.parametrize("dead", [True, False])
def test_zero_is_not_unreached(dead):
    told, model = [], Two(dead)
    monitor = Monitor(told.append, zero=2, every=5)
    monitor.start(model)
    for _ in range(12):
        monitor.before()
        loss = model(torch.ones(1, 2))
        loss.backward()
        monitor.after(loss)
    assert monitor.zero == (("two.bias", "two.weight") if dead else ()) or sorted(monitor.zero) == [
        "two.bias",
        "two.weight",
    ]
    assert monitor.unreached == ("unused.weight", "unused.bias")
    assert [alarm.id for alarm in told] == (["zero-gradient"] if dead else [])
    assert not any(p._backward_hooks for p in model.parameters())


def test_one_loss_that_is_lost_is_nothing():
    told = []
    monitor = Monitor(told.append)
    for loss in [1.0, float("nan"), 1.0, *[float("inf")] * LOST, float("nan")]:
        monitor.before()
        monitor.after(loss)
    assert [(alarm.id, alarm.broken) for alarm in told] == [("diverged", True)]


def lightning(model, guard):
    """What Lightning's fit loop calls (trainer/call.py, loops/training_epoch_loop.py 2.5)."""
    guard.setup(None, model, stage="fit")
    guard.on_train_start(None, model)
    for index in range(4):
        guard.on_train_batch_start(None, model, None, index)
        loss = model(torch.ones(1, 2))
        guard.on_before_backward(None, model, loss)
        loss.backward()
        guard.on_train_batch_end(None, model, {"loss": loss}, None, index)
    guard.on_train_end(None, model)


def hugging_face(model, guard):
    """What Hugging Face's loop calls (transformers 4.57 trainer.py), two batches a step."""
    guard.on_init_end(None, None, None, model=model)
    guard.on_train_begin(None, None, None, model=model)
    for _ in range(4):
        guard.on_step_begin(None, None, None, model=model)
        for _ in range(2):
            loss = model(torch.ones(1, 2))
            loss.backward()
        guard.on_step_end(None, None, None, model=model)
        guard.on_log(None, None, None, logs={"loss": loss.item()})
        model.zero_grad()


@pytest.mark.parametrize(
    ("loop", "guard"), [(lightning, LightningGuard), (hugging_face, HuggingFaceGuard)]
)
def test_callbacks(loop, guard, caplog):
    caplog.set_level(logging.ERROR)
    healthy = guard(zero=3)
    loop(Two(False), healthy)
    assert not healthy.alarms
    warned = guard(zero=3)
    loop(Two(True), warned)
    assert [alarm.id for alarm in warned.alarms] == ["zero-gradient"]
    with pytest.raises(BrokenTraining, match="two"):
        loop(Two(True), guard(on_error="stop", zero=3))


SCRIPT = str(Path(__file__).with_name("ranks.py"))
WATCH = "from parity.guard.watch import main; main()"


@pytest.mark.live
def test_a_dead_layer_ends_all_processes_and_a_healthy_one_none(tmp_path):
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, SCRIPT, str(tmp_path / "trained")]
    command = [*python(WATCH, f"--work-dir={tmp_path}"), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    for rank in (0, 1):
        assert done.stdout.count(f"process {rank}: 0 alarms\n") == 1
    told = [line for line in done.stdout.splitlines() if "parity: zero-gradient" in line]
    assert len(told) == 1
    assert told[0].endswith("two.bias, two.weight")
    assert "[rank1]" not in done.stderr  # it was ended, neither left waiting nor broken
    (kept,) = tmp_path.glob("console_*.txt")
    assert told[0] in kept.read_text()
