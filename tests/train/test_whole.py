"""Trainings to a score: validation, averages, mixed precision, checkpoints, going on."""

from __future__ import annotations

import errno
import importlib.util
import os
import signal
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
import torch
from typer.testing import CliRunner

from parity.cli import app
from parity.errors import InputError
from parity.live import reference_module
from parity.runs.read import read_run
from parity.train import checkpoint, record
from parity.train.checkpoint import kept_iterations, read_checkpoint
from parity.train.loop import Loop
from parity.train.plan import plan_of
from parity.train.record import TrainOptions
from parity.train.seeds import train_seeds
from parity.train.validation import Validation
from parity.train.whole import for_whole, interval_of

_SPEC = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
tiny = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tiny)
pytestmark = pytest.mark.live

SLIDE = "model.test_cfg={'mode': 'slide', 'crop_size': (16, 24), 'stride': (10, 16)}"
BUFFERS = "custom_hooks=[{'type': 'EMAHook', 'update_buffers': True, 'interval': 2}]"
ACCUMULATE = "optim_wrapper.accumulative_counts=3"
POINTS = "model.decode_head.dropout_ratio=0.5"


@pytest.fixture(autouse=True)
def terse():
    """The Runner prints its config in a style that takes longer than to train."""
    with mock.patch("mmengine.config.Config.pretty_text", ""):
        yield


@pytest.mark.parametrize(("option", "amp"), [(SLIDE, True), (BUFFERS, False)])
def test_scores_and_averages_are_equal(option, amp, tmp_path, data):
    given = tiny.settings(tmp_path, data, option, validated=True)
    given = for_whole(given, 2, 2, shorten=False, amp=amp)
    tally = tiny.run(given, tmp_path, iters=2)
    assert tally.first is None
    compared = {name: count.compared for name, count in tally.listed}
    assert compared["averaged model"] > 50
    assert compared["activations in validation"] > 50
    assert compared["scores"] == 4  # aAcc, mIoU, mAcc and the areas of every image
    if amp:
        dtypes = [p.dtype for p in plan_model(given).parameters()]
        assert set(dtypes) == {torch.float32}


def plan_model(given):
    return reference_module("training_loop").ReferenceModel(given, "cpu").make()


def options(folder, **changes):
    made = TrainOptions(lockstep=1, iters=4, work_dir=folder, keep=True, interval=2)
    return replace(made, **changes)


def whole(tmp_path, data, *given, workers=0, **changes):
    made = tiny.settings(tmp_path, data, *given, workers=workers, validated=True)
    return for_whole(made, 4, 2, **{"shorten": False, "amp": False, **changes})


def weights(folder, iteration=4):
    with reference_module("checkpoints").mmengine_checkpoints():
        content = torch.load(folder / f"iter_{iteration}.pth", weights_only=True)
    return {**content["state_dict"], **content.get("ema_state_dict", {})}


