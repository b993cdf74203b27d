"""The committed sample is what today's code writes."""

import base64
import io
import json
from dataclasses import replace

import make_sample_report as script
import numpy as np
import pytest
from PIL import Image

from parity.report.document import CheckRun
from parity.report.json import plain, read_report
from parity.report.write import FORMATS, write_report
from tests.report.builders import SAMPLE


@pytest.fixture(scope="module")
def sample():
    return read_report(SAMPLE / "report.json")


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_is_rendered_from_its_json(sample, tmp_path, name):
    [path] = write_report(sample, tmp_path, [name])
    assert (SAMPLE / path.name).read_bytes() == path.read_bytes()


def test_shows_one_defect(sample):
    assert sample.verdict == "different"
    assert [(step.pipeline, step.step) for step in sample.steps if step.enters] == [
        ("train", "crop")
    ]
    assert sample.run.command == "make sample-report"


def test_tells_nothing_about_the_machine(sample):
    assert not {"CPU", "GPU"} & set(sample.versions)
    for path in SAMPLE.iterdir():
        assert str(SAMPLE.parents[1]) not in path.read_text("utf-8")


def test_is_small():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 1_000_000


@pytest.mark.live
def test_is_what_the_code_finds_today(sample):
    """Apart from versions; pictures by their pixels, for compressors differ.

    On a CPU with other vector instructions float sums round differently: there, what
    is found is compared, and not by how much.
    """
    made = script.make_report()
    assert outline(made) == outline(sample)
    if made.versions[script.CAPABILITY] == sample.versions[script.CAPABILITY]:
        assert comparable(made) == comparable(sample)


def outline(report):
    """Sentences and verdicts, without a number that a CPU could change."""
    return {
        "sentence": report.sentence,
        "compared": report.compared,
        "inputs": report.inputs,
        "strips": report.strips,
        "steps": [(s.pipeline, s.step, s.isolated, s.chained, s.failed) for s in report.steps],
        "cases": [(case.name, case.isolated, case.chained) for case in report.cases],
        "exhibits": [(e.facts.case, e.facts.step, len(e.pictures)) for e in report.exhibits],
    }


def comparable(report):
    document = plain(replace(report, versions={}, run=CheckRun()))
    return json.dumps(decoded(document))


def decoded(value):
    if isinstance(value, dict) and "png" in value:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(value["png"]))))
        return {**value, "png": base64.b64encode(pixels.tobytes()).decode()}
    if isinstance(value, dict):
        return {key: decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return value
