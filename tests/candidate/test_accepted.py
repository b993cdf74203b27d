"""Accepted differences: what they let pass, and that the list cannot rot."""

import numpy as np
import pytest

from parity.candidate.accepted import Acceptance, Accepted
from parity.check.summary import ACCEPTED, DISTRIBUTION, StepSummary
from parity.compare.compare import Verdict, compare
from parity.compare.rng import DrawDifference
from parity.compare.trace import StepResult
from parity.steps.flip import flip_sample
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample
from tests.candidate.support import report_of

ONE, TWO = np.zeros(100, np.uint8), np.zeros(100, np.uint8)
TWO[:3] = (1, 2, 1)  # by at most 2, in 3 %


@pytest.mark.parametrize(
    ("bound", "passes"),
    [
        ({"max_abs": 2}, True),
        ({"max_abs": 1}, False),
        ({"max_share": 0.03}, True),
        ({"max_share": 0.029}, False),
        ({"max_abs": 2, "max_share": 0.029}, False),
        ({"max_abs": 1, "max_share": 0.03}, False),
        ({"max_abs": 2, "path": "image"}, True),
        ({"max_abs": 2, "path": "images"}, False),
        ({"max_abs": 2, "path": "seg"}, False),
        ({"path": "image"}, False),
    ],
)
def test_bounds_of_numbers(bound, passes):
    entry = Accepted("crop", "why", **bound)
    assert entry.allows("image", compare(TWO, ONE)) is passes


@pytest.mark.parametrize(
    ("actual", "expected"),
    [("a", "b"), (ONE, ONE.astype(np.int64)), (ONE, ONE[:50]), (1, "1")],
)
def test_what_is_no_number_is_accepted_by_its_path_alone(actual, expected):
    leaf = compare(actual, expected)
    assert Accepted("crop", "why", path="meta").allows("meta.img_path", leaf)
    assert not Accepted("crop", "why", path="meta", max_abs=1e9).allows("meta.img_path", leaf)
    assert not Accepted("crop", "why", max_abs=1e9, max_share=1).allows("meta.img_path", leaf)
    assert not Accepted("crop", "why", path="meta.img").allows("meta.img_path", leaf)


def test_nan_is_never_within_a_bound():
    leaf = compare(np.array([np.nan, 1.0]), np.array([1.0, 1.0]))
    assert not Accepted("loss_ce", "why", max_abs=1e9, max_share=1).allows("loss", leaf)


@pytest.mark.parametrize(
    "other",
    [
        {"error": "changes its input (image); copy it first"},
        {"generator": "actual 1, expected 2"},
        {"draw": DrawDifference(0, "randint(0, 3) = 1", "randint(0, 2) = 1")},
    ],
)
def test_draws_and_misbehaviour_are_never_accepted(other):
    result = StepResult(Verdict.DIFFERENT, {"image": compare(TWO, ONE)}, **other)
    judged = Acceptance([Accepted("crop", "why", max_abs=2)]).judge("train", "crop", result)
    assert judged.verdict is Verdict.DIFFERENT
    assert judged.explain().endswith("beyond what is accepted (by at most 2)")


def test_the_same_draw_by_another_name_does_not_stand_in_the_way():
    draw = DrawDifference(0, "random() = 0.1", "random_sample() = 0.1")
    result = StepResult(Verdict.DIFFERENT, {"image": compare(TWO, ONE)}, draw=draw)
    judged = Acceptance([Accepted("crop", "why", max_abs=2)]).judge("train", "crop", result)
    assert judged.verdict is Verdict.WITHIN


def brighter(sample, rng):
    """One grey level in one pixel; ours but for that."""
    done = photometric_sample(sample, rng)
    image = done.image.copy()
    image[0, 0] = np.where(image[0, 0] < 255, image[0, 0] + 1, 254)
    return done.replace(image=image)