def same(one, other):
    assert list(one) == list(other)
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Both sides, four iterations, two validations; and the settings."""
    folder = tmp_path_factory.mktemp("trained")
    given = whole(folder, data)
    with mock.patch("mmengine.config.Config.pretty_text", ""):
        made = train_seeds(given, options(folder), (0,))
    return folder, given, made


def test_both_sides_leave_equal_checkpoints(trained):
    folder, _, (made,) = trained
    assert made.equal
    for iteration in (2, 4):
        ours, theirs = (weights(folder / side, iteration) for side in ("candidate", "reference"))
        assert same(ours, theirs)
    assert list(made.traces["candidate"].scores) == [2, 4]


def test_a_checkpoint_of_either_scores_the_same_on_the_other(trained, tmp_path):
    folder, given, (made,) = trained
    expected = {k: v for k, v in made.traces["reference"].scores[4].items() if k != "areas"}
    changes = {"load_from": str(folder / "candidate" / "iter_4.pth"), "custom_hooks": []}
    runner = reference_module("training").build_runner(
        next(folder.glob("candidate/*/vis_data/config.py")),
        work_dir=str(tmp_path),
        changes=changes,
    )
    assert {key: float(value) for key, value in runner.val().items()} == expected
    source = reference_module("training_loop").ReferenceModel(given, "cpu")
    model = source.make()
    state = weights(folder / "reference")
    model.load_state_dict({key: state[key] for key in model.state_dict()})
    validation = Validation(plan_of(given).validation, model, source.own_logits, seed=0)
    scores = validation.score("cpu")
    assert {key: value for key, value in scores.items() if key != "areas"} == expected


def test_explain_reads_our_work_directory(trained):
    run = read_run(trained[0] / "candidate")
    assert run.curves["decode.loss_ce"].steps.tolist() == [1, 2, 3, 4]
    assert [one.step for one in run.evaluations] == [2, 4]
    assert len(run.evaluations[-1].classes) == 150


# -- going on


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
    settings = whole(tmp_path, data, *given, workers=workers, amp=amp)
    alone = options(tmp_path / "whole", side="candidate")
    record.train(settings, alone)
    ended = tmp_path / "ended"
    end(settings, options(ended, side="candidate"))
    assert kept_iterations(ended / "candidate") == {2}
    made = record.train(settings, options(ended, side="candidate", resume=True))
    assert made.begun == 2
    expected = weights(tmp_path / "whole" / "candidate")
    assert same(weights(ended / "candidate"), expected)
    files = [folder / "candidate" / "iter_4.pth" for folder in (ended, tmp_path / "whole")]
    states = [read_checkpoint(file).generators["torch"] for file in files]
    assert torch.equal(*states)


def test_mmengine_s_own_resume_loses_the_generators(tmp_path, data):
    """With ours both sides go on equal; the Runner by itself draws other dropout."""
    settings = whole(tmp_path, data, POINTS)
    begun = record.train(settings, options(tmp_path / "both"))
    assert begun.equal
    full = weights(tmp_path / "both" / "reference")
    for side in ("candidate", "reference"):
        folder = tmp_path / "both" / side
        (folder / "last_checkpoint").write_text(str(folder / "iter_2.pth"))
    again = record.train(settings, options(tmp_path / "both", resume=True))
    assert again.begun == 2
    assert again.equal, again.tally.first
    assert same(weights(tmp_path / "both" / "reference"), full)
    folder = tmp_path / "both" / "reference"
    (folder / "last_checkpoint").write_text(str(folder / "iter_2.pth"))
    record.train(settings, options(tmp_path / "both", resume=True, side="reference"))
    assert not same(weights(folder), full)


class LosesGenerator(Loop):
    """Its checkpoints have the generators of their beginning."""

    def _save(self, iteration):
        with mock.patch.object(checkpoint, "generators", return_value=self.states):
            super()._save(iteration)

    def train(self):
        self.states = checkpoint.generators()
        return super().train()


def test_a_checkpoint_that_loses_a_generator_is_located(tmp_path, data, monkeypatch):
    settings = whole(tmp_path, data)
    monkeypatch.setattr(record, "Loop", LosesGenerator)
    record.train(settings, options(tmp_path))
    for side in ("candidate", "reference"):
        (tmp_path / side / "last_checkpoint").write_text("iter_2.pth")
    resume = reference_module("training_loop").train
    alone = mock.patch.object(  # the Runner goes on with generators of its own
        reference_module("training_loop"),
        "train",
        lambda *a, **k: resume(*a, **{**k, "states": None}),
    )
    with alone:
        found = record.train(settings, options(tmp_path, resume=True, lockstep=4)).tally.first
    assert (found.iteration, found.quantity) == (3, "generators before")


# -- what goes wrong


def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(tmp_path, data, monkeypatch):
    settings, given = whole(tmp_path, data), options(tmp_path, side="candidate")
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


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path, data):
    rate = "optim_wrapper.optimizer.lr=1e30"
    settings = whole(tmp_path, data, rate, "optim_wrapper.clip_grad=None", "param_scheduler=None")
    with pytest.raises(InputError, match=r"our side, iteration 2: .* is nan; earlier checkpoints"):
        record.train(settings, options(tmp_path, side="candidate"))
    both = record.train(settings, options(tmp_path))
    assert "is nan" in both.tally.stopped
    assert both.tally.iterations == 2


def test_a_worker_s_death_is_one_line(tmp_path, data, monkeypatch):
    def die(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("parity.recipe.RecipePipeline.run", die)
    with pytest.raises(InputError, match="our side, iteration 1: RuntimeError: DataLoader worker"):
        record.train(whole(tmp_path, data, workers=1), options(tmp_path, side="candidate"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", {"parity": 1}, print])
def test_a_damaged_checkpoint_is_said(content, tmp_path):
    path = tmp_path / "iter_2.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"iter_2\.pth"):
        read_checkpoint(path)


# -- the command


def parity(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_seeds_are_trained_one_by_one_and_what_is_over_is_kept(tmp_path):
    config = tmp_path / "tiny.py"
    config.write_text(tiny.CONFIG)
    asked = [config, "--full", "--iters", 2, "--shorten", "--seeds", "0,1", "--out", tmp_path / "o"]
    done = parity(*asked)
    assert done.exit_code == 0, done.output
    assert "equal in every seed" in done.stdout
    page = (tmp_path / "o" / "training.html").read_text()
    assert "<svg" in page
    assert "seed 1" in page
    with mock.patch("parity.train.seeds.train", side_effect=AssertionError):
        again = parity(*asked, "--resume")
    assert again.stdout == done.stdout
    other = parity(*asked, "--resume", "--interval", 2)
    assert "was trained otherwise" in str(other.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0,x"], "--seeds '0,x'"),
        (["--seeds", "1,1"], "different whole numbers"),
        (["--resume"], "--resume needs --out"),
        (["--iters", "4", "--interval", "3"], "--interval 3 does not divide the 4"),
    ],
)
def test_command_refuses(arguments, message):
    done = parity("fcn_r50-d8_4xb4-80k_ade20k-512x512", *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)


def test_interval_is_half_of_all_iterations():
    assert [interval_of(count, None) for count in (300, 7)] == [150, 7]


def test_a_shortened_schedule_keeps_its_form(tmp_path, data):
    given = for_whole(tiny.settings(tmp_path, data), 2, 0, shorten=True, amp=False)
    assert given.values["train_cfg"]["max_iters"] == 2
    ends = [(one["begin"], one["end"]) for one in given.values["param_scheduler"]]
    assert ends == [(0, 1), (1, 2)]
