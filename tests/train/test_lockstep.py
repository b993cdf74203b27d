import json

import pytest
import torch

from parity.errors import InputError
from parity.live import reference_module
from parity.runs.read import read_run
from parity.train import record
from parity.train.loop import Loop
from parity.train.observe import QUANTITIES
from parity.train.plan import plan_of
from parity.train.settings import SMALL_FACTOR, read_settings
from tests.train import tiny

live = pytest.mark.live

ADAMW = "optim_wrapper.optimizer={'type': 'AdamW', 'lr': 1e-3, 'weight_decay': 0.1}"
EQUAL = {
    "as it is": (),
    "AdamW": (ADAMW,),
    # Four iterations in rounds of three: the last round is not full.
    "accumulation": ("optim_wrapper.accumulative_counts=3",),
    "clipping by value": ("optim_wrapper.clip_grad={'type': 'value', 'clip_value': 0.01}",),
    "nothing to clip or to schedule": ("optim_wrapper.clip_grad=None", "param_scheduler=None"),
    "two losses": (
        "model.decode_head.loss_decode=[{'type': 'DiceLoss', 'use_sigmoid': False}, "
        "{'type': 'CrossEntropyLoss', 'use_sigmoid': True, 'loss_name': 'loss_bce'}]",
    ),
    "hard pixels": (
        "model.decode_head.sampler={'type': 'OHEMPixelSampler', 'thresh': 0.7, 'min_kept': 9}",
    ),
    "in order": ("train_dataloader.sampler={'type': 'InfiniteSampler', 'shuffle': False}",),
}
VALIDATION = {"activations in validation", "logits in validation", "scores"}
HEAD = (
    "{'type': 'OCRHead', 'in_channels': 4, 'in_index': 0, 'channels': 4, 'ocr_channels': 4, "
    "'num_classes': 150, 'norm_cfg': {'type': 'BN'}}"
)
FCN = (
    "{'type': 'FCNHead', 'in_channels': 4, 'in_index': 0, 'channels': 4, 'num_convs': 1, "
    "'num_classes': 150, 'dropout_ratio': 0.3, 'norm_cfg': {'type': 'BN'}}"
)
CASCADE = (
    "model.type=CascadeEncoderDecoder",
    "model.num_stages=2",
    f"model.decode_head=[{FCN}, {HEAD}]",
)


@live
@pytest.mark.parametrize("kind", EQUAL)
def test_equal(kind, tmp_path, data):
    given = tiny.settings(tmp_path, data, *EQUAL[kind])
    tally = tiny.run(given, tmp_path, iters=4)
    assert tally.first is None
    assert tally.iterations == 4
    seen = {name for name, count in tally.listed if count.compared}
    # Gradients stay over an iteration where several share an update.
    unseen = set() if kind == "accumulation" else {"gradients left over"}
    assert seen == set(QUANTITIES) - unseen - VALIDATION


@live
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_have_the_reference_s_seeds(workers, tmp_path, data):
    given = tiny.settings(tmp_path, data, workers=workers)
    assert tiny.run(given, tmp_path, iters=4).first is None


@live
def test_heads_in_a_cascade_run_twice(tmp_path, data):
    tally = tiny.run(tiny.settings(tmp_path, data, *CASCADE), tmp_path)
    assert tally.first is None
    assert tally.counts["logits"].compared == tiny.ITERATIONS * 4  # the first twice, and the aux


@live
def test_our_loop_alone_gives_the_weights_of_a_runner_alone(tmp_path, data):
    """No side is watched, and the Runner is the one that tools/train.py builds of the file."""
    given = tiny.settings(tmp_path, data, validated=True)
    changes = {
        "train_dataloader.dataset.data_root": str(data),
        "val_dataloader.dataset.data_root": str(data),
        "randomness": {"seed": 0},
        "model.pretrained": None,
    }
    runner = reference_module("training").build_runner(
        tmp_path / "tiny.py", work_dir=str(tmp_path / "plain"), changes=changes
    )
    expected = runner.train().state_dict()
    source = reference_module("training_loop").ReferenceModel(given, "cpu")
    actual = Loop(plan_of(given), source, seed=0, iters=4).train().state_dict()
    assert list(actual) == list(expected)
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


@live
def test_global_generators_are_left_as_they_were(tmp_path, data):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    tiny.run(tiny.settings(tmp_path, data), tmp_path, iters=1)
    assert torch.equal(torch.rand(1), expected)


