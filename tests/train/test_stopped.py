import json
import os
import signal
import threading

import pytest
import torch
from torch.utils.data import DataLoader

from parity.errors import InputError
from parity.sample import Batch
from parity.train.data import end_workers
from parity.train.loop import Loop
from parity.train.sides import TrainingSide
from tests.train import tiny

pytestmark = pytest.mark.live


def test_ctrl_c_ends_with_what_was_compared(config, tmp_path, monkeypatch):
    iterate, begun = Loop._iterate, []

    def pressed(self, done):
        begun.append(done)
        if len(begun) == 4:  # the second of the second seed
            signal.raise_signal(signal.SIGINT)
        iterate(self, done)

    monkeypatch.setattr(Loop, "_iterate", pressed)
    out = tmp_path / "out"
    asked = ("--full", "--lockstep", 2, "--seeds", "0,1,2", "--out", out)
    done = tiny.parity("train", config, *asked)
    assert done.exit_code == 130, done.output
    assert "interrupted before seed 2" in done.stdout
    assert "seed 1: incomplete, interrupted in iteration 1 of 2; so far equal" in done.stdout
    found = json.loads((out / "training.json").read_text())
    assert [one["equal"] for one in found["trainings"]] == [True, False]
    assert found["equal"] is False
    page = (out / "training.html").read_text()
    assert '<header class="v-none">' in page
    assert "1 of 3 seeds equal in every bit; seed 1: incomplete, interrupted in" in page
    kept = [(out / f"seed-{seed}" / "outcome.pth").is_file() for seed in range(3)]
    assert kept == [True, False, False]


def test_a_side_that_computes_on_is_not_waited_for():
    over = threading.Event()
    side = TrainingSide("slow", lambda observe: over.wait(20))
    side._thread.start()
    side.stop(waiting=False)
    assert side._thread.is_alive()
    over.set()


def test_a_worker_that_dies_within_a_batch_is_told(monkeypatch):
    """What came of it is waited for by a read of a pipe, which others hold open."""
    monkeypatch.setattr("parity.train.sides.CHECK_SECONDS", 0.1)
    over = threading.Event()

    def waits(observe):
        batches = iter(DataLoader([0], num_workers=1, collate_fn=killed))
        over.wait(20)
        end_workers(batches)

    side = TrainingSide("ours", waits)
    with pytest.raises(InputError, match=r"iteration 0: DataLoader worker .* killed by signal"):
        side.next()
    side.stop()
    over.set()
    side._thread.join()


def killed(samples):
    os.kill(os.getpid(), signal.SIGKILL)


class Narrow(Loop):
    """Labels of a dtype that the loss refuses."""

    def _next_batch(self, done):
        seen = self.observe
        self.observe = lambda quantity, values: (
            None if quantity == "batch" else seen(quantity, values)
        )
        batch = super()._next_batch(done)
        self.observe = seen
        labels = batch.segs.to(torch.int32)
        seen("batch", {"images": batch.images, "labels": labels, "meta": batch.metas})
        return Batch(batch.images, labels, batch.metas)


def test_what_parted_before_an_error_is_told(tmp_path, data):
    tally = tiny.run(tiny.settings(tmp_path, data), tmp_path, loop=Narrow)
    assert (tally.first.quantity, tally.first.name) == ("batch", "labels")
    assert tally.stopped.startswith("ours, iteration 1: ")
