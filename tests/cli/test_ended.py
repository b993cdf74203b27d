"""A check that is ended before its end: by Ctrl-C, or because a worker is."""

import os
import signal
import time
from pathlib import Path

import pytest

from parity.candidate.own import check_own
from parity.candidate.worker import WorkerProcess
from parity.check.plan import recorded_plan
from parity.check.summary import CaseResult, CheckReport
from parity.check.workers import in_processes
from parity.cli.progress import Telling, duration
from parity.cli.show import verdict_line
from parity.errors import WorkerLost
from parity.report.json import read_report
from tests.cli.support import start

# Slow enough to be interrupted, and it says when it begins.
SLOW = """
import pathlib, time
def flip(image, seg, rng):
    pathlib.Path({mark!r}).touch()
    time.sleep(3)
    return image, seg
"""


def wait_for(path, seconds=120):
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.05)


def ended(process):
    """Everything that `process` printed, its exit code, and the seconds it took from now."""
    began = time.monotonic()
    printed, errors = process.communicate(timeout=60)
    return printed, errors, process.returncode, time.monotonic() - began


def slow_check(tmp_path, *arguments):
    mark = tmp_path / "mark"
    (tmp_path / "slow.py").write_text(SLOW.format(mark=str(mark)))
    process = start("check", "flip", "--recorded", "--candidate", tmp_path / "slow.py", *arguments)
    wait_for(mark)
    return process


def test_ctrl_c_in_a_candidate_ends_with_a_report(tmp_path):
    process = slow_check(tmp_path, "--out", tmp_path / "out")
    os.killpg(process.pid, signal.SIGINT)  # the whole group hears it, as from a terminal
    printed, errors, code, seconds = ended(process)
    assert code == 130
    assert "Traceback" not in errors
    assert seconds < 3  # alone on a machine: 0.2
    assert "incomplete, interrupted after 0 of 14 cases; so far not compared: 0 cases" in printed
    report = read_report(tmp_path / "out" / "report.json")
    assert report.label == "incomplete, not compared so far"
    assert report.failed


def test_a_killed_candidate_is_one_line_and_no_difference(tmp_path):
    process = slow_check(tmp_path)
    os.kill(worker_of(process.pid), signal.SIGKILL)
    printed, errors, code, _ = ended(process)
    assert (code, printed) == (2, "")
    assert errors.count("\n") == 1
    assert "was ended by SIGKILL from outside" in errors


def worker_of(parent):
    """The child of a process that computes; another one keeps track of what is shared."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in status and "spawn_main" in command:
            return int(folder.name)
    raise AssertionError("no worker")


def test_ctrl_c_while_it_is_imported_has_no_traceback():
    process = start("check")
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    printed, errors, code, _ = ended(process)
    assert (code, printed, errors) == (130, "", "")


def sleepy(number):
    time.sleep(60 * (number > 2))
    return os.getpid()


def test_a_lost_worker_is_told_from_its_work():
    results = in_processes(sleepy, range(8), 2)
    os.kill(next(results), signal.SIGKILL)
    with pytest.raises(WorkerLost, match="ended from outside"):
        list(results)


def test_workers_end_with_what_they_work_for():
    results = in_processes(sleepy, range(8), 2)
    pids = {next(results), next(results)}
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 10
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def results(*, interrupt_at=None, lose_at=None):
    for at in range(4):
        if at == interrupt_at:
            signal.raise_signal(signal.SIGINT)
        if at == lose_at:
            raise WorkerLost("gone")
        yield CaseResult(f"case {at}", "train", None, broken="no")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"interrupt_at": 2}, "interrupted after 2 of 4 cases"),
        ({"lose_at": 1}, "a worker process was lost after 1 of 4 cases"),
        ({}, ""),
    ],
)
def test_results_end_where_the_check_is_stopped(how, told):
    with Telling() as telling:
        seen = list(telling.results(results(**how), 4))
        assert telling.stopped == told
    assert len(seen) == next(iter(how.values()), 4)
    assert telling.interrupted is ("interrupt_at" in how)
    assert (telling.lost is not None) is ("lose_at" in how)


def test_ctrl_c_outside_a_result_waits_for_the_next_one():
    with Telling() as telling:
        for result in telling.results(results(), 4):
            signal.raise_signal(signal.SIGINT)  # the report is being made of `result`
            assert result.case == "case 0"
    assert telling.stopped == "interrupted after 1 of 4 cases"


def test_ctrl_c_while_a_report_is_written_waits_for_it():
    with Telling() as telling:
        list(telling.results(results(), 4))
        signal.raise_signal(signal.SIGINT)
        assert telling.interrupted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert not telling.stopped


def test_ctrl_c_in_a_diagnosis_costs_the_diagnosis_only(monkeypatch):
    def search(*arguments):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("parity.candidate.own.entering_rows", search)
    with Telling() as telling:
        plan = recorded_plan().only(frozenset({"flip"}))
        report = check_own(plan, progress=telling)
    assert report.cases == len(plan.cases)
    assert report.incomplete == "interrupted while mistakes were looked for"
    assert verdict_line(report).startswith(
        "incomplete, interrupted while mistakes were looked for; so far equal: 14 cases"
    )


def test_a_line_where_there_is_no_terminal(capfd):
    with Telling(seconds=0.05) as telling:
        for _ in telling.results(results(), 4):
            time.sleep(0.15)
    line = capfd.readouterr().err.splitlines()[-2]
    assert line.startswith("checking: ")
    assert line.endswith(" left")
    assert " of 4 cases, " in line


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (600, "10 min"), (3 * 3600 + 290, "3 h 05 min")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_a_complete_report_is_not_marked():
    report = CheckReport("live", {}, (), None, {}, ())
    assert verdict_line(report).startswith("not compared: 0 cases")


def test_a_candidate_killed_while_it_is_imported(tmp_path):
    """A crash stays a finding; see tests/candidate/test_worker.py."""
    (tmp_path / "killed.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(WorkerLost, match="SIGKILL"):
        WorkerProcess(f"{tmp_path}/killed.py:f")
