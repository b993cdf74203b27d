"""Tables of other programs: documented columns, spellings, damage."""

import io
import json

import pytest

from parity.errors import RunFormatError
from parity.explain.explain import explain
from parity.runs.read import read_run
from parity.runs.table import read_csv, read_json


def csv(text):
    return read_csv(io.BytesIO(text.encode()), file="t.csv")


def test_a_csv():
    data = csv("Step,loss,LR,miou,mAcc\n50,1.5,0.1,,\n100,nan,0.05,44.5,50\n")
    curves = data.points.curves()
    assert curves["loss"].steps.tolist() == [50, 100]
    assert curves["lr"].values.tolist() == [0.1, 0.05]
    assert curves["loss"].source(0).line == 2
    (evaluation,) = data.evaluations
    assert (evaluation.step, evaluation.metrics["mIoU"], evaluation.source.line) == (100, 44.5, 3)


@pytest.mark.parametrize("name", ["step", "iter", "ITERATION", "global_step"])
def test_any_name_of_the_step(name):
    assert len(csv(f"{name},loss\n5,1\n").points) == 1


def test_fractions_of_the_whole_table_become_percent():
    data = csv("step,mIoU\n1,0.3\n2,0.44\n")
    assert [e.metrics["mIoU"] for e in data.evaluations] == [30, 44]
    assert [e.scale for e in data.evaluations] == [100, 100]
    assert [e.metrics["mIoU"] for e in csv("step,mIoU\n1,0.3\n2,44\n").evaluations] == [0.3, 44]


def test_splits():
    data = csv("step,split,loss,mIoU\n1,train,5,12\n1,val,6,20\n2,test,7,30\n")
    assert [(e.split, e.metrics["mIoU"]) for e in data.evaluations] == [("val", 20), ("test", 30)]
    assert data.points.curves()["loss"].values.tolist() == [5]


def test_a_table_without_steps_says_which_column_it_lacks():
    with pytest.raises(RunFormatError, match="no column of step"):
        csv("loss\n1\n")
    with pytest.raises(RunFormatError, match="no column of step"):
        csv("")


def test_broken_rows_are_counted():
    data = csv("step,loss\n1,2\nx,3\n,4\n5\n6,\0 7,8,9\n")
    assert data.points.curves()["loss"].steps.tolist() == [1, 6]
    assert (data.unread[0].line, data.unread[0].count) == (3, 2)


def json_table(value):
    return read_json(io.BytesIO(json.dumps(value).encode()), file="t.json")


def test_json_with_what_it_states_of_the_run():
    run = {"method": "Mask2Former", "world_size": 1, "samples_per_gpu": 2, "crop_size": [512, 512]}
    records = [{"iter": 5, "loss": 1}, {"iter": 9, "mIoU": 40}]
    data, stated = json_table({"run": run, "records": records})
    assert stated == run
    assert len(data.points) == 1
    assert data.evaluations[0].step == 9
    assert json_table([{"step": 1, "loss": [1], "x": {}}, 5, {"loss": 1}])[0].unread[0].count == 2


@pytest.mark.parametrize(
    "value",
    [
        5,
        {"a": 1},
        {"records": 1},
        {"records": [], "run": {"unknown": 1}},
        {"records": [], "run": 1},
    ],
)
def test_json_of_something_else(value):
    with pytest.raises(RunFormatError, match=r"t\.json"):
        json_table(value)
    with pytest.raises(RunFormatError, match="not JSON"):
        read_json(io.BytesIO(b"[" * 100000), file="t.json")


def test_an_evaluation_shows_that_the_training_got_that_far(tmp_path):
    """Not "truncated at 50" because the last loss was logged there."""
    path = tmp_path / "run.json"
    records = [{"step": 50, "loss": 3.2}, {"step": 80000, "mIoU": 30.1, "split": "val"}]
    path.write_text(json.dumps({"run": {"max_iters": 80000}, "records": records}))
    read = read_run(path)
    assert read.settings.iterations.value == 80000
    assert explain(read).cause_ids == ()
    records[1]["step"] = 40000
    path.write_text(json.dumps({"run": {"max_iters": 80000}, "records": records}))
    assert explain(read_run(path)).cause_ids == ("truncated-run",)


@pytest.mark.parametrize(
    ("key", "value"),
    [("signature", 5), ("method", ["x"]), ("seed", "1"), ("seed", True), ("crop_size", {})],
)
def test_what_a_run_states_in_a_wrong_type_is_left_out_and_listed(key, value):
    data, stated = json_table({"run": {key: value, "backbone": "X"}, "records": [{"step": 1}]})
    assert stated == {"backbone": "X"}
    assert f"`run.{key}`" in data.unread[0].reason


def test_what_is_left_out_is_listed_in_its_order():
    odd = ["seed", "method", "world_size", "dataset", "backbone", "max_iters"]
    data, _ = json_table({"run": dict.fromkeys(odd, 0.5), "records": [{"step": 1}]})
    assert [item.reason.split("`")[1] for item in data.unread] == [f"run.{key}" for key in odd]


def test_absurd_tables_are_refused():
    with pytest.raises(RunFormatError, match="100001 columns"):
        csv("step," * 100_000 + "a\n" + "1\n" * 100_000)
    with pytest.raises(RunFormatError, match="a line of over"):
        csv("step,loss\n1," + "9" * 5_000_000)
    with pytest.raises(RunFormatError, match="larger than"):
        read_json(io.BytesIO(b"[" + b"[]," * 40_000_000 + b"0]"), file="t.json")


def test_a_short_row_costs_what_it_holds_and_evaluations_are_counted():
    names = ",".join(f"c{i}" for i in range(1_500))
    data = csv(f"step,{names}\n" + "1\n" * 50_000)
    assert data.unread == []
    many = csv("step,mIoU\n" + "".join(f"{i},40\n" for i in range(30_000)))
    assert len(many.evaluations) == 20_000
    assert "evaluations" in many.unread[0].reason
