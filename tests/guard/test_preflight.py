"""Trainings looked at before they start: healthy ones, broken ones, hostile ones."""

import pickle
from collections import Counter
from pathlib import Path

import cv2
import pytest
import torch
from runs import dataset
from zoo_before import troubles

from parity.errors import InputError, RunFormatError
from parity.guard import rehearsal
from parity.guard.preflight import examine, planned
from parity.live import config_model, reference_module
from parity.steps.dino import DinoBackbone

SEGFORMER = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
CONFIGS = Path("scripts/runs/configs").resolve()
# The Runner prints its config five times, in a style that takes longer than to train.
DEAD = """
from unittest import mock
from parity.guard.rehearsal import main
from reference.training import load_reference, zero_deform_attn
def tell(launch): print(f"error in {launch}: no kernel image is available for execution")
load_reference()
mock.patch("mmengine.config.Config.pretty_text", "").start()
with zero_deform_attn(tell): main()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    dataset.write(root, train=4, validation=2)
    return root


def config_of(folder, name, more=""):
    """A small config of scripts/runs, without weights."""
    text = (CONFIGS / f"{name}.py").read_text().replace('"../', '"mmseg::')
    file = folder / f"{name}.py"
    file.write_text(f"{text}\nmodel['backbone']['init_cfg'] = None\n{more}\n")
    return str(file)


def lines_of(*args, accept=(), **options):
    found = list(examine(planned(*args, **options), accept=accept, elsewhere=True))
    return {line.name: (line.status, line.text) for line in found}


def test_a_config_of_the_zoo_as_the_zoo_trains_it(data):
    lines = lines_of(SEGFORMER, data=data)
    assert "8 GPUs, beside the zoo's segformer_mit-b0" in lines["config"][1]
    assert {name for name, (status, _) in lines.items() if status == "error"} == set()
    assert lines["train data"] == (
        "warning", "4 images, 96x96 to 96x96 in a sample; the data set has 20,210",
    )  # fmt: skip
    assert lines["train labels"][0] == lines["crop"][0] == lines["ops"][0] == "ok"


def test_what_one_gpu_changes(data):
    lines = lines_of(SEGFORMER, gpus=1, data=data)
    expected = {"effective-batch", "syncbn-reverted"}
    assert {name for name, (status, _) in lines.items() if status == "error"} == expected
    accepted = lines_of(SEGFORMER, gpus=1, data=data, accept=["effective-batch"])
    assert accepted["effective-batch"][0] == "warning"


def test_what_is_named_and_is_not_there(tmp_path):
    with pytest.raises(InputError, match="did you mean effective-batch"):
        lines_of(SEGFORMER, accept=["efective-batch"])
    lines = lines_of(SEGFORMER, checkpoint=tmp_path)
    assert lines["weights"] == ("error", f"{tmp_path}: is no file")
    cityscapes = lines_of("fcn_r50-d8_4xb2-80k_cityscapes-512x1024")
    assert cityscapes["train data"][1].endswith("leftImg8bit/train: no such directory")


def test_settings_and_data_that_are_wrong(tmp_path, data):
    file = tmp_path / f"{SEGFORMER}.py"
    file.write_text(
        f"_base_ = 'mmseg::segformer/{SEGFORMER}.py'\n"
        "model = dict(data_preprocessor=dict(size=(480, 480)), decode_head=dict(num_classes=3))\n"
        "optim_wrapper = dict(optimizer=dict(lr=1e-3))\n"
    )
    lines = lines_of(str(file), data=data)
    assert lines["crop"] == (
        "warning", "512x512, but batches are padded to 480x480 (data_preprocessor.size)",
    )  # fmt: skip
    assert lines["train labels"][0] == "error"
    assert "not comparable: the run has 3 classes" in lines["config"][1]
    assert "optimizer.lr: 0.001 here" in "".join(text for _, text in lines.values())
    (data / "annotations/validation").rename(data / "gone")
    try:
        lines = lines_of(SEGFORMER, data=data)
        assert lines["val data"][0] == "error"
        assert "2 without a label map" in lines["val data"][1]
    finally:
        (data / "gone").rename(data / "annotations/validation")


def test_labels_that_the_loss_does_not_take(tmp_path, data):
    file = data / "annotations/validation/ADE_val_00000001.png"
    before = file.read_bytes()
    label = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    label[0, 0] = 151
    cv2.imwrite(str(file), label)
    lines = lines_of(SEGFORMER, data=data)
    file.write_bytes(before)
    assert lines["val labels"][0] == "error"
    assert "150 classes reduced by 1 take none above 150" in lines["val labels"][1]


def test_weights_are_held_against_the_model(tmp_path, data):
    config = planned(SEGFORMER, gpus=8).config
    state = config_model(config.get("model")).backbone.state_dict()
    torch.save({"state_dict": state}, tmp_path / "right.pth")
    lines = lines_of(SEGFORMER, data=data, checkpoint=tmp_path / "right.pth")
    assert lines["weights"] == ("ok", f"right.pth: {len(state)} of {len(state)} tensors of the "
                                "backbone by name and shape")  # fmt: skip
    wrong = {f"encoder.{key}": value for key, value in state.items()}
    torch.save({"state_dict": wrong}, tmp_path / "wrong.pth")
    lines = lines_of(SEGFORMER, data=data, checkpoint=tmp_path / "wrong.pth")
    assert lines["weights"][0] == lines["keys-unmatched"][0] == "error"
    assert "0 of" in lines["weights"][1]


def test_weights_of_dinov2_are_read_in_the_names_of_others(tmp_path, data):
    config = tmp_path / "dino.py"
    text = (CONFIGS / "dinov2_vitb14_linear_ade20k-518x518.py").read_text()
    config.write_text(text.replace('size="base"', "size=(24, 2, 2), weights='hub.pth'"))
    state = DinoBackbone((24, 2, 2)).state_dict()
    theirs = reference_module("dino", load=False).transformers_names(state)
    key = "encoder.layer.0.attention.k_proj.weight"
    files = {
        "hub": theirs,
        "few": {name: one for name, one in theirs.items() if "layer_scale" not in name},
        "more": {**theirs, "decoder.weight": torch.zeros(1)},
        "odd": {**theirs, key: torch.zeros(24, 5)},
    }
    found = {}
    for name, tensors in files.items():
        torch.save(tensors, tmp_path / f"{name}.pth")
        lines = lines_of(str(config), data=data, checkpoint=tmp_path / f"{name}.pth")
        found[name] = (lines["weights"][0], lines["weights"][1].rpartition("; ")[2])
    count = len(state)
    assert found == {
        "hub": ("ok", f"hub.pth: {count} of {count} tensors of the backbone by name and shape"),
        "few": ("error", "first without: blocks.0.ls1.gamma"),
        "more": ("error", "nothing takes decoder.weight"),
        "odd": ("error", found["odd"][1]),
    }
    assert "Sizes of tensors must match" in found["odd"][1]
    assert lines_of(str(config), data=data)["weights"] == ("error", "hub.pth: is missing")


class Hostile:
    def __init__(self, ran: Path) -> None:
        self.ran = ran

    def __reduce__(self):
        return Path.touch, (self.ran,)


def test_nothing_of_a_config_runs(tmp_path, data):
    ran = tmp_path / "ran"
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Hostile(ran)))
    torch.save({"state_dict": {"a": torch.zeros(1)}, "meta": Hostile(ran)}, tmp_path / "evil.pth")
    file = tmp_path / "evil_8xb2-160k_ade20k-512x512.py"
    run = f"__import__('os').system('touch {ran}')"
    config = f"""
