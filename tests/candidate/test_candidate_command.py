"""``parity check --candidate`` as people run it."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.cli import app
from parity.errors import ReferenceUnavailable
from parity.report.json import read_report
from parity.steps.crop import crop_sample
from tests.candidate.support import report_of
from tests.cli.support import run


def parity(folder, *arguments):
    """The real command in its own process, in `folder`."""
    environment = {"COLUMNS": "400", "OMP_NUM_THREADS": "1"}
    return run(*arguments, cwd=folder, environment=environment)


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from parity.steps.crop import crop_sample as crop\n"
        "from parity.steps.flip import flip_sample\n"
        "def flip(sample, rng, *, prob):\n"
        "    return flip_sample(sample, rng, prob=prob, direction='vertical')\n"
        "class Right:\n"
        "    crop = staticmethod(crop)\n"
        "def whole(image, seg):\n"
        "    return image, seg\n"
    )
    return tmp_path


def test_different_equal_and_not_compared(mine):
    done = parity(mine, "check", "--candidate", "mine.py", "--recorded", "--out", "out", "-v")
    assert done.returncode == 1, done.stderr
    assert "Candidate mine.py gives: flip (a step)." in done.stdout
    report = read_report(mine / "out" / "report.json")
    [step] = [step for step in report.steps if step.failed]
    assert "vertical" in step.diagnosis.text
    assert report.exhibits[step.exhibits[0]].pictures
    assert len(step.exhibits) == 2
    assert {file.name.partition("/")[0] for file in report.inputs} == {"{inputs}"}
    assert str(mine) not in (mine / "out" / "report.html").read_text().split("repeat</dt>")[0]
    right = parity(mine, "check", "--candidate", "mine:Right", "--recorded")
    assert right.returncode == 0, right.stderr
    verdict = right.stdout.splitlines()[-1]
    assert "not exercised: " in verdict
    assert "load, resize, flip, photometric" in verdict
    none = parity(mine, "check", "--candidate", "mine:whole", "--recorded", "--samples", 0)
    assert none.returncode == 3
    assert "it draws for itself" in none.stdout


def test_minimal_example_beside_the_report(mine):
    arguments = ("--candidate", "mine.py:flip", "--recorded", "--out", "out")
    done = parity(mine, "check", *arguments)
    assert done.returncode == 1, done.stderr
    folder = mine / "out" / "examples" / "train-flip"
    assert f"train/flip minimal example: {folder / 'README.md'}" in done.stdout
    again = subprocess.run(
        [sys.executable, str(folder / "reproduce.py")],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert "different: " in again.stdout, again.stderr


@pytest.mark.parametrize("out", ["mine.py", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_is_found_before_the_check(mine, out):
    done = parity(mine, "check", "--candidate", "mine.py:flip", "--recorded", "--out", out)
    assert done.returncode == 2
    assert f"error: {out}: cannot be written to: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_an_example_that_cannot_be_written_costs_only_itself(mine):
    (mine / "out").mkdir()
    (mine / "out" / "examples").write_text("a file")
    done = parity(mine, "check", "--candidate", "mine.py:flip", "--recorded", "--out", "out")
    assert done.returncode == 1, done.stderr
    assert "No minimal example of flip: cannot be written: Not a directory." in done.stdout
    assert (mine / "out" / "report.html").is_file()


def test_file_that_is_not_there(mine):
    done = parity(mine, "check", "--candidate", "nowhere.py")
    assert done.returncode == 2, done.stdout
    assert "error: nowhere.py: no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--replay"], ["--samples", "3"]])
def test_options_without_a_candidate(arguments):
    done = CliRunner().invoke(app, ["check", *arguments])
    assert "name one with --candidate" in str(done.exception)


def test_recording_knows_no_other_data(monkeypatch):
    monkeypatch.delenv("PARITY_ADE20K", raising=False)
    with pytest.raises(ReferenceUnavailable, match="knows the built-in inputs only"):
        report_of({"crop": crop_sample}, data=Path("/nowhere"))


ROUNDED = """\
from parity.steps.loss import cross_entropy
def loss_ce(pred, label, **options):
    loss = cross_entropy(pred, label, **options)
    return loss.detach() + (loss - loss.detach()) * (1 + 2**-22)
"""


def test_rounding_has_its_own_word_and_is_passed_with_a_note_unless_it_is_to_fail(tmp_path):
    (tmp_path / "mine.py").write_text(ROUNDED)
    command = ["check", "loss_ce", "--recorded", "--candidate", f"{tmp_path / 'mine.py'}:loss_ce"]
    passed = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert passed.exit_code == 0, passed.output
    assert "by rounding alone, first" in passed.output
    assert "0 different" in passed.output
    failed = CliRunner().invoke(app, [*command, "--rounding", "fail"], env={"COLUMNS": "200"})
    assert failed.exit_code == 1, failed.output
    assert "looks like: Rounding: the order of float operations" in failed.output
    for done in (passed, failed):
        assert " rounding " in done.output
