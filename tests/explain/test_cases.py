"""Runs with one known fault or none, rebuilt from public reports or really trained: what is true.

fixtures/cases/README.md says where each is from.
"""

import shutil

import pytest
import torch

from parity.cli.explain import exit_code
from parity.explain.explain import explain
from parity.fixtures import fixtures_root
from parity.runs.read import read_run

CASES = fixtures_root() / "cases"
SWIN_T = "swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512"
RESIZE = "setting:train_dataloader.dataset.pipeline.RandomResize"
SGD = "setting:optim_wrapper.optimizer"
UPERNET_R50 = "upernet_r50_4xb4-160k_ade20k-512x512"
# Alone: name of the case, status, row, findings that count as causes.
ALONE = [
    ("zoo_config_8gpu_val_250_of_250", "unexplained", SWIN_T, []),
    ("mmseg0x_r50_4gpu", "unexplained", UPERNET_R50, []),
    ("tensor_in_dumped_config", "unexplained", UPERNET_R50, []),
    ("crlf_log_only", "unexplained", UPERNET_R50, []),
    ("vainf9_voc_train_only", "explained", None, ["data-subset"]),
    ("nan_loss", "explained", None, ["diverged"]),
    ("one_lr_x10", "explained", SWIN_T, ["setting:optim_wrapper.optimizer.lr"]),
    ("one_sgd", "explained", SWIN_T, [f"{SGD}.lr", f"{SGD}.type", f"{SGD}.weight_decay"]),
    ("one_frozen_backbone", "explained", SWIN_T, ["setting:model.backbone.frozen_stages"]),
    ("one_classes151", "within noise", SWIN_T, ["num-classes"]),
    ("one_scale_range", "explained", SWIN_T, [f"{RESIZE}.ratio_range", f"{RESIZE}.scale"]),
    ("one_no_aux", "explained", SWIN_T, ["setting:model.auxiliary_head"]),
    ("z0", "explained", None, ["truncated-run"]),
    ("f02", "no gap", None, ["schedule-end"]),
    ("f09", "no gap", None, ["reduce-zero"]),
    ("f10", "no gap", None, ["num-classes"]),
    ("f31", "no gap", None, ["diverged"]),
    ("m05", "no gap", None, ["dead-kernel"]),
]
# Beside its twin.
TWINS = {"f": "h-fcn", "d": "h-fcn", "s": "h-seg", "m": "h-m2f"}
BESIDE = [
    ("d2", []),
    ("f02", ["schedule-end"]),
    ("f09", ["reduce-zero"]),
    ("f10", ["num-classes"]),
    ("f28", ["setting:train_dataloader.dataset.pipeline.RandomFlip"]),
    ("f31", ["diverged"]),
    ("f39", ["accumulation-trap", "effective-batch"]),
    ("s04", ["warm-up"]),
]


def answer(name, **options):
    return explain(read_run(CASES / name, **options))


@pytest.mark.live
@pytest.mark.parametrize(("name", "status", "row", "ids"), ALONE)
def test_alone(name, status, row, ids):
    found = answer(name)
    assert found.status == status
    assert row is None or found.row.name == row
    # What else is true of these rebuilt runs (one GPU, three images) comes after the fault.
    assert list(found.cause_ids[: len(ids)]) == ids
    if name not in ("z0",):
        assert list(found.cause_ids) == ids


@pytest.mark.parametrize(("name", "ids"), BESIDE)
def test_beside_its_twin(name, ids):
    found = explain(read_run(CASES / name), against=read_run(CASES / TWINS[name[0]]))
    assert list(found.cause_ids) == ids


def test_the_twins_have_no_cause():
    for name in ("h-fcn", "h-m2f"):
        assert answer(name).cause_ids == ()


@pytest.mark.live
def test_another_data_set_under_the_name_of_a_zoo_config_is_not_comparable():
    found = answer("custom_dataset_under_zoo_name")
    assert (found.status, found.gap, found.noise) == ("not comparable", None, None)
    assert "FashionBG" in found.reasons[0]
    assert "47 classes" in found.reasons[1]
    assert exit_code(found) == 3


@pytest.mark.live
def test_a_loss_of_zero_is_named_with_both_facts():
    found = answer("m185_loss_zero")
    assert found.lead.id == "loss-lost"
    assert "exactly 0" in found.lead.detail
    assert "5 of 6 classes are NaN in every validation" in found.lead.detail


@pytest.mark.live
def test_a_diverged_run_names_the_line():
    lead = answer("nan_loss").lead
    assert "the last score is of a diverged model" in lead.detail
    assert lead.evidence[0].line is not None


def test_weights_of_another_model_are_known_from_the_console_alone():
    alone = answer("f20")
    [item] = [item for item in alone.unchecked if item.id == "keys-unmatched"]
    assert "console" in item.why
    console = CASES / "f20" / "console.captured"
    assert answer("f20", console=console).cause_ids == ("keys-unmatched",)
    twin = read_run(CASES / "h-fcn")
    assert explain(read_run(CASES / "f20"), against=twin).status == "not settled"