_base_ = 'mmseg::segformer/{SEGFORMER}.py'
custom_imports = dict(imports=['evil'])
custom_hooks = [dict(type='os.system', command='touch {ran}')]
model = dict(
    backbone=BACKBONE,
    decode_head=dict(loss_decode=dict(class_weight='{tmp_path / "evil.pkl"}')))
"""
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
    for backbone in (
        "dict()",
        f"dict(type='os.system', command='touch {ran}', _delete_=True)",
        run,
    ):
        file.write_text(config.replace("BACKBONE", backbone))
        lines = lines_of(str(file), data=data, checkpoint=tmp_path / "evil.pth")
        assert lines["weights"][0] in ("warning", "error")
    file.write_text(f"{config}\n{run}")
    with pytest.raises(RunFormatError, match="needs execution"):
        planned(str(file))
    assert not ran.exists()


def rehearsed(config, data):
    found = rehearsal.rehearse(planned(config, gpus=1, data=data))
    return {line.name: (line.status, line.text) for line in found}


def test_two_real_iterations_of_a_dead_op(tmp_path, data, monkeypatch):
    config = config_of(tmp_path, "mask2former_r18-tiny_1xb2-400_ade20k-64x64")
    monkeypatch.setattr(rehearsal, "CODE", DEAD)
    dead = rehearsed(config, data)
    assert dead["gradients"][0] == dead["kernel"][0] == "error"
    assert dead["gradients"][1].startswith("exactly 0 for 19 of 144 parameters, ")
    assert "self_attn" in dead["gradients"][1]
    assert dead["loss"][0] == dead["time"][0] == dead["checkpoints"][0] == "ok"


def test_what_real_iterations_show(data):
    found = {
        "losses": [3.0, 2.9], "zero": [], "unreached": ["a"], "parameters": 9, "alarms": [],
        "seconds": 0.5, "device": "GPU", "memory": [2**30, 2**34], "checkpoint": 2**20,
    }  # fmt: skip
    flight = planned(SEGFORMER, data=data)

    def status(**changes):
        lines = rehearsal.results(flight, {**found, **changes})
        return {line.name: line.status for line in lines if line.status != "ok"}

    assert status() == {"unreached": "warning"}
    assert status(losses=[3.0, float("nan")], unreached=[]) == {"loss": "error"}
    assert status(zero=["b"], unreached=[]) == {"gradients": "error"}
    assert status(alarms=[["keys-unmatched", ""]], unreached=[]) == {"keys-unmatched": "error"}
    assert status(memory=[2**34, 2**34], unreached=[]) == {"memory": "error"}


def test_a_training_that_does_not_start(tmp_path, data, monkeypatch):
    config = config_of(tmp_path, "fcn_r18-tiny_1xb2-60_ade20k-64x64")
    monkeypatch.setattr(rehearsal, "CODE", "raise SystemExit('no such layer')")
    assert rehearsed(config, data) == {"iterations": ("error", "ended with 1: no such layer")}


@pytest.mark.parametrize(
    "name",
    [
        "beit-large_upernet_8xb1-amp-160k_ade20k-640x640",  # accumulates, and ends half way
        "swin-large-patch4-window7-in22k-pre_upernet_8xb2-160k_ade20k-512x512",  # in no metafile
        "fpn_poolformer_s36_8x4_512x512_40k_ade20k",
        "psanet_r50-d8_4xb4-80k_ade20k-512x512",
    ],
)
def test_configs_of_the_zoo_are_no_errors(name):
    assert troubles(name, Counter()) == []


def test_what_is_no_training(tmp_path):
    (tmp_path / "a.py").write_text("model = dict(type='EncoderDecoder')")
    with pytest.raises(InputError, match="no train_dataloader"):
        planned(str(tmp_path / "a.py"), gpus=1)
    with pytest.raises(InputError, match="no config of the zoo"):
        planned("no-such", gpus=1)
