"""What is said besides a verdict may fail in any way: it costs itself, and not the report."""

import json

import pytest

from parity.candidate import engine, example
from parity.candidate.run import CheckOptions, check_with
from parity.candidate.runner import InProcess
from parity.candidate.steps import candidate_from
from parity.compare import rounding
from parity.compare.compare import Verdict
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun
from parity.report.json import render_json
from parity.suspects import failures
from parity.testing import assert_parity

ERRORS = [MemoryError(), TypeError("Got unsupported ScalarType BFloat16")]
PLACES = {
    "diagnosis": (failures.trials, "diagnose_many"),
    "exhibit": (engine, "exhibit"),
    "minimal example": (example, "shrink"),
    "rounding label": (rounding, "_changed"),
}


def wrong_flip(sample, rng, *, prob, direction="horizontal"):
    rng.choice([0, 1], p=[prob, 1 - prob])
    return sample


@pytest.fixture(params=PLACES)
def place(request):
    return request.param


@pytest.fixture(params=ERRORS, ids=lambda error: type(error).__name__)
def broken(request, place, monkeypatch):
    def fails(*args, **options):
        raise request.param

    monkeypatch.setattr(*PLACES[place], fails)
    return type(request.param).__name__


def test_the_report_is_written(broken, place, tmp_path):
    exhibits = []
    options = CheckOptions("mine.py", live=False, only=frozenset({"flip"}), examples=tmp_path)
    runner = InProcess(candidate_from({"flip": wrong_flip}, "mine.py"))
    report = check_with(runner, options, exhibits=exhibits)
    run = CheckRun(command="c", started="2026-01-01T00:00:00+00:00", seconds=1.0, roots={})
    text = render_json(report_of_check(report, CheckDetails({}, exhibits), run, only=options.only))
    rows = [row for row in report.summaries if row.step == "flip"]
    assert [row.isolated for row in rows] == [Verdict.DIFFERENT]
    assert json.loads(text)
    said = {
        "diagnosis": rows[0].diagnosis.text,
        "exhibit": " ".join(report.notes),
        "minimal example": " ".join(report.notes),
        "rounding label": rows[0].first,
    }
    assert broken in said[place]


@pytest.mark.usefixtures("broken")
def test_the_message_of_a_test_is_given(tmp_path):
    with pytest.raises(AssertionError, match="flip differs from"):
        assert_parity("flip", wrong_flip, live=False, example=tmp_path)
