from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from parity.errors import InputError
from parity.report.json import render_json
from parity.report.write import FORMATS, latest_report, write_report
from tests.report.builders import rich_report


@pytest.fixture(scope="module")
def report():
    return rich_report()


class TestWrite:
    def test_every_format(self, tmp_path, report):
        paths = write_report(report, tmp_path / "new" / "folder")
        assert [path.name for path in paths] == [
            "report.json",
            "report.md",
            "report.html",
            "report.junit.xml",
        ]
        assert paths[0].read_text() == render_json(report)

    @pytest.mark.parametrize("at", ["render", "replace"])
    def test_a_crash_leaves_the_old_report(self, tmp_path, report, monkeypatch, at):
        write_report(report, tmp_path)
        old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        def crash(*arguments, **options):
            raise KeyboardInterrupt

        if at == "render":
            monkeypatch.setitem(FORMATS, "junit", ("report.junit.xml", crash))
        else:
            monkeypatch.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            write_report(replace(report, sentence="new"), tmp_path)
        new = {path.name: path.read_bytes() for path in tmp_path.glob("report.*")}
        assert new == old

    def test_folder_that_cannot_be_written(self, report):
        with pytest.raises(InputError, match=r"/proc/nowhere/report\.json: cannot be written"):
            write_report(report, Path("/proc/nowhere"), ["json"])

    def test_latest(self, tmp_path, report):
        for place, name in enumerate(("a", "b", "c")):
            [path] = write_report(report, tmp_path / name, ["html"])
            os.utime(path, (place, 100 - place))
        assert latest_report(tmp_path) == tmp_path / "a" / "report.html"

    def test_no_report(self, tmp_path):
        with pytest.raises(InputError, match="holds no HTML report"):
            latest_report(tmp_path)
