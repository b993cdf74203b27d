"""A candidate that never ends or crashes is a finding, and the other steps still run."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from parity.candidate.judge import judge
from parity.candidate.limits import TimeLimit, time_limit
from parity.candidate.worker import WorkerProcess
from parity.compare.compare import Verdict
from parity.errors import InputError
from tests.candidate.samples import rude
from tests.candidate.support import check, pairs, verdicts

RUDE = Path(rude.__file__)


def run(name, *, limit):
    with closing(WorkerProcess(f"{RUDE}:{name}", limit=limit)) as runner:
        return check(None, seeds=2, runner=runner)


def test_deaf_step_is_killed_and_the_others_run():
    checked, results = run("deaf", limit=1.0)
    assert verdicts(results, "resize")[0] == {"different", "not compared"}
    assert "ran longer than 1 s; its process was killed" in results["resize"][0][0].explain()
    assert "not run again" in results["resize"][1][0].explain()
    for step in ("crop", "flip", "photometric"):
        assert verdicts(results, step)[0] == {"equal"}
    assert set(checked.stopped) == {"resize"}


def test_crashes_are_told_apart():
    _, results = run("crashing", limit=30.0)
    assert "ended by SIGSEGV" in results["resize"][0][0].explain()
    assert "exit code 3" in results["flip"][0][0].explain()
    for step in ("crop", "photometric"):
        assert verdicts(results, step)[0] == {"equal"}


def test_result_that_cannot_be_sent():
    _, results = run("secret", limit=30.0)
    assert "what cannot be compared" in results["flip"][0][0].explain()
    assert verdicts(results, "resize") == ({"equal"}, {"equal"})


def test_file_that_cannot_be_loaded(tmp_path):
    (tmp_path / "a.py").write_text("import os\nos._exit(4)\n")
    with pytest.raises(InputError, match="exit code 4"):
        WorkerProcess(f"{tmp_path}/a.py:b")
    with pytest.raises(InputError, match="no such file"):
        WorkerProcess(f"{tmp_path}/b.py:b")


@pytest.mark.parametrize("limit", [0.2, 0.5])
def test_limit_in_this_process(limit):
    _, results = check({**rude.GOOD, "flip": rude.forever}, seeds=2, limit=limit)
    assert f"ran longer than {limit:g} s" in results["flip"][0][0].explain()
    assert verdicts(results, "photometric")[0] == {"equal"}


def swallowing():
    """Goes on after the first exception, as ``except BaseException`` does by mistake."""
    try:
        while True:
            pass
    except BaseException:
        while True:
            pass


@pytest.mark.parametrize("function", [swallowing, lambda: time.sleep(30)])
def test_limit_is_raised_again_until_it_ends(function):
    started = time.monotonic()
    with pytest.raises(TimeLimit), time_limit(0.1):
        function()
    assert time.monotonic() - started < 5


def test_limit_leaves_no_alarm_and_keeps_an_outer_one():
    def inner():
        with time_limit(30):
            pass
        time.sleep(5)

    with pytest.raises(TimeLimit, match=r"0\.6"), time_limit(0.6):
        inner()
    time.sleep(0.7)


OWN_CLASS = """
class Thing:
    pass

def flip(sample, rng, *, prob):
    return Thing()
"""


def test_an_object_of_the_candidates_own_class_is_a_finding(tmp_path):
    """Its class is known in the child alone."""
    (tmp_path / "own.py").write_text(OWN_CLASS)
    with closing(WorkerProcess(f"{tmp_path}/own.py")) as worker:
        case, trace = pairs(1)[0]
        at = [step.name for step in case.steps].index("flip")
        step, expected = case.steps[at], trace.steps[at]
        part = worker.description.part(step, replay=False)
        for _ in range(2):  # the process lives on
            outcome = worker.run(part, step, expected.input, expected.state_before)
            assert outcome.misuse.startswith("returns what cannot be compared")
            assert not outcome.ended
            assert judge(outcome, expected).verdict is Verdict.DIFFERENT
