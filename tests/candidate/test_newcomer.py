"""A pipeline written from twenty lines of description: one command names its mistakes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.candidate.run import CheckOptions, check_candidate
from parity.cli import app
from tests.candidate.samples import newcomer

NAME = f"{Path(newcomer.__file__)}:Pipeline"
STEPS = ("load", "resize", "crop", "flip", "photometric")

pytestmark = pytest.mark.live


def test_three_mistakes(tmp_path):
    options = CheckOptions(
        text=NAME, seeds=range(28), only=frozenset(STEPS), examples=tmp_path / "examples"
    )
    report = check_candidate(options)
    rows = {row.step: row for row in report.summaries if row.pipeline == "train"}
    assert {step: str(rows[step].isolated) for step in STEPS} == {
        "load": "different",
        "resize": "equal",
        "crop": "different",
        "flip": "equal",
        "photometric": "different",
    }
    names = {"load": "image-rgb", "crop": "ignored-counted", "photometric": "hue-reaches-18"}
    for step, name in names.items():
        [evidence, *_] = rows[step].diagnosis.evidence
        assert evidence.startswith(f"{name}: exactly reproduced in")
        assert report.minimal[f"train/{step}"].endswith(f"train-{step}/README.md")
        assert (tmp_path / "examples" / f"train-{step}" / "reproduce.py").is_file()


def test_by_one_command():
    command = ["check", *STEPS, "--candidate", NAME, "--seeds", "0:3"]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "400"})
    assert done.exit_code == 1, done.output
    assert "The image is RGB; the reference keeps OpenCV's BGR" in done.output
    assert "Hue reaches +18; the reference stops at +17." in done.output
