"""Output that ends early, and files that are no files: one line, never a traceback or a wait."""

import os
import subprocess
from pathlib import Path

import pytest

from parity.errors import InputError
from parity.files import file_sha256, write_atomically
from parity.report.json import read_report
from parity.steps.load import load_annotation, load_image
from tests.cli.support import MAIN, start
from tests.runs.builders import write_run

SCORES = "import sys; from parity.scores.options import main; from reference.zoo import *; "
SCORES += "sys.exit(main(sys.argv[1:], installed_zoo))"
FULL = "/dev/full"


COMMANDS = {
    "explain": (MAIN, ["explain", "{run}"]),
    "scores": (SCORES, ["--help"]),
    "check": (MAIN, ["check", "flip", "--recorded"]),
    "steps": (MAIN, ["steps"]),
    "help": (MAIN, ["check", "--help"]),
}


@pytest.mark.parametrize(("code", "arguments"), COMMANDS.values(), ids=COMMANDS)
def test_a_closed_pipe_is_no_error(tmp_path, code, arguments):
    run = write_run(tmp_path / "run")
    read, write = os.pipe()
    os.close(read)
    process = start(*(item.format(run=run) for item in arguments), code=code, stdout=write)
    os.close(write)
    assert process.communicate()[1] == ""
    assert process.returncode in (0, 1)  # as if all had been printed


def test_closed_pipes_for_errors_change_nothing():
    read, write = os.pipe()
    os.close(read)
    process = start("check", "krop", stderr=write, stdout=write)
    os.close(write)
    assert process.wait() == 2


@pytest.mark.skipif(not Path(FULL).exists(), reason="no such device here")
@pytest.mark.parametrize("arguments", [["--help"], ["explain", "{run}"]])
def test_a_full_disk_is_one_line(tmp_path, arguments):
    run = write_run(tmp_path / "run")
    with Path(FULL).open("w") as full:
        process = start(*(item.format(run=run) for item in arguments), stdout=full)
        errors = process.communicate()[1]
    assert process.returncode == 2
    assert errors == "error: standard output: cannot be written: No space left on device\n"


@pytest.mark.skipif(not Path(FULL).exists(), reason="no such device here")
def test_a_device_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="cannot be replaced"):
        write_atomically(tmp_path / "pipe", b"x")
    assert not (tmp_path / "pipe").is_file()


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
@pytest.mark.parametrize("reader", [load_image, load_annotation, file_sha256, read_report])
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path, kind, reader):
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(InputError, match="pipe, socket or device"):
        reader(path)


def test_a_console_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    run = write_run(tmp_path / "run")
    process = start("explain", run, "--console", tmp_path / "pipe", stdout=subprocess.PIPE)
    printed, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "not a regular file" in errors
    assert (process.returncode, printed) == (2, "")
