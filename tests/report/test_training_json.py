"""training.json of real trainings, held to its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest

import parity.report
from parity.report.training_json import FORMAT, render_training_schema
from tests.train import tiny

SCHEMA = Path(parity.report.__file__).parent / "training_schema.json"
SCORED = ("--iters", 2, "--shorten", "--seeds", "0,1")
PORT = """
def make(segmentor):
    segmentor.backbone.bn1.eps = 1e-3
    return segmentor
"""
ASKED = {
    "scored": SCORED,
    "one side": ("--lockstep", 1, "--side", "candidate"),
    "parted": ("--lockstep", 1, "--ops", "--float64", "--model", "{folder}/port.py:make"),
}


def test_schema_is_the_published_one():
    assert SCHEMA.read_text("utf-8") == render_training_schema()


@pytest.mark.live
@pytest.mark.parametrize("kind", ASKED)
def test_what_is_written_is_of_the_schema(kind, tmp_path):
    (tmp_path / "tiny.py").write_text(tiny.CONFIG)
    (tmp_path / "port.py").write_text(PORT)
    asked = [str(part).format(folder=tmp_path) for part in ASKED[kind]]
    out = tmp_path / "out"
    done = tiny.parity("train", tmp_path / "tiny.py", "--full", *asked, "--out", out)
    assert done.exit_code == (kind == "parted"), done.output
    document = json.loads((out / "training.json").read_text(), parse_constant=pytest.fail)
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validate(document, schema)
    assert document["format"] == FORMAT
    (first, *_) = document["trainings"]
    assert (document["scores"] is not None) == (kind == "scored")
    assert (first["operations"] is not None) == (kind == "parted")
    for changed in (
        {"format": 2},
        {"options": None},
        {"trainings": [{**first, "counts": {"x": 1}}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **changed}, schema)
