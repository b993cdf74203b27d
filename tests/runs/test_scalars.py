"""JSON lines of mmengine and mmcv 0.x, whole and damaged."""

import io
import json
import math

import pytest

from parity.runs import read_run
from parity.runs.curves import Points, fill, join
from parity.runs.log_data import PrintedConfig
from parity.runs.scalars import read_scalars, score_name, split_name
from parity.runs.text import blocks
from tests.runs.builders import train_record, val_record, write


def read(text, **options):
    data = text if isinstance(text, bytes) else text.encode()
    return read_scalars(blocks(io.BytesIO(data)), file="s.json", **options)


def test_training_and_evaluations():
    data = read("\n".join([train_record(50), train_record(100), val_record(100, 12.5)]))
    curves = data.points.curves()
    assert curves["loss"].steps.tolist() == [50, 100]
    assert curves["loss"].source(1).line == 2
    (evaluation,) = data.evaluations
    assert (evaluation.step, evaluation.metrics["mIoU"], evaluation.split) == (100, 12.5, "val")
    assert evaluation.source.line == 3
    assert data.unread == []


def test_not_a_number_is_a_value():
    lines = [
        '{"lr": 0.1, "loss": NaN, "grad_norm": Infinity, "step": 1}',
        '{"loss": -Infinity, "step": 2}',
    ]
    curves = read("\n".join(lines)).points.curves()
    assert math.isnan(curves["loss"].values[0])
    assert curves["loss"].values[1] == -math.inf
    assert curves["grad_norm"].values[0] == math.inf


def test_a_truncated_last_line_is_listed_and_the_rest_is_read():
    data = read(train_record(50) + "\n" + train_record(100)[:-9])
    assert len(data.points) == 1
    (unread,) = data.unread
    assert (unread.line, unread.count) == (2, 1)


def test_records_of_colliding_writers_are_told_apart():
    data = read(train_record(50) + train_record(100) + "\n" + train_record(50)[:20] + "\n\n")
    assert data.points.curves()["loss"].steps.tolist() == [50, 100]
    assert data.unread[0].line == 2


def test_values_that_are_no_numbers_are_no_curve():
    text = json.dumps({"loss": 1, "a": "x", "b": True, "c": [1], "d": None, "e": {}, "step": 1})
    assert set(read(text).points.curves()) == {"loss"}


@pytest.mark.parametrize("step", ["-1", "1e30", "NaN", '"x"', "null", "1" * 400])
def test_a_record_without_a_usable_step_is_listed(step):
    data = read(f'{{"loss": 1, "step": {step}}}')
    assert len(data.points) == 0
    assert data.unread


def test_evaluations_by_epoch_take_the_iteration_of_its_end():
    text = [
        json.dumps({"loss": 1, "iter": 270, "epoch": 1, "step": 270}),
        json.dumps({"loss": 1, "iter": 540, "epoch": 2, "step": 540}),
        val_record(2),
    ]
    assert read("\n".join(text)).evaluations[0].step == 540


def test_mmcv_0x_with_its_header():
    text = [
        json.dumps({"env_info": "sys.platform: linux\nMMCV: 1.7.0", "config": "a = 1", "seed": 3}),
        json.dumps({"mode": "train", "epoch": 1, "iter": 50, "lr": 0.01, "loss": 1.5}),
        json.dumps({"mode": "val", "epoch": 1, "iter": 2000, "mIoU": 0.4254, "IoU.wall": 0.7}),
    ]
    data = read("\n".join(text))
    assert data.environment["MMCV"].value == "1.7.0"
    assert data.environment["seed"].value == "3"
    assert data.config == PrintedConfig("a = 1", 1, own_lines=False)
    (evaluation,) = data.evaluations
    assert (evaluation.step, evaluation.metrics["mIoU"]) == (50, pytest.approx(42.54))
    assert evaluation.classes[0].name == "wall"


def test_a_small_percentage_of_mmengine_stays_one():
    assert read(val_record(5, 0.64)).evaluations[0].metrics["mIoU"] == 0.64


def test_results_of_a_test():
    assert read(val_record(5), split="test").evaluations[0].split == "test"


def curves(*points, file="f"):
    found = Points(file)
    for line, (step, value) in enumerate(points, start=1):
        found.add(step, line, [("loss", value)])
    return found.curves()


def test_the_first_of_several_values_at_one_step_counts():
    (curve,) = curves((2, 1.0), (1, 2.0), (2, 3.0)).values()
    assert curve.steps.tolist() == [1, 2]
    assert curve.values.tolist() == [2.0, 1.0]
    assert curve.source(1).line == 1


def test_a_second_source_fills_only_gaps():
    first = curves((1, 1.0), (3, 3.0), file="a")
    (curve,) = fill([first, curves((1, 9.0), (2, 2.0), file="b")]).values()
    assert curve.values.tolist() == [1.0, 2.0, 3.0]
    assert [curve.source(i).file for i in range(3)] == ["a", "b", "a"]


def test_a_resumption_discards_what_came_after_its_checkpoint():
    first = curves(*[(step, 1.0) for step in (10, 20, 30, 40)])
    second = curves(*[(step, 2.0) for step in (30, 40, 50)])
    (curve,) = join([(None, first), (20, second)]).values()
    assert curve.steps.tolist() == [10, 20, 30, 40, 50]
    assert curve.values.tolist() == [1, 1, 2, 2, 2]
    # Resumed at 25, logging every 10: what was logged at 30 is gone although 30 is not repeated.
    (curve,) = join([(None, first), (25, curves((40, 2.0)))]).values()
    assert curve.steps.tolist() == [10, 20, 40]


def test_a_crash_before_the_first_line_discards_nothing():
    first = curves((10, 1.0))
    assert join([(None, first), (None, {})])["loss"].steps.tolist() == [10]


def test_too_many_values_stop_the_curve_and_are_listed(monkeypatch):
    monkeypatch.setattr("parity.runs.curves.MAX_VALUES", 3)
    data = read("\n".join(train_record(step) for step in range(1, 9)))
    assert len(data.points) == 2
    assert "more names or values" in data.unread[0].reason


@pytest.mark.parametrize(
    ("written", "name", "split"),
    [
        ("mIoU", "mIoU", None),
        ("sem_seg/mIoU", "mIoU", None),
        ("eval_mean_iou", "mIoU", "val"),
        ("val_mIoU", "mIoU", "val"),
        ("val/miou", "mIoU", "val"),
        ("valid_mean_iou", "mIoU", "val"),
        ("test/mIoU", "mIoU", "test"),
        ("Mean_IoU", "mIoU", None),
        ("sem_seg/mACC", "mAcc", None),
        ("eval_mean_accuracy", "mAcc", "val"),
        ("sem_seg/pACC", "aAcc", None),
        ("eval_overall_accuracy", "aAcc", "val"),
        ("sem_seg/fwIoU", "fwIoU", None),
        ("train_mIoU", None, None),
        ("loss", None, None),
        ("IoU.wall", None, None),
        ("eval_accuracy_wall", None, "val"),
    ],
)
def test_names(written, name, split):
    assert score_name(written) == name
    if name is not None:
        assert split_name(written) == split


@pytest.mark.parametrize("column", ["sem_seg/mIoU", "eval_mean_iou", "val_mIoU", "val/miou"])
def test_in_a_table(tmp_path, column):
    path = write(tmp_path / "run.csv", f"step,loss,{column}\n50,1.5,\n100,1.0,0.375\n")
    assert [(s.step, s.value) for s in read_run(path).scores] == [(100, 37.5)]
