"""``parity report`` and ``parity open``."""

import shutil

import pytest
import typer
from typer.testing import CliRunner

from parity.cli.report import open_latest, report
from parity.errors import InputError
from tests.report.builders import SAMPLE

RUNNER = CliRunner()


@pytest.fixture
def app():
    """Both commands, without the others."""
    made = typer.Typer()
    made.command()(report)
    made.command("open")(open_latest)
    return made


@pytest.fixture
def file(tmp_path):
    return shutil.copy(SAMPLE / "report.json", tmp_path / "report.json")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], {"report.html", "report.md", "report.junit.xml"}),
        (["--html"], {"report.html"}),
        (["--markdown", "--junit"], {"report.md", "report.junit.xml"}),
    ],
)
def test_renders_again(app, file, tmp_path, options, names):
    result = RUNNER.invoke(app, ["report", str(file), *options])
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", *names}
    for name in names:
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes()
        assert f"wrote {tmp_path / name}" in result.output


def test_into_another_folder(app, file, tmp_path):
    RUNNER.invoke(app, ["report", str(file), "--html", "--out", str(tmp_path / "other")])
    assert (tmp_path / "other" / "report.html").is_file()
    assert not (tmp_path / "report.html").exists()


def test_a_file_that_is_no_report(app, tmp_path):
    path = tmp_path / "x.json"
    path.write_text("{}")
    result = RUNNER.invoke(app, ["report", str(path)])
    assert isinstance(result.exception, InputError)
    assert str(path) in str(result.exception)


def test_open_launches_the_latest(app, tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr(typer, "launch", launched.append)
    (tmp_path / "a").mkdir()
    shutil.copy(SAMPLE / "report.html", tmp_path / "a" / "report.html")
    result = RUNNER.invoke(app, ["open", str(tmp_path)])
    assert launched == [str(tmp_path / "a" / "report.html")]
    assert result.output.strip() == launched[0]


def test_open_without_a_report(app, tmp_path):
    result = RUNNER.invoke(app, ["open", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "holds no HTML report" in str(result.exception)
