"""Trainings that are ended and gone on with, and what goes wrong."""

import errno
import os
import signal
from dataclasses import replace
from unittest import mock

import pytest
import torch

from parity.errors import InputError
from parity.live import reference_module
from parity.train import checkpoint, record
from parity.train.checkpoint import kept_iterations, read_checkpoint
from parity.train.loop import Loop
from tests.train import tiny

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("terse")]

BUFFERS = "custom_hooks=[{'type': 'EMAHook', 'update_buffers': True, 'interval': 2}]"
ACCUMULATE = "optim_wrapper.accumulative_counts=3"
POINTS = "model.decode_head.dropout_ratio=0.5"


def half_written(end):
    """`torch.save` that comes to an `end` in the middle of the checkpoint of iteration 4."""
    written = torch.save

    def half(content, file):
        if content["meta"]["iter"] == 4:
            file.write(b"half of a checkpoint")
            file.flush()
            end()
        written(content, file)

    return mock.patch.object(checkpoint.torch, "save", half)


def killed(settings, given):
    """Our side in a process of its own, which is killed."""
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    with half_written(lambda: os.kill(os.getpid(), signal.SIGKILL)):
        record.train(settings, given)
    os._exit(1)


def out_of_memory(settings, given):
    """A process with workers cannot be forked; what is left is the same."""
    with half_written(mock.Mock(side_effect=MemoryError)), pytest.raises(InputError) as raised:
        record.train(settings, given)
    assert str(raised.value) == "our side, iteration 4: MemoryError"


@pytest.mark.parametrize(
    ("end", "given", "workers", "amp"),
    [(killed, (ACCUMULATE, POINTS), 0, True), (out_of_memory, (BUFFERS,), 3, False)],
)
def test_gone_on_with_it_has_the_weights_of_an_uninterrupted_run(
    end, given, workers, amp, tmp_path, data
):
    settings = tiny.whole(tmp_path, data, *given, workers=workers, amp=amp)
    alone = tiny.options(tmp_path / "whole", side="candidate")
    record.train(settings, alone)
    ended = tmp_path / "ended"
    end(settings, tiny.options(ended, side="candidate"))
    assert kept_iterations(ended / "candidate") == {2}
    made = record.train(settings, tiny.options(ended, side="candidate", resume=True))
    assert made.begun == 2
    expected = tiny.weights(tmp_path / "whole" / "candidate")
    assert tiny.same(tiny.weights(ended / "candidate"), expected)
    files = [folder / "candidate" / "iter_4.pth" for folder in (ended, tmp_path / "whole")]
    states = [read_checkpoint(file).generators["torch"] for file in files]
    assert torch.equal(*states)


OTHERWISE = {
    "config": ({}, "config.optim_wrapper.optimizer.lr was 0.1, and is 0.2"),
    "options": ({"seed": 1, "threads": 2}, "seed was 0, and is 1; threads was 1, and is 2"),
}


@pytest.mark.parametrize("side", ["candidate", "reference"])
@pytest.mark.parametrize("kind", OTHERWISE)
def test_what_is_of_another_training_is_not_gone_on_with(kind, side, tmp_path, data):
    settings = tiny.whole(tmp_path, data)
    asked = tiny.options(tmp_path, side=side, iters=2)
    record.train(settings, asked)
    changed, told = OTHERWISE[kind]
    if not changed:
        settings = tiny.whole(tmp_path, data, "optim_wrapper.optimizer.lr=0.2")
    with pytest.raises(InputError) as raised:
        record.train(settings, replace(asked, resume=True, **changed))
    file = tmp_path / side / "iter_2.pth"
    assert str(raised.value) == (
        f"{file}: was trained otherwise: {told}; ask as before, or give another --out"
    )


def test_a_checkpoint_that_does_not_say_of_what_training_it_is(tmp_path, data):
    settings, asked = tiny.whole(tmp_path, data), tiny.options(tmp_path, side="candidate", iters=2)
    record.train(settings, asked)
    file = tmp_path / "candidate" / "iter_2.pth"
    content = torch.load(file, weights_only=True)
    del content["meta"]["asked"]
    torch.save(content, file)
    with pytest.raises(InputError, match=r"iter_2\.pth: does not say how it was trained"):
        record.train(settings, replace(asked, resume=True))


