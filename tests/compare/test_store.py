import json
import math

import numpy as np
import pytest
import torch

from parity.compare import Verdict
from parity.compare.store import load_traces, save_traces
from parity.compare.trace import run_trace
from parity.compare.tree import compare_tree
from parity.errors import InputError
from parity.sample import DataInfo, Meta, Sample
from parity.steps.logits import Segmentation


def value(root):
    info = DataInfo(f"{root}/a.jpg", None, None, True, 3)
    sample = Sample(
        np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
        np.zeros((2, 2), np.uint8),
        Meta(img_path=info.img_path, scale_factor=(0.1, 1 / 3), flip_direction=None, flip=True),
        info,
    )
    return {
        "sample": sample,
        "tensor": torch.tensor([1.5, math.nan]).bfloat16(),
        "double": torch.tensor([[1.0]], dtype=torch.float64),
        "numbers": [1, -0.0, math.inf, math.nan, np.float32(0.1), "text", None, (True,)],
    }


def keep(value, rng):
    rng.randint(7)
    return value


def raises(value, rng):
    raise ValueError("no")


@pytest.fixture
def saved(tmp_path):
    inputs = tmp_path / "inputs"
    trace = run_trace([("keep", keep), ("boom", raises)], value(inputs), 11)
    save_traces(tmp_path, "t", {"case": trace}, header={"versions": {"a": "1"}}, inputs=inputs)
    return tmp_path, inputs, trace


def test_round_trip(saved):
    folder, inputs, trace = saved
    traces, header = load_traces(folder, "t", inputs=inputs)
    assert header == {"versions": {"a": "1"}}
    loaded = traces["case"]
    assert loaded.seed == 11
    for mine, theirs in zip(loaded.steps, trace.steps, strict=True):
        assert (mine.name, mine.draws, mine.error) == (theirs.name, theirs.draws, theirs.error)
        assert mine.state_before == theirs.state_before
        assert mine.state_after == theirs.state_after
        for part in ("input", "output"):
            for path, leaf in compare_tree(getattr(mine, part), getattr(theirs, part)).items():
                assert leaf.verdict is Verdict.EQUAL, path
    assert loaded.steps[0].output["sample"].info == trace.steps[0].output["sample"].info


def test_paths_are_relative_to_the_inputs(saved):
    folder, inputs, _ = saved
    assert str(inputs) not in (folder / "t.json").read_text()
    moved = load_traces(folder, "t", inputs=folder / "elsewhere")[0]["case"]
    assert moved.steps[0].output["sample"].meta.img_path == f"{folder}/elsewhere/a.jpg"


def test_same_traces_same_bytes(saved, tmp_path_factory):
    folder, inputs, trace = saved
    again = tmp_path_factory.mktemp("again")
    save_traces(again, "t", {"case": trace}, header={"versions": {"a": "1"}}, inputs=inputs)
    for name in ("t.json", "t.safetensors"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def change(path, **changes):
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "t.json").unlink(), "no such recording"),
        (lambda d: (d / "t.json").write_text("{"), "JSON"),
        (lambda d: (d / "t.json").write_text("[]"), "format"),
        (lambda d: change(d / "t.json", format=99), "format 1"),
        (lambda d: change(d / "t.json", cases={"x": {}}), "damaged"),
        (lambda d: change(d / "t.json", cases=[]), "damaged"),
        (lambda d: (d / "t.safetensors").unlink(), "cannot be read"),
        (lambda d: (d / "t.safetensors").write_bytes(b"x"), "record again"),
    ],
)
def test_damage_is_named(saved, damage, message):
    folder, inputs, _ = saved
    damage(folder)
    with pytest.raises(InputError, match=message):
        load_traces(folder, "t", inputs=inputs)


def test_what_a_trace_cannot_hold(tmp_path):
    trace = run_trace([("keep", keep)], {"object": object()}, 0)
    with pytest.raises(InputError, match="object"):
        save_traces(tmp_path, "t", {"c": trace}, header={}, inputs=tmp_path)
    assert not (tmp_path / "t.json").exists()


def test_named_tuples_come_back_as_they_were(tmp_path):
    given = {"segmentations": [Segmentation(torch.ones(2, 1, 1), torch.zeros(1, 1, 1))]}
    trace = run_trace([("keep", keep)], given, 0)
    save_traces(tmp_path, "t", {"case": trace}, header={}, inputs=tmp_path)
    [step] = load_traces(tmp_path, "t", inputs=tmp_path)[0]["case"].steps
    [found] = step.input["segmentations"]
    assert isinstance(found, Segmentation)
    assert found.prediction.shape == (1, 1, 1)