def shifted(sample, rng, **options):
    """The labels of one pixel; the resize of training only."""
    done = random_resize_sample(sample, rng, **options)
    seg = done.seg.copy()
    seg[0, 0] = 7 if seg[0, 0] != 7 else 8
    return done.replace(seg=seg)


def checked(given, *accepted, only=()):
    report = report_of(given, *only, accepted=accepted, diagnose=None)
    return report, {f"{row.pipeline}/{row.step}": row for row in report.summaries}


def test_an_accepted_difference_passes_with_its_reason():
    entry = Accepted("photometric", "a grey level", max_abs=1, max_share=0.01)
    report, rows = checked({"photometric": brighter}, entry)
    row = rows["train/photometric"]
    assert report.verdict is row.isolated is Verdict.WITHIN
    assert (row.accepted, row.failed, report.failed) == (row.cases, 0, 0)
    assert row.why_accepted.endswith("by at most 1, at most 1% of the elements; a grey level")
    assert report.draft == ""


@pytest.mark.parametrize("bound", [{"max_abs": 0.5}, {"max_share": 1e-6}, {"path": "meta"}])
def test_beyond_its_bound_it_fails(bound):
    report, rows = checked({"photometric": brighter}, Accepted("photometric", "why", **bound))
    row = rows["train/photometric"]
    assert report.verdict is Verdict.DIFFERENT
    assert row.failed == row.cases
    assert "beyond what is accepted" in row.first
    assert list(rows) == [name for name in rows if not name.startswith(ACCEPTED)]


def test_no_longer_needed_it_fails():
    entry = Accepted("photometric", "a grey level", max_abs=1)
    report, rows = checked({"photometric": photometric_sample}, entry)
    assert rows["train/photometric"].isolated is Verdict.EQUAL
    assert report.verdict is Verdict.DIFFERENT
    assert rows["accepted/photometric"].first.startswith(
        f"no longer needed: accepted is {entry}; nothing such differs in 14 cases"
    )


def test_an_entry_of_a_step_that_is_not_compared_is_not_judged():
    entry = Accepted("photometric", "why", max_abs=1)
    report, rows = checked({"flip": flip_sample}, entry)
    assert not any(name.startswith(ACCEPTED) for name in rows)
    assert any("photometric (by at most 1) was not put to the test" in n for n in report.notes)
    report, _ = checked({"flip": flip_sample}, entry, only=["flip"])
    assert not any("put to the test" in note for note in report.notes)


def test_what_is_accepted_of_a_step_is_no_matter_of_those_after_it():
    """Changed labels choose other crops; the crop is right all the same."""
    given = {"random_resize_sample": shifted, "flip": flip_sample, "photometric": brighter}
    report, rows = checked(given, Accepted("resize", "a label", path="seg", max_abs=255))
    assert rows["train/resize"].accepted == rows["train/resize"].cases
    assert rows["train/flip"].chained is Verdict.EQUAL
    assert rows["train/photometric"].failed
    assert 'step = "photometric"' in report.draft
    assert 'step = "resize"' not in report.draft


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (Accepted("hue", "why", pipeline=DISTRIBUTION, max_abs=0.3), Verdict.WITHIN),
        (Accepted("hue", "why", pipeline=DISTRIBUTION, max_abs=0.1), Verdict.DIFFERENT),
        (Accepted("hue", "why", max_abs=0.3), Verdict.DIFFERENT),
    ],
)
def test_distributions_are_accepted_by_their_statistic(entry, verdict):
    row = StepSummary(
        DISTRIBUTION, "hue", 1, Verdict.DIFFERENT, failed=1, max_abs=0.2, first="hue reaches +18"
    )
    acceptance = Acceptance([entry])
    [judged] = acceptance.judge_rows([row])
    assert judged.isolated is verdict
    assert acceptance.unneeded([judged]) == []
    assert ('pipeline = "distribution"\nmax_abs = 0.2\n' in acceptance.draft([judged])) is bool(
        judged.failed
    )