def test_mmengine_s_own_resume_loses_the_generators(tmp_path, data):
    """With ours both sides go on equal; the Runner by itself draws other dropout."""
    settings = tiny.whole(tmp_path, data, POINTS)
    begun = record.train(settings, tiny.options(tmp_path / "both"))
    assert begun.equal
    full = tiny.weights(tmp_path / "both" / "reference")
    for side in ("candidate", "reference"):
        folder = tmp_path / "both" / side
        (folder / "last_checkpoint").write_text(str(folder / "iter_2.pth"))
    again = record.train(settings, tiny.options(tmp_path / "both", resume=True))
    assert again.begun == 2
    assert again.equal, again.tally.first
    assert tiny.same(tiny.weights(tmp_path / "both" / "reference"), full)
    folder = tmp_path / "both" / "reference"
    (folder / "last_checkpoint").write_text(str(folder / "iter_2.pth"))
    record.train(settings, tiny.options(tmp_path / "both", resume=True, side="reference"))
    assert not tiny.same(tiny.weights(folder), full)


class LosesGenerator(Loop):
    """Its checkpoints have the generators of their beginning."""

    def _save(self, iteration):
        with mock.patch.object(checkpoint, "generators", return_value=self.states):
            super()._save(iteration)

    def train(self):
        self.states = checkpoint.generators()
        return super().train()


def test_a_checkpoint_that_loses_a_generator_is_located(tmp_path, data, monkeypatch):
    settings = tiny.whole(tmp_path, data)
    monkeypatch.setattr(record, "Loop", LosesGenerator)
    record.train(settings, tiny.options(tmp_path))
    for side in ("candidate", "reference"):
        (tmp_path / side / "last_checkpoint").write_text("iter_2.pth")
    resume = reference_module("training_loop").train
    alone = mock.patch.object(  # the Runner goes on with generators of its own
        reference_module("training_loop"),
        "train",
        lambda *a, **k: resume(*a, **{**k, "states": None}),
    )
    with alone:
        found = record.train(settings, tiny.options(tmp_path, resume=True, lockstep=4)).tally.first
    assert (found.iteration, found.quantity) == (3, "generators before")


# -- what goes wrong


def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(tmp_path, data, monkeypatch):
    settings, given = tiny.whole(tmp_path, data), tiny.options(tmp_path, side="candidate")
    synced, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(handle)

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(InputError, match=r"iter_4\.pth: cannot be written: No space.*--resume"):
        record.train(settings, given)
    assert kept_iterations(tmp_path / "candidate") == {2}
    assert not list((tmp_path / "candidate").glob(".*"))
    read_checkpoint(tmp_path / "candidate" / "iter_2.pth")


def test_a_loss_that_is_not_finite_ends_the_training(config, tmp_path, data):
    wild = ("optim_wrapper.optimizer.lr=1e30", "optim_wrapper.clip_grad=None")
    settings = tiny.whole(tmp_path, data, *wild, "param_scheduler=None")
    with pytest.raises(InputError, match=r"our side, iteration 2: .* is nan; earlier checkpoints"):
        record.train(settings, tiny.options(tmp_path, side="candidate"))
    both = record.train(settings, tiny.options(tmp_path))
    assert "is nan" in both.tally.stopped
    assert both.tally.iterations == 2
    options = [f"--option={one}" for one in (*wild, "param_scheduler=None")]
    done = tiny.parity("train", config, "--full", "--lockstep", 2, *options)
    assert done.exit_code == 2
    assert "equal: 2 iterations" in done.stdout


def test_a_worker_s_death_is_one_line(tmp_path, data, monkeypatch):
    def die(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("parity.recipe.RecipePipeline.run", die)
    settings = tiny.whole(tmp_path, data, workers=1)
    with pytest.raises(InputError, match="our side, iteration 1: RuntimeError: DataLoader worker"):
        record.train(settings, tiny.options(tmp_path, side="candidate"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", {"parity": 1}, print])
def test_a_damaged_checkpoint_is_said(content, tmp_path):
    path = tmp_path / "iter_2.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"iter_2\.pth"):
        read_checkpoint(path)