def test_an_op_that_died_midway_is_not_ruled_out_without_the_console():
    assert "dead-kernel" in [item.id for item in answer("m04").unchecked]
    console = CASES / "m04" / "console.captured"
    assert answer("m04", console=console).cause_ids == ("dead-kernel",)


def test_two_of_six_dead_layers_are_named():
    [dead] = [item for item in answer("m05").findings if item.id == "dead-kernel"]
    assert dead.detail.startswith("dead in 2 of 6 layers (1, 4)")


def test_a_rate_of_zero_is_no_dead_kernel():
    found = answer("m16")
    assert found.cause_ids == ("rate-zero",)
    [dead] = [item for item in found.unchecked if item.id == "dead-kernel"]
    assert "learning rate of 0" in dead.why


def test_the_healthy_one_of_two_is_not_called_broken():
    found = explain(read_run(CASES / "h-fcn"), against=read_run(CASES / "f09"))
    assert found.lead is None
    assert [item.id for item in found.beside] == ["reduce-zero"]
    assert found.verdict == "explained: reduce-zero, reduce-zero in f09"


def test_two_models_are_not_compared_setting_by_setting():
    found = explain(read_run(CASES / "h-m2f"), against=read_run(CASES / "h-fcn"))
    assert (found.status, found.cause_ids) == ("not comparable", ())
    assert found.reasons[0].startswith("another model than that of the run h-fcn")
    assert exit_code(found) == 3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_dead_kernel_is_certain_at_half_precision_too(tmp_path, dtype):
    run = tmp_path / "run"
    shutil.copytree(fixtures_root() / "runs" / "dead-kernel-checkpoint", run)
    for path in run.glob("*.pth"):
        held = torch.load(path, map_location="cpu", weights_only=True)
        state = held["state_dict"].items()
        held["state_dict"] = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state}
        torch.save(held, path)
    [dead] = [item for item in explain(read_run(run)).findings if item.id == "dead-kernel"]
    assert dead.confidence == "certain"


def test_more_samples_per_step_are_not_fewer():
    found = explain(read_run(CASES / "f39"), against=read_run(CASES / "h-fcn"))
    [batch] = [item for item in found.findings if item.id == "effective-batch"]
    assert batch.title.startswith("More samples")
    assert "fewer samples" not in batch.mechanism
    assert batch.effect_range is None


@pytest.mark.live
def test_a_quarter_of_the_iterations_is_a_cause_by_itself():
    row = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
    short = explain(read_run(CASES / "tables" / "short.json"), against=row)
    assert (short.status, short.cause_ids) == ("explained", ("fewer-epochs",))
    assert "40000 iterations of 160000" in short.findings[0].detail
    assert any(effect.status == "zoo pairs" for effect in short.findings[0].effects)


@pytest.mark.live
def test_a_larger_batch_in_a_table_is_called_larger():
    row = "segformer_mit-b0_8xb2-160k_ade20k-512x512"
    big = explain(read_run(CASES / "tables" / "big.json"), against=row)
    [batch] = [item for item in big.findings if item.id == "effective-batch"]
    assert batch.title.startswith("More samples")
    assert "deformable" not in big.next_test
    assert "kernel" not in big.next_test


EIGHT = "zoo_config_8gpu_val_250_of_250"


def test_a_log_whose_last_validation_is_lost(tmp_path):
    [log] = (CASES / EIGHT).glob("*/*.log")
    text = log.read_text()
    end = text.rindex("Iter(train) [160000/160000]")
    (tmp_path / log.name).write_text(text[: text.index("\n", end) + 1])
    answer = explain(read_run(tmp_path / log.name))
    assert (answer.last.step, answer.cause_ids) == (16_000, ("early-score",))


@pytest.mark.parametrize(
    "name", ["scalars.json", "my_training.json", "20240305_100000/scalars.json"]
)
def test_a_json_log_alone(tmp_path, name):
    [log] = (CASES / EIGHT).glob("*/vis_data/scalars.json")
    path = tmp_path / "x" / name
    path.parent.mkdir(parents=True)
    shutil.copy(log, path)
    for given in (path, tmp_path / "x"):
        assert read_run(given).last.value == 41.0


def test_a_test_of_a_checkpoint_says_nothing_of_where_the_training_ended(tmp_path):
    [log] = (CASES / EIGHT).glob("*/*.log")
    lines = log.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "Iter(train)" in line)
    [*_, scored] = [line for line in lines if "Iter(val)" in line]
    loaded = "2024/03/05 12:00:00 - mmengine - INFO - Load checkpoint from x/iter_144000.pth"
    text = "\n".join([*lines[:start], loaded, scored.replace("Iter(val)", "Iter(test)"), ""])
    (tmp_path / log.name).write_text(text)
    answer = explain(read_run(tmp_path / log.name))
    assert (answer.last.step, answer.cause_ids) == (144_000, ("early-score",))
    assert "truncated-run" in [item.id for item in answer.unchecked]
