import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from parity.errors import InputError
from parity.scores.plot import render_plot
from parity.scores.table import score_table
from parity.zoo.rows import read_all_rows
from tests.scores.sample import SIGNATURE, checkout, model, own, table_of, zoo_rows

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def zoo(tmp_path):
    return zoo_rows(tmp_path / "zoo")


def test_own_runs_are_marked(zoo, tmp_path):
    table = table_of(zoo, [own(tmp_path, name="my run")])
    picture = render_plot(table, "svg").decode()
    assert "my run  39.50" in picture
    assert "own run" in picture
    assert "own run" not in render_plot(table_of(zoo), "svg").decode()


def test_unlike_scores_are_hollow(zoo, tmp_path):
    run = own(tmp_path, signature=SIGNATURE.replace("ss", "ms+flip"))
    assert "own run, not comparable" in render_plot(table_of(zoo, [run]), "svg").decode()


def test_png(zoo):
    assert render_plot(table_of(zoo), "png").startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("form", ["gif", "pdf", ""])
def test_other_formats(zoo, form):
    with pytest.raises(InputError, match=r"\.svg or \.png"):
        render_plot(table_of(zoo), form)


def test_nothing_to_draw():
    with pytest.raises(InputError, match="no row"):
        render_plot(table_of([]), "svg")


@pytest.mark.parametrize("form", ["svg", "png"])
def test_same_bytes_in_another_process(tmp_path, form):
    checkout(tmp_path / "zoo", [model(), model("net_b", 39.0)], "")
    code = (
        "import sys, hashlib; from pathlib import Path\n"
        "from parity.zoo.rows import read_all_rows\n"
        "from parity.scores.plot import render_plot\n"
        "from parity.scores.table import score_table\n"
        "rows = read_all_rows([Path(sys.argv[1])])\n"
        "table = score_table(rows, dataset='ADE20K', version='1', origin='a test')\n"
        "print(hashlib.sha256(render_plot(table, sys.argv[2])).hexdigest())\n"
    )
    path = tmp_path / "zoo" / "configs" / "net" / "metafile.yaml"
    there = subprocess.run(
        [sys.executable, "-c", code, path, form],
        env={**os.environ, "PYTHONHASHSEED": "7", "MPLBACKEND": "Agg", "TZ": "Asia/Tokyo"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    table = score_table(read_all_rows([path]), dataset="ADE20K", version="1", origin="a test")
    assert there.stdout.strip() == hashlib.sha256(render_plot(table, form)).hexdigest()