def test_small_divides_sizes_and_says_so(data):
    given = read_settings("fcn_r50-d8_4xb4-80k_ade20k-512x512", spare=data, small=True)
    plan = plan_of(given)
    options = {step.name: step.options for step in plan.dataset.pipeline.steps}
    assert options["crop"]["crop_size"] == (512 // SMALL_FACTOR,) * 2
    assert options["resize"]["scale"] == (2048 // SMALL_FACTOR, 512 // SMALL_FACTOR)
    assert plan.collate["size"] == (512 // SMALL_FACTOR,) * 2
    assert any("divided by 8" in change for change in given.changes)


def test_what_our_side_has_not_is_left_out_and_said(tmp_path, data):
    hooks = "custom_hooks=[{'type': 'EMAHook'}, {'type': 'EarlyStoppingHook'}]"
    scaling = "auto_scale_lr={'enable': True, 'base_batch_size': 16}"
    given = tiny.settings(tmp_path, data, scaling, hooks)
    assert not {"auto_scale_lr", "val_cfg"} & set(given.values)
    assert given.values["custom_hooks"] == [{"type": "EMAHook"}]
    assert given.values["model"]["pretrained"] is None
    told = {"custom_hooks left out: EarlyStoppingHook", "auto_scale_lr left out"}
    assert told <= set(given.changes)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("optim_wrapper.type=ApexOptimWrapper", "ApexOptimWrapper"),
        ("custom_hooks=[{'type': 'EMAHook', 'begin_epoch': 1}]", "begin_epoch"),
        ("custom_hooks=[{'type': 'EMAHook', 'ema_type': 'StochasticWeightAverage'}]", "Stochastic"),
        ("train_dataloader.sampler.type=ClassAwareSampler", "ClassAwareSampler"),
        ("model.type=DepthEstimator", "DepthEstimator"),
        ("train_dataloader.dataset.ann_file=list.txt", "ann_file"),
        ("train_dataloader.dataset.pipeline=[{'type': 'Albu'}]", "Albu"),
        ("model.data_preprocessor=None", "SegDataPreProcessor"),
        ("optim_wrapper", "key.key=value"),
        ("crop_size=(8, 8)", "nothing reads"),
        ("optim_wrapper.optimizer={'type': 'SGD'}", "lr is None"),
        ("train_cfg.max_iters=many", "max_iters is 'many'"),
        ("train_dataloader.batch_size=None", "batch_size is None"),
        ("train_dataloader.sampler=None", "no train_dataloader.sampler"),
        ("optim_wrapper.optimizer=SGD", "no optim_wrapper.optimizer"),
        ("train_cfg.max_iters.x=1", "no dict"),
    ],
)
def test_what_is_not_trained_is_said(option, message, tmp_path, data):
    with pytest.raises(InputError, match=message):
        plan_of(tiny.settings(tmp_path, data, option))


# -- the command


@live
def test_command_equal(config, tmp_path):
    asked = ["--full", "--lockstep", 1, "--iters", 2, "--out", tmp_path / "out"]
    done = tiny.parity("train", config, *asked)
    assert done.exit_code == 0, done.output
    assert "equal: 2 iterations" in done.stdout
    assert "pretrained weights left out" in done.stdout
    content = json.loads((tmp_path / "out" / "training.json").read_text())
    assert content["equal"] is True
    (one,) = content["trainings"]
    assert one["counts"]["losses"]["compared"] == 8
    assert one["counts"]["sample indices"]["compared"] == 1
    assert list((tmp_path / "out" / "reference").glob("*/*.log"))


@live
@pytest.mark.parametrize("side", ["both", "candidate"])
def test_our_work_directory_is_read_as_mmengine_s(side, config, tmp_path):
    asked = ["--full", "--iters", 4, "--side", side, "--out", tmp_path / "out"]
    done = tiny.parity("train", config, *asked)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "out" / "candidate"
    found = read_run(folder)
    assert found.curves["decode.loss_ce"].steps.tolist() == [1, 2, 3, 4]
    runner = reference_module("training").build_runner(
        next(folder.glob("*/vis_data/config.py")),
        work_dir=str(tmp_path / "again"),
        changes={"load_from": str(folder / "iter_4.pth"), "custom_hooks": []},
    )
    runner.load_or_resume()
    saved = torch.load(folder / "iter_4.pth", weights_only=True)
    loaded = runner.model.state_dict()
    assert all(torch.equal(loaded[name], saved["state_dict"][name]) for name in loaded)
    assert saved["meta"]["iter"] == 4


@live
def test_command_different(config, monkeypatch):
    class Faulty(Loop):
        def _set_rates(self, done):
            super()._set_rates(0)

    monkeypatch.setattr(record, "Loop", Faulty)
    done = tiny.parity("train", config, "--full", "--lockstep", 2)
    assert done.exit_code == 1
    assert (
        "different: iteration 2, rates by group, group 0 (backbone.conv1.weight).lr" in done.stdout
    )


@live
@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_command_one_side(config, side):
    done = tiny.parity("train", config, "--full", "--iters", 2, "--side", side)
    assert done.exit_code == 0, done.output
    assert f"{side} alone, 2 iterations; the last losses: decode.loss_ce" in done.stdout


BROKEN = ("--lockstep", "2", "--option", "model.decode_head.in_index=7")


@live
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_config"], "no config of the zoo"),
        (["{config}", "--data", "/no/such/root"], "no such directory"),
        (["{config}", "--lockstep", "3", "--iters", "2"], "--iters 2 is less"),
        (["{config}", "--full", "--iters", "9"], "more than the 4 of its schedule"),
        (["{config}", "--full", *BROKEN], "the reference, iteration 1: IndexError"),
        (
            ["{config}", "--full", *BROKEN, "--side", "candidate"],
            "our side, iteration 1: IndexError",
        ),
        (["fcn_r50-d8_4xb2-80k_cityscapes-512x1024"], "--data"),
    ],
)
def test_command_refuses(arguments, message, config):
    done = tiny.parity("train", *(text.format(config=config) for text in arguments))
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
