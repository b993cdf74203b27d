from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from parity.errors import InputError
from parity.scores.rows import ScoreRow, read_rows
from parity.scores.table import COLUMNS, render_scores, score_frame, sort_rows

ROOT = Path(__file__).resolve().parents[2]


def model(name="net_r50_4xb4-80k_ade20k-512x512", miou=40.0, **changes):
    return {
        "Name": name,
        "In Collection": "Net",
        "Config": f"configs/net/{name}.py",
        "Metadata": {"Batch Size": 16, "Architecture": ["R-50", "Net"], "Memory (GB)": 6.1},
        "Results": {"Dataset": "ADE20K", "Metrics": {"mIoU": miou, "mIoU(ms+flip)": 41.5}},
        "Weights": "https://host/net_r50_512x512_80k_ade20k_20200615-abc.pth",
        **changes,
    }


def rows_of(tmp_path, *models):
    path = tmp_path / "metafile.yaml"
    path.write_text(yaml.safe_dump({"Models": list(models)}))
    return read_rows([path])


def test_fields(tmp_path):
    [row] = rows_of(tmp_path, model())
    assert row == ScoreRow(
        name="net_r50_4xb4-80k_ade20k-512x512",
        method="Net",
        backbone="R-50",
        crop="512x512",
        schedule="80k",
        batch=16,
        miou=40.0,
        miou_ms=41.5,
        memory_gb=6.1,
        config="configs/net/net_r50_4xb4-80k_ade20k-512x512.py",
        weights="net_r50_512x512_80k_ade20k_20200615-abc.pth",
    )


def test_several_results_of_one_model_and_other_data_sets(tmp_path):
    results = [
        {"Dataset": "ADE20K", "Metrics": {"mIoU": 1.0}},
        {"Dataset": "Cityscapes", "Metrics": {"mIoU": 2.0}},
        {"Dataset": "ADE20K", "Metrics": {"mIoU": 3.0}},
    ]
    rows = rows_of(tmp_path, model(Results=results))
    assert [row.miou for row in rows] == [1.0, 3.0]
    assert rows[0].miou_ms is None


def test_sorted_by_score_then_name(tmp_path):
    rows = rows_of(tmp_path, model("b", 40), model("a", 40), model("c", 50))
    assert [row.name for row in sort_rows(rows)] == ["c", "a", "b"]
    assert score_frame(rows)["rank"].tolist() == [1, 2, 2]


def test_contradictions_are_noted(tmp_path):
    late = model("net_r50_4xb4-160k_ade20k-512x512")
    [row] = rows_of(tmp_path, late)
    assert row.notes == ("the weights file says 80k, not 160k",)
    rows = rows_of(tmp_path, model(), model(miou=41.0))
    assert all("this name to 2 results" in row.notes[0] for row in rows)
    heavy = model(Metadata={"Memory (GB)": 3826.0})
    assert "reads like MB" in rows_of(tmp_path, heavy)[0].notes[0]


@pytest.mark.parametrize("text", ["", "{", "Models: 3", "Models: [{}]", "[]", "\x00"])
def test_not_a_metafile(tmp_path, text):
    path = tmp_path / "metafile.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="metafile"):
        read_rows([path])


def test_yaml_tags_are_not_executed(tmp_path):
    path = tmp_path / "metafile.yaml"
    path.write_text("Models: !!python/object/apply:os.system ['touch executed']")
    with pytest.raises(InputError):
        read_rows([path])
    assert not (tmp_path / "executed").exists()


def test_markdown_is_escaped(tmp_path):
    rows = rows_of(tmp_path, model("a|b", Config="x|y.py"))
    line = render_scores(rows, version="1").splitlines()[6]
    assert len(re.findall(r"(?<!\\)\|", line)) == len(COLUMNS) + 1


@pytest.mark.live
class TestZoo:
    def test_every_result_once(self):
        """Counted a second way: every ADE20K result block in the raw text of the metafiles."""
        from reference.zoo import metafiles

        rows = read_rows(metafiles())
        texts = [path.read_text() for path in metafiles()]
        assert len(rows) == sum(len(re.findall(r"Dataset: ADE20K\n", text)) for text in texts)
        assert len({(row.name, row.weights, row.miou) for row in rows}) == len(rows)
        assert all(row.crop and row.schedule and row.batch for row in rows)

    def test_the_founding_case(self):
        from reference.zoo import metafiles

        by_name = {row.name: row for row in read_rows(metafiles())}
        assert by_name["mask2former_swin-s_8xb2-160k_ade20k-512x512"].miou == 51.24

    def test_committed_table_is_fresh(self):
        done = run("--check", cwd=ROOT)
        assert done.returncode == 0, done.stdout


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, ROOT / "extract_tables.py", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.live
def test_script(tmp_path):
    assert run(cwd=tmp_path).returncode == 0
    written = tmp_path / "ade20_scores.md"
    assert run("--check", cwd=tmp_path).returncode == 0
    scores = [float(line.split("|")[7]) for line in written.read_text().splitlines()[6:182]]
    assert scores == sorted(scores, reverse=True)
    written.write_text(written.read_text().replace("51.24", "51.25"))
    stale = run("--check", cwd=tmp_path)
    assert (stale.returncode, "stale" in stale.stdout) == (1, True)
    shutil.rmtree(tmp_path)
