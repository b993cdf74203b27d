"""A user's repository whose pyproject.toml makes a gate of ``parity check``."""

import sys

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.report.json import read_report

MINE = """\
import numpy as np
from parity.steps import photometric as ours

def photometric(image, rng):
    done = ours.photometric(image, ours.draw_photometric(rng))
    done[0, 0] = np.where(done[0, 0] < 255, done[0, 0] + {more}, 255 - {more})
    return done
"""
GATE = """\
[project]
name = "mine"

[tool.parity]
candidate = "src/mine.py"
steps = ["photometric"]
"""
ENTRY = """
[[tool.parity.accepted]]
step = "photometric"
max_abs = 1
reason = "a grey level in the corner"
"""


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """Runs the command below the user's folder, their code `more` levels off."""
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(*arguments, more=1, project=GATE + ENTRY):
        (tmp_path / "src" / "mine.py").write_text(MINE.format(more=more))
        if project is not None:
            (tmp_path / "pyproject.toml").write_text(project)
        command = ["check", "--recorded", *map(str, arguments)]
        return CliRunner().invoke(app, command, env={"COLUMNS": "200"})

    return run


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (1, 0, ": accepted: by at most 1; a grey level in the corner"),
        (2, 1, "beyond what is accepted (by at most 1)"),
        (0, 1, "no longer needed: accepted is by at most 1; a grey level in the corner"),
    ],
)
def test_green_as_accepted_red_beyond_the_bound_and_when_no_longer_needed(gate, more, code, told):
    done = gate(more=more)
    assert done.exit_code == code, done.output
    assert told.lstrip(": ") in " ".join(done.output.split())


def test_every_form_of_the_report_shows_what_is_accepted(gate, tmp_path):
    assert gate("--out", tmp_path / "out").exit_code == 0
    [step] = [one for one in read_report(tmp_path / "out" / "report.json").steps if one.accepted]
    assert (step.accepted, step.failed, step.isolated) == (step.cases, 0, "within tolerance")
    for name in ("report.html", "report.md", "report.junit.xml"):
        text = (tmp_path / "out" / name).read_text()
        assert "by at most 1; a grey level in the corner" in text
        assert "up to what is accepted (train/photometric)" in text
    assert "| photometric | accepted | accepted |" in (tmp_path / "out" / "report.md").read_text()
    assert "isolated </span>accepted<" in (tmp_path / "out" / "report.html").read_text()
    junit = (tmp_path / "out" / "report.junit.xml").read_text()
    assert "photometric: isolated accepted, chained accepted, 0 of" in junit


def test_what_is_no_longer_needed_fails_in_every_form(gate, tmp_path):
    assert gate("--out", tmp_path / "out", more=0).exit_code == 1
    report = read_report(tmp_path / "out" / "report.json")
    assert report.failed
    assert report.sentence.startswith("1 accepted difference is no longer needed (photometric).")
    junit = (tmp_path / "out" / "report.junit.xml").read_text()
    assert '<failure message="no longer needed: accepted is by at most 1' in junit
    for name in ("report.html", "report.md"):
        assert "no longer needed: accepted is" in (tmp_path / "out" / name).read_text()


def test_the_command_line_wins(gate):
    done = gate("crop")
    assert done.exit_code == 2 or "gives none of crop" in str(done.exception)
    done = gate("flip", "--candidate", "parity.steps.flip", "-v")
    assert done.exit_code == 0, done.output
    assert "Candidate parity.steps.flip gives" in done.output
    assert "Candidate" not in gate("flip", "--candidate", "", "-v").output


def test_accepted_without_code_of_yours_is_an_error(gate):
    done = gate(project=ENTRY)
    assert "pyproject.toml: [[tool.parity.accepted]] is about code of yours" in str(done.exception)


def test_a_draft_is_refused_until_its_reasons_are_filled_in(gate, tmp_path):
    file = tmp_path / "pyproject.toml"
    done = gate("--write-accepted", project=GATE)
    assert done.exit_code == 1
    assert f"drafted accepted differences: {file}" in done.output
    assert "max_abs = 1.0\nmax_share = 0.00" in file.read_text()
    assert "photometric may differ" in str(gate(project=None).exception)
    file.write_text(file.read_text().replace('reason = ""', 'reason = "the corner"'))
    assert gate(project=None).exit_code == 0
    done = gate("--write-accepted", project=None)
    assert "nothing differs that could be accepted" in done.output


def test_without_a_file_the_draft_is_printed(gate):
    done = gate("--write-accepted", "--candidate", "mine.py", project=None)
    assert '[[tool.parity.accepted]]\nstep = "photometric"\npipeline = "train"' in done.output


def test_the_help_names_the_file():
    done = CliRunner().invoke(app, ["check", "--help"], env={"COLUMNS": "200"})
    assert "the table tool.parity of the nearest pyproject.toml" in " ".join(done.output.split())
    assert "0:40" in done.output
