"""What is odd about an answer and makes no difference; what makes one and must not lead."""

from pathlib import Path

import numpy as np
import pytest
import torch

from parity.candidate.example_text import shown
from parity.candidate.guard import run_guarded
from parity.candidate.manners import forgiven
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState
from parity.compare.tree import compare_tree
from parity.sample import Meta
from parity.steps.logits import postprocess_logits
from parity.steps.schedule import lr_table
from tests.candidate.support import check, report_of

STATE = GeneratorState.of(np.random.RandomState(0))


@pytest.mark.parametrize(
    ("actual", "expected", "note"),
    [
        ({"a": 3}, {"a": np.int64(3)}, "gives int for int64 (a)"),
        ({"a": np.int64(3)}, {"a": 3}, "gives int64 for int (a)"),
        ((np.float64(0.5),), (0.5,), "gives float64 for float ([0])"),
        (np.bool_(True), True, "gives bool for bool (the result)"),
        (float("nan"), np.float32("nan"), "gives float for float32 (the result)"),
        (Meta(flip=True, extra=1), Meta(flip=True), "adds metadata (extra)"),
        (np.ones((2, 3)).T, np.ones((3, 2)), "has another memory order (the result)"),
        (
            [{"names": ("b",), "lr": 2.0}, {"names": ("a", "c"), "lr": 1.0}],
            [{"names": ("c", "a"), "lr": 1.0}, {"names": ("b",), "lr": 2.0}],
            "has its groups in another order",
        ),
        (
            [{"names": ("a", "b"), "lr": 1.0}],
            [{"names": ("a",), "lr": 1.0}, {"names": ("b",), "lr": 1.0}],
            "has its parameters in other groups",
        ),
    ],
)
def test_manners_are_forgiven_and_named(actual, expected, note):
    output, notes = forgiven(actual, expected)
    assert {one.verdict for one in compare_tree(output, expected).values()} == {Verdict.EQUAL}
    assert notes == (note,)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (3, np.int64(4)),
        (0.1, np.float32(0.1)),
        (True, 1),
        (1, 1.0),
        ("1", 1),
        (Meta(), Meta(flip=True)),
        ({"a": 1, "b": 2}, {"a": 1}),
        (np.zeros(2, np.int32), np.zeros(2, np.int64)),
    ],
)
def test_what_is_wrong_is_not_forgiven(actual, expected):
    output, _ = forgiven(actual, expected)
    assert Verdict.DIFFERENT in {one.verdict for one in compare_tree(output, expected).values()}


def test_extra_metadata_is_a_note():
    def flip(sample, rng, **options):
        from parity.steps.flip import flip_sample

        found = flip_sample(sample, rng, **options)
        return found.replace(meta=found.meta.replace(tool="mine"))

    _, results = check({"flip": flip})
    assert {str(one.verdict) for one, _ in results["flip"]} == {"equal"}
    assert {one.manner for one, _ in results["flip"]} == {"adds metadata (tool)"}


def test_a_changed_input_is_a_finding_still():
    def flip(sample, rng, **options):
        sample.image[0] = 0
        return sample

    _, results = check({"flip": flip})
    assert all("changes its input" in one.error for one, _ in results["flip"])


def checked(function, folder=None):
    return report_of({"schedule": function}, "schedule", examples=folder, diagnose=None)


def test_a_negative_zero_differs_and_does_not_lead():
    from parity.check.summary import StepSummary
    from parity.compare.trace import StepResult
    from parity.compare.tree import compare_tree as leaves

    minor = StepResult(Verdict.DIFFERENT, leaves(np.array([-0.0]), np.array([0.0])))
    real = StepResult(Verdict.DIFFERENT, leaves(np.array([2.0]), np.array([1.0])))
    assert minor.is_minor
    assert not real.is_minor
    row = StepSummary("p", "s").add("one", minor, minor)
    assert row.first.startswith("one")
    row = row.add("two", real, real).add("three", minor, minor).add("four", real, real)
    assert row.first.startswith("two")
    assert row.failed == 4


def test_the_leaf_with_the_real_difference_is_the_worst():
    from parity.compare.trace import StepResult

    actual = {"a": np.array([-0.0]), "b": np.array([1e-30])}
    expected = {"a": np.array([0.0]), "b": np.array([2e-30])}
    result = StepResult(Verdict.DIFFERENT, compare_tree(actual, expected))
    assert result.worst[0] == "b"
    assert not result.is_minor


def half(value, rng=None, **options):
    """Wrong in bfloat16 alone."""
    logits = value["seg_logits"]
    return postprocess_logits(logits + int(logits.dtype == torch.bfloat16), value["metas"])


def test_an_example_of_bfloat16(tmp_path):
    step = "postprocess_half"
    report = report_of({step: half}, step, examples=tmp_path, diagnose=None)
    assert report.verdict is Verdict.DIFFERENT
    [page] = report.minimal.values()
    assert "bfloat16" in Path(page).read_text()


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "complex64", "bfloat16"])
def test_exotic_dtypes_are_shown(dtype):
    assert dtype in shown(torch.zeros(2, 2).to(getattr(torch, dtype)))


@pytest.mark.parametrize(
    "made",
    [
        lambda: torch.zeros(2).to(torch.float8_e4m3fn),
        lambda: torch.zeros(2, 2).to_sparse(),
        lambda: torch.zeros(2, dtype=torch.complex64),
    ],
)
def test_what_cannot_be_compared_is_a_misuse(made):
    _, misuse, _ = run_guarded("crop", lambda v, rng: {"x": made()}, {"x": torch.zeros(1)}, STATE)
    assert "cannot be compared" in misuse


def test_an_example_that_cannot_be_made_costs_itself_only(tmp_path, monkeypatch):
    def broken(*args, **options):
        raise TypeError("no such dtype")

    monkeypatch.setattr("parity.candidate.run.write_example", broken)
    report = checked(lambda **value: lr_table(**value) + 1, tmp_path)
    assert report.verdict is Verdict.DIFFERENT
    assert any("cannot be made (TypeError: no such dtype)" in note for note in report.notes)
