"""Trainings to a score: validation, averages, mixed precision, checkpoints."""

from unittest import mock

import pytest
import torch

from parity.errors import InputError
from parity.live import reference_module
from parity.runs.read import read_run
from parity.train.plan import plan_of
from parity.train.seeds import train_seeds
from parity.train.validation import Validation
from parity.train.whole import for_whole, interval_of
from tests.train import tiny

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("terse")]

SLIDE = "model.test_cfg={'mode': 'slide', 'crop_size': (16, 24), 'stride': (10, 16)}"
BUFFERS = "custom_hooks=[{'type': 'EMAHook', 'update_buffers': True, 'interval': 2}]"


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


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Both sides, four iterations, two validations; and the settings."""
    folder = tmp_path_factory.mktemp("trained")
    given = tiny.whole(folder, data)
    with tiny.terse():
        made = train_seeds(given, tiny.options(folder), (0,))
    return folder, given, made


def test_both_sides_leave_equal_checkpoints(trained):
    folder, _, (made,) = trained
    assert made.equal
    for iteration in (2, 4):
        both = [tiny.weights(folder / side, iteration) for side in ("candidate", "reference")]
        assert tiny.same(*both)
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
    state = tiny.weights(folder / "reference")
    model.load_state_dict({key: state[key] for key in model.state_dict()})
    validation = Validation(plan_of(given).validation, model, source.own_logits, seed=0)
    scores = validation.score("cpu")
    assert {key: value for key, value in scores.items() if key != "areas"} == expected


def test_explain_reads_our_work_directory(trained):
    run = read_run(trained[0] / "candidate")
    assert run.curves["decode.loss_ce"].steps.tolist() == [1, 2, 3, 4]
    assert [one.step for one in run.evaluations] == [2, 4]
    assert len(run.evaluations[-1].classes) == 150
    assert run.settings.sync_bn_reverted.value is True
    done = tiny.parity("explain", trained[0] / "candidate", "--against", trained[0] / "reference")
    assert done.exit_code == 0, done.output
    assert "+0.00 points" in done.stdout


# -- the command


def test_seeds_are_trained_one_by_one_and_what_is_over_is_kept(config, tmp_path):
    asked = [config, "--full", "--iters", 2, "--shorten", "--seeds", "0,1", "--out", tmp_path / "o"]
    done = tiny.parity("train", *asked)
    assert done.exit_code == 0, done.output
    assert "equal in every seed" in done.stdout
    page = (tmp_path / "o" / "training.html").read_text()
    assert "<svg" in page
    assert "2 of 2 seeds equal in every bit" in page
    assert ">nan" not in page
    with mock.patch("parity.train.seeds.train", side_effect=AssertionError):
        again = tiny.parity("train", *asked, "--resume")
    assert again.stdout == done.stdout
    other = tiny.parity("train", *asked, "--resume", "--interval", 2)
    assert (
        "outcome.pth: was trained otherwise: config.train_cfg.val_interval was 1, and is 2"
        in str(other.exception)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0,x"], "--seeds '0,x'"),
        (["--seeds", "1,1"], "different whole numbers"),
        (["--resume"], "--resume needs --out"),
        (["--iters", "4", "--interval", "3"], "--interval 3 does not divide the 4"),
        (["--interval", "3"], "--interval goes with --iters"),
        (["--side", "candidate", "--teacher"], "leave out --side candidate"),
        (["--side", "reference", "--model", "m.py:make"], "--model is of our side"),
    ],
)
def test_command_refuses(arguments, message):
    done = tiny.parity("train", "fcn_r50-d8_4xb4-80k_ade20k-512x512", *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)


def test_interval_is_half_of_all_iterations():
    assert [interval_of(count, None) for count in (300, 7)] == [150, 7]


def test_a_shortened_schedule_keeps_its_form(tmp_path, data):
    given = for_whole(tiny.settings(tmp_path, data), 2, 0, shorten=True, amp=False)
    assert given.values["train_cfg"]["max_iters"] == 2
    ends = [(one["begin"], one["end"]) for one in given.values["param_scheduler"]]
    assert ends == [(0, 1), (1, 2)]
