"""A training under `parity watch` beside the same one without it."""

import hashlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parity.fixtures import fixtures_root
from parity.guard.judge import judge
from parity.guard.judging import KeptConsole, python
from parity.guard.watch import work_dir_of
from parity.runs import read_run

RUNS = fixtures_root() / "runs"
CODE = "from parity.guard.watch import main; main()"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COUNTING = """
import os, signal, sys, time
def count(number, frame):
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGHUP: signal.setitimer(signal.ITIMER_REAL, 0.5)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, count)
if not os.fork(): sys.stdout = sys.stderr
print("ready", flush=True)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(5)); signal.setitimer(signal.ITIMER_REAL, 30)
while True: time.sleep(1)
"""
ON_TERMINAL = """
import os, sys
print(os.isatty(0), os.isatty(1), os.isatty(2), os.get_terminal_size(), "\\x1b[31mred\\x1b[0m")
sys.stdout.write("\\r10%\\r20%\\n"); sys.stdout.flush(); print("tab\\tend", file=sys.stderr)
"""


def watched(folder, *command, on_error="warn"):
    return [*python(CODE, "--on-error", on_error, f"--work-dir={folder}"), *command]


def console(folder):
    (file,) = folder.glob("console_*.txt")
    return file


@pytest.mark.parametrize("script", ["exit 7", "kill -9 $$", "kill -TERM $$", "echo a; echo b >&2"])
def test_ends_as_the_command_does(tmp_path, script):
    command = ["bash", "-c", script]
    alone, beside = (
        subprocess.run(given, capture_output=True, check=False)
        for given in (command, watched(tmp_path, *command))
    )
    expected = (alone.returncode, alone.stdout, alone.stderr)
    assert (beside.returncode, beside.stdout, beside.stderr) == expected


def test_a_command_that_is_missing(tmp_path):
    done = subprocess.run(watched(tmp_path, "no-such"), capture_output=True, check=False)
    assert done.returncode == 127


def heard():
    """What runs these tests in the background may ignore signals, as nohup does."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def test_each_process_gets_each_signal_once(tmp_path):
    command = [sys.executable, "-c", COUNTING]
    seen = []
    for given in (command, watched(tmp_path, *command)):
        process = subprocess.Popen(
            given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=heard,  # noqa: PLW1509 - there are no threads
        )
        assert process.stdout.readline() == process.stderr.readline() == b"ready\n"
        for number in SIGNALS:
            os.killpg(process.pid, number)
            told = f"{number.name}\n".encode()
            assert process.stdout.readline() == process.stderr.readline() == told
        rest = process.communicate()
        seen.append((process.returncode, *rest))
    assert seen == [(5, b"", b"")] * 2


def test_what_the_command_forks_may_outlive_it(tmp_path):
    started = time.monotonic()
    script = "(sleep 1; echo late) & echo now; exit 3"
    process = subprocess.Popen(watched(tmp_path, "bash", "-c", script), stdout=subprocess.PIPE)
    assert process.wait() == 3
    ended = time.monotonic() - started
    assert process.stdout.read() == b"now\nlate\n"
    assert time.monotonic() - started > ended
    assert console(tmp_path).read_bytes() == b"now\nlate\n"


def test_a_terminal_stays_one(tmp_path):
    command = [sys.executable, "-c", ON_TERMINAL]
    shown = []
    for given in (command, watched(tmp_path, *command)):
        pid, master = pty.fork()
        if not pid:
            os.execvp(given[0], given)
        data = b""
        while b"end" not in data:
            data += os.read(master, 4096)
        os.waitpid(pid, 0)
        os.close(master)
        shown.append(data.rstrip())
    assert shown[0] == shown[1]
    assert shown[0].startswith(b"True True True")
    assert console(tmp_path).read_bytes().splitlines()[1:] == [b"20%", b"tab\tend"]


def test_much_output_is_passed_on_and_kept_small(tmp_path):
    line = b"error in ms_deformable_im2col_cuda: no kernel image is available"
    script = f"yes '{line.decode()}' | head -200001"
    done = subprocess.run(watched(tmp_path, "bash", "-c", script), capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256((line + b"\n") * 200_001).digest()
    assert console(tmp_path).stat().st_size < 100_000
    (message,) = read_run(console(tmp_path)).console
    assert message.count == 200_001
    assert b"dead-kernel" in done.stderr


def test_the_file_is_bounded_and_keeps_its_end(tmp_path):
    kept = KeptConsole(tmp_path / "console.txt", most_bytes=10_000, tail_bytes=5_000)
    for number in range(10_000):
        kept.add(1, b"iteration %d\n" % number)
    kept.add(2, b"Traceback")
    kept.close()
    lines = kept.path.read_bytes().splitlines()
    assert kept.path.stat().st_size < 16_000
    assert lines[0] == b"iteration 0"
    assert lines[-2:] == [b"iteration 9999", b"Traceback"]
    assert sum(b"lines left out" in line for line in lines) == 1


def test_a_full_disk_ends_the_keeping_alone():
    kept = KeptConsole(Path("/dev/full"))
    assert kept.add(1, b"a\nb\n") == [b"a", b"b"]
    assert "No space" in kept.failed
    assert kept.add(1, b"c\n") == [b"c"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(watched(tmp_path / "file", "echo", "a"), capture_output=True, check=True)
    assert done.stdout == b"a\n"
    assert b"the console is not kept" in done.stderr


def test_a_broken_training_is_stopped(tmp_path):
    source = RUNS / "dead-kernel-console" / "console.out"
    command = ["bash", "-c", f"cat {source}; exec sleep 60"]
    command = watched(tmp_path, *command, on_error="stop")
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, source.read_bytes())
    assert done.stderr.startswith(b"parity watch: dead-kernel: ")
    assert done.stderr.endswith(b"; the training is stopped\n")


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ("healthy", []),
        ("healthy-fcn", []),
        ("keys-unmatched-log", ["keys-unmatched"]),
        ("syncbn-reverted", ["syncbn-reverted"]),
    ],
)
def test_what_a_log_of_a_training_shows(run, found):
    assert [alarm.id for alarm in judge(read_run(next((RUNS / run).glob("2*/2*.log"))))] == found


def test_where_the_console_is_kept():
    train = ["python", "tools/train.py", "configs/fcn.py"]
    assert str(work_dir_of(train)) == "work_dirs/fcn"
    assert str(work_dir_of([*train, "--work-dir", "a"])) == "a"
    assert str(work_dir_of([*train, "--work-dir=b"])) == "b"
    assert str(work_dir_of(["./train.sh"])) == "."
