import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity.zoo.configs import with_configs
from parity.zoo.rows import read_all_rows
from reference.zoo import installed_zoo, metafiles, zoo_config
from tests.causes import founding

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.live
class TestZoo:
    def test_every_result_once(self):
        """Counted a second way: every ADE20K result block in the raw text of the metafiles."""
        rows = [row for row in read_all_rows(metafiles()) if row.dataset == "ADE20K"]
        texts = [path.read_text() for path in metafiles()]
        assert len(rows) == sum(len(re.findall(r"Dataset: ADE20K\n", text)) for text in texts)
        assert len({(row.name, row.weights, row.miou) for row in rows}) == len(rows)
        assert all(row.crop and row.schedule and row.batch for row in rows)

    def test_every_data_set(self):
        rows = read_all_rows(metafiles())
        texts = [path.read_text() for path in metafiles()]
        assert len(rows) == sum(len(re.findall(r"\n\s+mIoU: ", text)) for text in texts)
        assert all(not row.dataset.startswith("#") for row in rows)

    def test_the_founding_case(self):
        by_name = {row.name: row for row in read_all_rows(metafiles())}
        assert by_name["mask2former_swin-s_8xb2-160k_ade20k-512x512"].miou == 51.24

    def test_what_the_configs_say(self):
        """Each also read by mmengine: the crop and length that training really has."""
        zoo = installed_zoo()
        rows = [row for row in read_all_rows(zoo.metafiles) if row.dataset == "ADE20K"]
        rows = with_configs(rows, zoo.configs)
        assert sum(not row.signature for row in rows) == 1  # PoolFormer-S36's config is not there
        differing = {item.place: item for row in rows for item in row.differs}
        assert len(differing) == 4
        for place, item in differing.items():
            config = zoo_config(place)
            pipeline = config["train_dataloader"]["dataset"]["pipeline"]
            [crop] = [step["crop_size"] for step in pipeline if step["type"] == "RandomCrop"]
            values = {
                "crop": "x".join(map(str, crop)),
                "schedule": f"{config['train_cfg']['max_iters'] // 1000}k",
            }
            assert values[item.field] == item.value

    @pytest.mark.parametrize("options", [(), ("--pairs", "--out", "docs/zoo_pairs.md")])
    def test_committed_table_is_fresh(self, options):
        done = run(*options, "--check", cwd=ROOT)
        assert done.returncode == 0, done.stdout


def run(*arguments, cwd):
    command = [sys.executable, ROOT / "extract_tables.py", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.live
def test_script(tmp_path):
    assert run(cwd=tmp_path).returncode == 0
    written = tmp_path / "ade20_scores.md"
    assert run("--check", cwd=tmp_path).returncode == 0
    lines = [line for line in written.read_text().splitlines() if re.match(r"\| \d", line)]
    scores = [float(line.split("|")[7]) for line in lines]
    assert len(scores) == 176
    assert scores == sorted(scores, reverse=True)
    written.write_text(written.read_text().replace("51.24", "51.25"))
    stale = run("--check", cwd=tmp_path)
    assert (stale.returncode, "stale" in stale.stdout) == (1, True)


def test_script_is_short():
    assert len((ROOT / "extract_tables.py").read_text().splitlines()) < 40


@pytest.mark.live
def test_the_founding_case_beside_the_zoo(tmp_path):
    """K-Net at the zoo's figure, Mask2Former 7.24 points below it, from the same machine."""
    swin = founding.write_run(tmp_path / "w", founding.SWIN_S, folder="mask2former", score=44.0)
    founding.write_console(swin)
    founding.write_run(tmp_path / "w", founding.KNET, folder="knet", score=52.31)
    assert run("--runs", "w", "--out", "t.csv", cwd=tmp_path).returncode == 0
    with (tmp_path / "t.csv").open(newline="") as stream:
        mine = {row["zoo_row"]: row for row in csv.DictReader(stream) if row["run"]}
    assert mine[founding.KNET]["verdict"] == "within noise"
    found = mine[founding.SWIN_S]
    assert (found["gap"], found["verdict"]) == ("-7.24", "explained")
    assert found["causes"] == "dead-kernel; effective-batch"
    assert "51.24" in (tmp_path / found["explanation"]).read_text()
