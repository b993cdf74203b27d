"""Evaluations that several files tell of, each in part."""

import json
import math

import pytest

from parity.runs import read_run
from tests.runs.builders import (
    LATER,
    STAMP,
    environment,
    head,
    train_line,
    train_record,
    val_lines,
    val_record,
    write,
)

CLASSES = (("wall", 77.1, 86.0), ("crt screen", "nan", "nan"), ("sky", 0.0, 12.5))


def named(evaluation):
    return [(c.name, c.iou, c.acc) for c in evaluation.classes]


def test_the_table_in_the_log_names_the_classes_of_the_scores_in_json(tmp_path):
    write(tmp_path / STAMP / f"{STAMP}.log", train_line(50) + val_lines(classes=CLASSES))
    records = [train_record(50), val_record(50)]
    write(tmp_path / STAMP / "vis_data/scalars.json", "\n".join(records))
    (evaluation,) = read_run(tmp_path).evaluations
    assert evaluation.source.file.endswith(".log")
    assert evaluation.samples == 2000
    (wall, screen, sky) = named(evaluation)
    assert (wall, sky) == (("wall", 77.1, 86.0), ("sky", 0.0, 12.5))
    assert screen[0] == "crt screen"
    assert math.isnan(screen[1])
    assert math.isnan(screen[2])


def test_the_table_of_a_test(tmp_path):
    load = f"{head()}Load checkpoint from work/iter_50.pth\n"
    text = environment() + load + val_lines(45.5, classes=CLASSES).replace("(val)", "(test)")
    write(tmp_path / LATER / f"{LATER}.log", text)
    write(tmp_path / LATER / f"{LATER}.json", '{"aAcc": 80.1234, "mIoU": 45.5, "mAcc": 55.0}')
    (evaluation,) = read_run(tmp_path).evaluations
    assert (evaluation.split, evaluation.step) == ("test", 50)
    assert [item[0] for item in named(evaluation)] == ["wall", "crt screen", "sky"]


def test_json_that_leaves_classes_out_does_not_hide_those_of_the_log(tmp_path):
    write(tmp_path / STAMP / f"{STAMP}.log", train_line(50) + val_lines(classes=CLASSES))
    scored = json.dumps({**json.loads(val_record(50)), "IoU.wall": 77.1234, "Acc.wall": 86.0})
    write(tmp_path / STAMP / "vis_data/scalars.json", f"{train_record(50)}\n{scored}")
    (evaluation,) = read_run(tmp_path).evaluations
    assert [item[0] for item in named(evaluation)] == ["wall", "crt screen", "sky"]


@pytest.mark.parametrize("miou", [16.0, "nan"])
def test_equal_scores_are_told_apart_by_their_steps(tmp_path, miou):
    """As of a run that learns nothing: every validation gives the same."""
    line = f"{head()}Iter(val) [2000/2000]    aAcc: 51.0  mIoU: {miou}  mAcc: 26.0\n"
    log = "".join(train_line(step) + line for step in (50, 100, 150))
    write(tmp_path / STAMP / f"{STAMP}.log", log)
    scores = {"aAcc": 51.0, "mIoU": float(miou), "mAcc": 26.0}
    records = [train_record(50), train_record(100), json.dumps({**scores, "step": 100})]
    write(tmp_path / STAMP / "vis_data/scalars.json", "\n".join(records))
    run = read_run(tmp_path)
    assert [item.step for item in run.evaluations] == [50, 100, 150]
    assert {item.samples for item in run.evaluations} == {2000}


def test_norms_and_rates_of_groups_are_curves(tmp_path):
    """mmengine logs a rate per optimizer under its name; programs of others, one per group."""
    values = {"base_lr": 1e-3, "lr_0": 1e-4, "lr_1": 1e-5, "head.lr": 1e-2, "grad_norm": 3.5}
    record = train_record(50, **values)
    write(tmp_path / STAMP / "vis_data/scalars.json", record)
    curves = read_run(tmp_path).curves
    assert {name: curves[name].values.tolist() for name in values} == {
        name: [value] for name, value in values.items()
    }
    line = f"{head()}Iter(train) [  50/160000]  base_lr: 1.0e-03 lr_0: 1.0e-04 head.lr: 1.0e-02  "
    path = write(tmp_path / f"{LATER}.log", f"{line}grad_norm: inf  loss: 1.0\n")
    curves = read_run(path).curves
    assert set(curves) == {"base_lr", "lr_0", "head.lr", "grad_norm", "loss"}
    assert curves["grad_norm"].values.tolist() == [math.inf]
