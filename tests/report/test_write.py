import os
from dataclasses import replace
from pathlib import Path

import pytest

from parity.errors import InputError
from parity.report.json import render_json
from parity.report.write import FORMATS, latest_report, write_report


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

    def test_all_files_or_none(self, tmp_path, report):
        write_report(report, tmp_path)
        old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        (tmp_path / "report.html").unlink()
        (tmp_path / "report.html").mkdir()
        with pytest.raises(InputError, match=r"report\.html: cannot be written: Is a directory"):
            write_report(replace(report, sentence="new"), tmp_path)
        left = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert left == {name: content for name, content in old.items() if name != "report.html"}

    def test_a_file_is_no_folder_of_reports(self, tmp_path, report):
        [path] = write_report(report, tmp_path, ["html"])
        with pytest.raises(InputError, match="is a file"):
            latest_report(path)

    def test_latest(self, tmp_path, report):
        for place, name in enumerate(("a", "b", "c")):
            [path] = write_report(report, tmp_path / name, ["html"])
            os.utime(path, (place, 100 - place))
        assert latest_report(tmp_path) == tmp_path / "a" / "report.html"

    def test_no_report(self, tmp_path):
        with pytest.raises(InputError, match="holds no HTML report"):
            latest_report(tmp_path)
