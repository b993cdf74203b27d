"""Summing up cases: what is counted, what is named, and a reference that differs from itself."""

import tracemalloc
from functools import wraps

import pytest
import torch

from parity.check.cases import default_cases
from parity.check.summary import CaseResult, summarise
from parity.compare import Verdict
from parity.compare.trace import run_trace
from parity.compare.walk import compare_with_trace
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun
from parity.report.markdown import render_markdown
from parity.sample import DataInfo

HEADER = {"mode": "test", "versions": {}, "notes": (), "seeds": (0, 1), "inputs": {}}


def markdown(report):
    return render_markdown(report_of_check(report, CheckDetails(), CheckRun()))


def one(value, rng):
    return value + 1


def wrong(value, rng):
    return value + 1.5


def boom(value, rng):
    raise IndexError("no")


def result(candidate, reference=one, **changes):
    trace = run_trace([("step", reference)], torch.zeros(2), 0)
    comparison = compare_with_trace([("step", candidate)], trace)
    return CaseResult("case", "train", comparison, **changes)


def test_equal_and_different_are_counted():
    report = summarise([result(one), result(wrong), result(wrong)], **HEADER)
    [row] = report.summaries
    assert (row.cases, row.failed, row.skipped, row.unstable) == (3, 2, 0, 0)
    assert (report.cases, report.failed, report.verdict) == (3, 2, Verdict.DIFFERENT)
    assert row.max_abs == 0.5
    assert row.first.startswith("case: ")
    assert len(report.failures) == 2
    assert "2 different, first" in markdown(report)


def test_both_raise_is_counted_apart():
    report = summarise([result(boom, boom)], **HEADER)
    [row] = report.summaries
    assert (row.cases, row.skipped) == (0, 1)
    assert "both raise; expected IndexError: no" in row.why_skipped
    assert report.verdict is Verdict.NOT_COMPARED


def test_unstable_reference_is_named_and_not_blamed_on_the_candidate():
    found = result(wrong).comparison
    unstable = CaseResult("case", "loss", found, unstable={"step": found.steps[0].isolated})
    report = summarise([unstable, result(one)], **HEADER)
    noisy, clean = report.summaries
    assert (noisy.unstable, noisy.failed, noisy.cases) == (1, 0, 0)
    assert "differ" in noisy.why_unstable
    assert "the reference differs from itself" in markdown(report)
    assert (clean.unstable, clean.cases) == (0, 1)


def test_broken_inputs_are_listed_once():
    broken = CaseResult("case", "train", None, broken="a.jpg: is empty")
    report = summarise([broken, broken], **HEADER)
    assert report.broken == ("a.jpg: is empty",)
    assert report.verdict is Verdict.NOT_COMPARED


def test_only_some_steps_are_counted():
    report = summarise([result(wrong)], only=frozenset({"other"}), **HEADER)
    assert report.summaries == ()
    assert report.failed == 0


def test_failures_kept_are_bounded():
    report = summarise([result(wrong)] * 150, **HEADER)
    assert (report.failed, len(report.failures)) == (150, 100)


@pytest.mark.live
def test_live_check_finds_an_unstable_reference(monkeypatch):
    """A reference that draws from torch's global stream differs from run to run."""
    import reference.deform_attn
    from parity.candidate.own import _check_alone
    from parity.candidate.sides import OwnSteps
    from parity.check.cases import probe_cases
    from parity.compare.rounding import Rounding

    [case, *_] = [
        case for case in probe_cases(range(1), device="cpu:0") if case.subject == "deform_attn"
    ]
    assert _check_alone(OwnSteps(), Rounding.FAIL, case).unstable == {}
    name = case.steps[0].function.__name__
    real = getattr(reference.deform_attn, name)

    @wraps(real)
    def noisy(*args, **options):
        return real(*args, **options) + torch.rand(1)

    monkeypatch.setattr(reference.deform_attn, name, noisy)
    assert set(_check_alone(OwnSteps(), Rounding.FAIL, case).unstable) == {"deform_attn"}


@pytest.mark.parametrize(("images", "seeds"), [(3, range(40)), (95, range(5, 9)), (10, range(40))])
def test_every_image_is_taken_by_training_and_validation(images, seeds):
    infos = [DataInfo(f"/{at}.jpg", f"/{at}.png") for at in range(images)]
    cases = default_cases(infos, seeds, every=True)
    taken = [case for case in cases if case.pipeline == "train"]
    assert len({case.name for case in cases}) == len(cases)
    assert len(taken) == max(images, len(seeds))
    assert [case.seed for case in taken] == list(range(seeds.start, seeds.start + len(taken)))
    for pipeline in ("train", "val"):
        assert len({case.subject for case in cases if case.pipeline == pipeline}) == images
    losses = [case.subject for case in taken if case.steps[-1].name == "loss"]
    assert len(set(losses)) > 1


def test_many_images_cost_little():
    """Of ADE20K's 22,210 images: two cases each, which share their steps."""
    infos = [DataInfo(f"/{at}.jpg", f"/{at}.png") for at in range(22_210)]
    tracemalloc.start()
    cases = default_cases(infos, range(40), every=True)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 1_000 * len(cases)
    assert len({id(case.steps) for case in cases if case.probe is None}) == 3
