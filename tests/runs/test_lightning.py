"""Folders of Lightning's CSV logger, made up in its format."""

import pytest

from parity.errors import FolderOfRuns, RunFormatError
from parity.runs import find_runs, read_run
from tests.runs.builders import assert_evidence_exists, value, write

METRICS = """\
epoch,lr-AdamW,step,train_loss,val_loss,val_mIoU,val/pixel_acc
0,,49,2.5,,,
0,,99,1.5,,,
0,,99,,0.75,0.25,0.5
,6e-05,99,,,,
1,,149,1.25,,,
1,,199,,0.5,0.375,0.75
"""
PARAMETERS = """\
backbone: mit_b0
batch_size: 8
dataset: ade20k
lr: 6.0e-05
max_steps: 1000
num_classes: 150
weight_decay: 0.01
"""


def write_version(folder):
    write(folder / "metrics.csv", METRICS)
    write(folder / "hparams.yaml", PARAMETERS)
    return folder


@pytest.mark.parametrize(
    ("folder", "given"),
    [
        ("lightning_logs/version_0", "."),
        ("lightning_logs/version_0", "lightning_logs"),
        ("lightning_logs/version_0", "lightning_logs/version_0"),
        ("mine", "mine"),
    ],
)
def test_a_folder_tells_everything(tmp_path, folder, given):
    write_version(tmp_path / folder)
    run = read_run(tmp_path / given)
    assert run.unread == ()
    assert run.curves["loss"].steps.tolist() == [50, 100, 150]
    assert run.curves["lr"].values.tolist() == [6e-5]
    assert run.curves["val_loss"].values.tolist() == [0.75, 0.5]
    wanted = [(100, 25.0, "val"), (200, 37.5, "val")]
    assert [(s.step, s.value, s.split) for s in run.scores] == wanted
    assert run.evaluations[0].metrics["aAcc"] == 50.0
    expected = {
        "framework": "lightning",
        "dataset": "ade20k",
        "backbone": "mit_b0",
        "classes": 150,
        "samples_per_gpu": 8,
        "max_iters": 1000,
        "iterations": 200,
    }
    assert {name: value(run, name) for name in expected} == expected
    assert value(run, "optimizer")["lr"] == 6e-5
    assert run.settings.max_iters.source.text == "max_steps: 1000"
    assert_evidence_exists(run)


def test_the_table_alone(tmp_path):
    run = read_run(write(tmp_path / "metrics.csv", METRICS))
    assert (run.last.value, run.last.step) == (37.5, 200)


def test_scores_in_percent_and_of_a_test(tmp_path):
    text = "epoch,step,val_miou,test/mean_iou\n0,99,0.9,\n1,199,45.5,\n1,200,,46.5\n"
    run = read_run(write(tmp_path / "version_3/metrics.csv", text).parent)
    assert [(s.split, s.value) for s in run.scores] == [("val", 0.9), ("val", 45.5), ("test", 46.5)]


def test_several_versions_are_several_runs(tmp_path):
    for version in range(4):
        write_version(tmp_path / f"lightning_logs/version_{version}")
    assert len(list(find_runs(tmp_path))) == 4
    with pytest.raises(FolderOfRuns, match=r"4 in all.*version_0.*version_1.*version_2: give one"):
        read_run(tmp_path)


def test_parameters_that_are_objects_are_not_made(tmp_path):
    write_version(tmp_path)
    write(tmp_path / "hparams.yaml", "loss: !!python/object/apply:os.system ['false']\n")
    run = read_run(tmp_path)
    assert (run.last.value, value(run, "max_iters")) == (37.5, None)
    assert [item.file for item in run.unread] == ["hparams.yaml"]


def test_a_table_without_a_single_step(tmp_path):
    path = write(tmp_path / "metrics.csv", "epoch,step,loss\n0,,1.5\n")
    with pytest.raises(RunFormatError, match="a row without a step"):
        read_run(path)
