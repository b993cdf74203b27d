import json

import pytest

from parity.errors import ReferenceUnavailable
from parity.scores.options import default_name, main
from tests.scores.sample import checkout, config, line, model, readme, run_dir

NAME = "net_r50_4xb4-80k_ade20k-512x512"
CITY = "net_r50_4xb4-80k_cityscapes-512x512"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    city = model(CITY, Results={"Dataset": "Cityscapes", "Metrics": {"mIoU": 70.0}})
    text = readme(line()) + readme(line(CITY, miou="70.00", miou_ms="-"), heading="### Cityscapes")
    configs = {NAME: config(), CITY: config()}
    return checkout(tmp_path / "zoo", [model(), city], text, configs=configs)


def no_zoo():
    raise ReferenceUnavailable("mmseg is not installed")


def call(root, *arguments):
    return main(["--mmseg", str(root), *map(str, arguments)], no_zoo)


def failing(capsys, *arguments, find_zoo=no_zoo):
    """The one line that wrong usage gives; argparse ends the program itself."""
    try:
        code = main(list(map(str, arguments)), find_zoo)
    except SystemExit as stop:
        code = stop.code
    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err


def test_write_and_check(root, tmp_path, capsys):
    assert call(root) == 0
    assert call(root, "--check") == 0
    written = tmp_path / "ade20_scores.md"
    assert "| 1 | Net | R-50 | 512x512 | 80k | 16 | 40.00 | 41.50 | 6.10 |" in written.read_text()
    written.write_text(written.read_text().replace("40.00", "40.01"))
    assert call(root, "--check") == 1
    assert "stale" in capsys.readouterr().out
    written.unlink()
    assert call(root, "--check") == 1


def test_data_sets_and_names(root, tmp_path):
    assert call(root, "--dataset", "cityscapes") == 0
    assert "70.00" in (tmp_path / "cityscapes_scores.md").read_text()
    assert default_name("COCO-Stuff 164k", "csv") == "cocostuff164k_scores.csv"


@pytest.mark.parametrize("form", ["md", "csv", "html", "json"])
def test_formats(root, tmp_path, capsys, form):
    assert call(root, "--format", form, "--out", "-") == 0
    shown = capsys.readouterr().out
    assert call(root, "--out", f"x.{form}") == 0
    assert (tmp_path / f"x.{form}").read_text() == shown
    assert NAME in shown


def test_runs(root, tmp_path, capsys):
    first = run_dir(tmp_path / "work", NAME)
    second = run_dir(tmp_path / "work", "broken")
    (second / "run.json").write_text("{")
    third = run_dir(tmp_path / "work", "city", dataset="Cityscapes")
    assert call(root, "--runs", first, third, first, "--out", "x.json", "--plot", "x.svg") == 0
    found = json.loads((tmp_path / "x.json").read_text())
    assert [row["run"] for row in found["rows"]] == [None, str(first)]
    assert [item["file"] for item in found["not_in_the_table"]] == [str(third)]
    [mine] = [row for row in found["rows"] if row["run"]]
    assert (tmp_path / mine["explanation"]).is_file()
    assert b"own run" in (tmp_path / "x.svg").read_bytes()
    assert call(root, "--runs", first, third, first, "--out", "x.json", "--check") == 0


def test_a_run_that_cannot_be_read_is_named_and_costs_2(root, tmp_path, capsys):
    good, empty = run_dir(tmp_path, NAME), tmp_path / "empty"
    empty.mkdir()
    assert call(root, "--runs", empty, good, "--out", "x.md") == 2
    assert f"error: {empty}: holds no run" in capsys.readouterr().err
    text = (tmp_path / "x.md").read_text()
    assert "own run:" in text
    assert "Not in the table" in text
    assert call(root, "--runs", empty, good, "--out", "x.md", "--check") == 2


def test_check_writes_nothing(root, tmp_path):
    good = run_dir(tmp_path, NAME)
    before = sorted(tmp_path.rglob("*"))
    assert call(root, "--runs", good, "--check") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "nope"], "the zoo has no mIoU for it"),
        (["--top", "0"], "not a whole number above 0"),
        (["--top", "x"], "not a whole number above 0"),
        (["--format", "pdf"], "invalid choice"),
        (["--out", "x.pdf"], ".pdf is no format"),
        (["--method", "zzz"], "the methods are Net"),
        (["--runs", "gone"], "no such directory"),
        (["--check", "--plot", "x.svg"], "compares one file"),
        (["--check", "--out", "-"], "compares one file"),
        (["--plot", "x.gif"], ".svg or .png"),
        (["--bogus"], "unrecognized arguments"),
        (["--out", "zoo"], "cannot be written"),
        (["--check", "--out", "zoo"], "cannot be read"),
    ],
)
def test_wrong_usage_is_one_line(root, tmp_path, capsys, arguments, message):
    before = sorted(tmp_path.iterdir())
    assert message in failing(capsys, "--mmseg", root, *arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_without_a_zoo(tmp_path, capsys):
    assert "not installed" in failing(capsys)
    assert "give the root of a source checkout" in failing(capsys, "--mmseg", tmp_path)


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"], no_zoo)
    assert stop.value.code == 0
    assert "--runs DIR" in capsys.readouterr().out
