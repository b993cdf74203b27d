"""The doctor as a program: one file, Python 3.8, one screen, JSON, exit codes."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parity.causes.extension import read_architectures
from parity.cli import app
from parity.guard import doctor
from parity.guard.doctor import HEIGHT, WIDTH, Line, ask, diagnose, read_extension, render_text
from tests.causes.test_extension import HOSTILE, MALFORMED, fat_binary

from .made import Made, imported

SOURCE = Path(doctor.__file__)
PYTHONS = ["python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13"]


def program(*arguments, python=sys.executable, flags=("-I",), **options):
    command = [python, *flags, str(options.pop("file", SOURCE)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def is_one_screen(text):
    lines = text.splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(len, lines)) <= WIDTH


def test_it_is_valid_for_python_3_8_and_imports_the_standard_library_alone():
    assert imported(SOURCE) <= sys.stdlib_module_names


@pytest.mark.parametrize("name", PYTHONS)
def test_it_runs_on_every_python_that_is_here(name, tmp_path):
    python = shutil.which(name)
    if (
        python is None
        or subprocess.run([python, "-V"], check=False, capture_output=True).returncode
    ):
        pytest.skip(f"no {name} here")
    done = program(python=python, cwd=tmp_path)
    assert done.stderr == ""
    assert done.returncode in (0, 1)
    is_one_screen(done.stdout)
    assert "Python" in done.stdout


def test_the_script_is_the_same_file(tmp_path):
    written = tmp_path / "doctor.py"
    done = CliRunner().invoke(app, ["doctor", "--script", str(written)])
    assert done.exit_code == 0
    assert written.read_bytes() == SOURCE.read_bytes()
    mine = program("--json", file=written, cwd=tmp_path, flags=())
    theirs = CliRunner().invoke(app, ["doctor", "--json"])
    assert json.loads(mine.stdout) == json.loads(theirs.stdout)


def test_modules_beside_the_script_are_not_taken_for_packages(tmp_path):
    written = tmp_path / "doctor.py"
    written.write_bytes(SOURCE.read_bytes())
    folder = tmp_path / "mmdet-9.9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: mmdet\nVersion: 9.9\n")
    done = program("--json", file=written, cwd=tmp_path, flags=("-S",))
    assert "mmdet" not in json.loads(done.stdout)["packages"]


@pytest.mark.parametrize("arguments", [["--gpu", "86"], ["--gpu", "x"], ["--unknown"]])
def test_wrong_usage_is_exit_code_2(arguments):
    assert program(*arguments).returncode == 2
    assert CliRunner().invoke(app, ["doctor", *arguments]).exit_code == 2


def test_exit_codes_and_json(tmp_path, monkeypatch):
    made = Made(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    found = made.examine()
    lines = diagnose(found)
    document = json.loads(doctor.render_json(found, lines))
    assert (doctor.exit_code(lines), document["exit_code"], document["format"]) == (0, 0, 1)
    assert document["extension"]["sm"] == [86]
    assert document["gpus"] == [{"name": "NVIDIA GeForce RTX 3090", "capability": 86}]
    assert document["lines"][0] == {
        "name": "Python",
        "status": "ok",
        "text": f"{found.python} (3.8 <= v < 3.14)",
        "fix": "",
        "link": "",
    }
    warned = [*lines, Line("x", "warning", "")]
    assert doctor.exit_code(warned) == 0
    assert doctor.exit_code([*warned, Line("x", "error", "")]) == 1


def test_everything_broken_is_still_one_screen(tmp_path, monkeypatch):
    made = Made(tmp_path)
    monkeypatch.setenv("PATH", str(made.programs))
    is_one_screen(render_text(made.lines()))
    made.package("mmcv-lite", "2.2.0")
    made.package("opencv-python-headless", "5.0.0.93")
    made.package("numpy", "2.2.6")
    made.remove("mmengine")
    made.remove("regex")
    made.extension((2, 70), cuda=11)
    made.file("numpy-9.dist-info/METADATA")
    text = render_text(made.lines(data=tmp_path / ("deep/" * 30)))
    is_one_screen(text)
    assert "--json has all" in text
    assert text.splitlines()[-1] == "errors: 9, warnings: 1, ok: 10"


def test_the_same_fix_is_printed_once():
    text = render_text([Line("a", "error", "x", "pip check"), Line("b", "error", "y", "pip check")])
    assert text.count("pip check") == 1
    assert text.splitlines()[3] == "  fix: the same"


def test_ok_lines_are_joined_where_they_would_not_fit():
    lines = [Line("bad", "error", "it is " * 30, "pip install " + "x " * 50, "https://x")] * 3
    text = render_text(lines + [Line(f"n{i}", "ok", "1.0 (1 or later)") for i in range(12)])
    is_one_screen(text)
    assert "n0 1.0; n1 1.0" in text


def test_a_command_can_be_pasted_whole():
    fix = "echo " + "'some words' " * 30
    text = render_text([Line("bad", "error", "it is", fix)])
    command = text.partition("fix: ")[2].rpartition("\n")[0]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["some", "words"] * 30


def test_a_judge_that_fails_costs_its_own_lines_only(tmp_path, monkeypatch):
    def judge_nothing(found):
        raise ValueError("odd")

    monkeypatch.setattr(doctor, "JUDGES", (judge_nothing, doctor.judge_python))
    lines = diagnose(doctor.Environment(python="3.10.13"))
    expected = [("warning", "nothing"), ("ok", "Python")]
    assert [(line.status, line.name) for line in lines] == expected


def test_pythons_outside_of_the_window():
    def status(version):
        (line,) = doctor.judge_python(doctor.Environment(python=version))
        return line.status

    expected = ["warning", "ok", "ok", "error"]
    assert [status(v) for v in ("3.7.16", "3.8.0", "3.13.0", "3.14.0")] == expected


def test_a_child_and_its_children_end_with_the_time_limit():
    code = "import os, time; os.fork(); print('here', flush=True); time.sleep(60)"
    start = time.monotonic()
    text, reason = ask([sys.executable, "-c", code], 1)
    assert time.monotonic() - start < 10
    assert (text.split()[0], reason) == ("here", "no answer within 1 seconds")
    assert ask(["/no/such/program"], 1)[1].startswith("[Errno 2]")


BYTES = {
    "machine code and PTX": fat_binary((2, 70), (2, 75), (1, 75)),
    "two": fat_binary((2, 80)) + bytes(40) + fat_binary((2, 90)),
    "no header": b"-arch sm_61",
    **MALFORMED,
    "hostile": HOSTILE,
}


@pytest.mark.parametrize("name", BYTES)
def test_extensions_are_read_as_explain_reads_them(name, tmp_path):
    path = tmp_path / "_ext.so"
    path.write_bytes(b"\x7fELF" + bytes(100) + BYTES[name] + bytes(50))
    start = time.process_time()
    found = read_extension(path)
    assert time.process_time() - start < 10
    if name not in ("no header", "hostile"):  # explain also takes names in the text
        theirs = read_architectures(path)
        assert (set(found.sm), set(found.ptx)) == (theirs.sm, theirs.ptx)
        for capability in range(60, 130, 5):
            assert found.runs_on(capability) is theirs.runs_on(capability)
    else:
        assert found.sm in ((), (86,))


def test_a_pipe_is_no_extension(tmp_path):
    os.mkfifo(tmp_path / "_ext.so")
    with pytest.raises(ValueError, match="no regular file"):
        read_extension(tmp_path / "_ext.so")
