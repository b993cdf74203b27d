"""Output folders of Hugging Face's Trainer, made up in its formats."""

import json
import math

import pytest

from parity.errors import RunFormatError
from parity.runs import find_runs, read_run
from tests.runs.builders import assert_evidence_exists, sources, value, write

MODEL = {
    "_name_or_path": "nvidia/mit-b0",
    "architectures": ["SegformerForSemanticSegmentation"],
    "depths": [2, 2, 2, 2],
    "hidden_sizes": [32, 64, 160, 256],
    "id2label": {"0": "wall", "1": "building", "2": "sky"},
    "model_type": "segformer",
    "transformers_version": "4.36.2",
}


def trained(step, loss, **more):
    rate = 6e-5 * (1 - step / 1000)
    return {"epoch": step / 100, "learning_rate": rate, "loss": loss, "step": step, **more}


def scored(step, miou):
    return {
        "epoch": step / 100,
        "eval_accuracy_wall": 0.9,
        "eval_iou_sky": math.nan,
        "eval_iou_wall": 0.8,
        "eval_loss": 0.7,
        "eval_mean_accuracy": 0.5,
        "eval_mean_iou": miou,
        "eval_overall_accuracy": 0.75,
        "eval_runtime": 12.5,
        "step": step,
    }


def state(*history, **given):
    known = {"global_step": 200, "max_steps": 1000, "num_train_epochs": 10}
    return json.dumps({**known, "train_batch_size": 2, "log_history": list(history), **given})


HISTORY = (
    trained(100, 2.5, grad_norm=1.5),
    scored(100, 0.25),
    trained(200, 1.5, grad_norm=1.25),
    scored(200, 0.375),
    {"epoch": 2.0, "step": 200, "train_loss": 2.0, "total_flos": 1e15, "train_runtime": 99.0},
)


def write_output(root):
    write(root / "trainer_state.json", state(*HISTORY))
    write(root / "config.json", json.dumps(MODEL))
    return root


def test_an_output_folder_tells_everything(tmp_path):
    root = write_output(tmp_path)
    write(root / "training_args.bin", b"\x80\x02.")
    run = read_run(root)
    expected = {
        "framework": "transformers 4.36.2",
        "method": "Segformer",
        "backbone": "MIT-B0",
        "classes": 3,
        "pretrained": "nvidia/mit-b0",
        "max_iters": 1000,
        "iterations": 200,
        "samples_per_gpu": 2,
        "world_size": None,
        "effective_batch": None,
        "dataset": None,
    }
    assert {name: value(run, name) for name in expected} == expected
    assert run.config is None
    assert run.curves["loss"].values.tolist() == [2.5, 1.5]
    assert run.curves["grad_norm"].steps.tolist() == [100, 200]
    assert run.curves["lr"].values[-1] == pytest.approx(4.8e-5)
    assert run.curves["eval_loss"].values.tolist() == [0.7, 0.7]
    assert "train_loss" not in run.curves
    wanted = [(100, 25.0, "val"), (200, 37.5, "val")]
    assert [(s.step, s.value, s.split) for s in run.scores] == wanted
    metrics = run.evaluations[-1].metrics
    assert metrics == {"mIoU": 37.5, "mAcc": 50.0, "aAcc": 75.0}
    wall, sky = sorted(run.evaluations[-1].classes, key=lambda item: item.name == "sky")
    assert (wall.name, wall.iou, wall.acc) == ("wall", pytest.approx(80), pytest.approx(90))
    assert math.isnan(sky.iou)
    assert [item.file for item in run.unread] == ["training_args.bin"]
    assert "not read" in run.unread[0].reason


def test_the_latest_of_its_checkpoints_counts(tmp_path):
    write(tmp_path / "checkpoint-100/trainer_state.json", state(*HISTORY[:2]))
    write(tmp_path / "checkpoint-1000/trainer_state.json", state(*HISTORY))
    write(tmp_path / "checkpoint-200/trainer_state.json", state(*HISTORY[:3]))
    run = read_run(tmp_path)
    assert run.last.value == 37.5
    assert run.files == ("checkpoint-1000/trainer_state.json",)
    assert read_run(tmp_path / "checkpoint-100").last.value == 25.0
    assert list(find_runs(tmp_path)) == [tmp_path]


def test_a_state_alone(tmp_path):
    run = read_run(write(tmp_path / "trainer_state.json", state(*HISTORY)))
    assert (run.last.value, value(run, "framework")) == (37.5, "transformers")
    # In one line, it has no places to name.
    assert {source.line for _, source in sources(run) if source} == {None}


def test_as_the_trainer_writes_it_every_value_has_a_line(tmp_path):
    for file, text in (("trainer_state.json", state(*HISTORY)), ("config.json", json.dumps(MODEL))):
        write(tmp_path / file, json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n")
    run = read_run(tmp_path)
    assert run.settings.max_iters.source.text == '"max_steps": 1000,'
    assert run.settings.method.source.text.startswith('"model_type": "segformer"')
    lines = (tmp_path / "trainer_state.json").read_text().split("\n")
    assert '"step": 200' in lines[run.evaluations[-1].source.line - 1]
    assert '"step": 100' in lines[run.curves["loss"].source(0).line - 1]
    assert_evidence_exists(run)


def test_final_results(tmp_path):
    """With the number of samples, the steps of an epoch tell the batch."""
    write_output(tmp_path)
    results = {"epoch": 10.0, "train_samples": 1595, "eval_samples": 50, "eval_mean_iou": 0.4}
    write(tmp_path / "all_results.json", json.dumps(results))
    run = read_run(tmp_path)
    assert (value(run, "dataset_size"), value(run, "effective_batch")) == (1595, 16)
    assert "1595 samples in 1000 steps of 10 epochs" in run.settings.effective_batch.note
    assert run.last.value == 40.0


def test_results_of_an_evaluation_alone(tmp_path):
    write(tmp_path / "eval_results.json", json.dumps({"epoch": 3.0, "eval_mean_iou": 0.5}))
    assert read_run(tmp_path).last.value == 50.0


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"log_history": 5}', '{"log_history": [5, {"step": "x"}, {}]}']
)
def test_a_state_that_is_none_says_so(tmp_path, text):
    path = write(tmp_path / "trainer_state.json", text)
    with pytest.raises(RunFormatError, match=r"tells nothing of a run.*give a work directory"):
        read_run(path)


def test_strange_values_cost_only_themselves(tmp_path):
    history = [{"step": 5, "loss": [1], "eval_loss": None}, *HISTORY, {"step": 1e99, "loss": 1}]
    write(tmp_path / "trainer_state.json", state(*history, max_steps="many", train_batch_size=[]))
    write(tmp_path / "config.json", json.dumps({"model_type": ["x"], "hidden_sizes": 5}))
    run = read_run(tmp_path)
    assert run.last.value == 37.5
    assert value(run, "max_iters") is None
