import numpy as np
import pytest

from parity.candidate.engine import Engine
from parity.candidate.judge import judge
from parity.candidate.runner import Outcome
from parity.check.summary import Likeness
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import StepRecord
from parity.errors import InputError
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import photometric as photometrics
from parity.steps import resize as resizes
from tests.candidate.support import check, pairs, report_of, runner_of, verdicts

OWN = {
    "random_resize_sample": resizes.random_resize_sample,
    "crop_sample": crops.crop_sample,
    "flip_sample": flips.flip_sample,
    "photometric_sample": photometrics.photometric_sample,
}


def own_pipeline(image, seg, rng):
    from parity.candidate.whole import augment
    from tests.candidate.support import TRAIN

    return augment((image, seg), rng, steps=TRAIN.steps[1:])


def without_category_test(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(sample, rng, crop_size=crop_size)


def test_steps_that_are_not_given_are_not_compared():
    _, results = check({"flip_sample": flips.flip_sample})
    assert verdicts(results, "flip") == ({"equal"}, {"equal"})
    for step in ("load", "resize", "crop", "photometric"):
        assert verdicts(results, step) == ({"not compared"}, {"not compared"})
        assert "does not give this step" in results[step][0][0].error


def test_an_error_travels_past_steps_that_are_not_given():
    """Ours stand in between, so that the chain shows what became of the mistake."""

    def rgb(sample, rng, **options):
        done = resizes.random_resize_sample(sample, rng, **options)
        return done.replace(image=done.image[..., ::-1].copy())

    given = {"random_resize_sample": rgb, "photometric_sample": photometrics.photometric_sample}
    _, results = check(given)
    assert verdicts(results, "photometric") == ({"equal"}, {"different"})
    assert verdicts(results, "crop") == ({"not compared"}, {"not compared"})


def test_chain_ends_where_a_step_raises():
    def raising(sample, rng, **options):
        raise ValueError("too small")

    _, results = check({**OWN, "crop_sample": raising})
    assert "only actual raises ValueError: too small" in results["crop"][0][0].explain()
    assert verdicts(results, "flip") == ({"equal"}, {"not compared"})
    assert "an earlier step raised" in results["flip"][0][1].explain()


def test_none_ends_the_chain_too():
    _, results = check({**OWN, "crop_sample": lambda sample, rng, **options: None})
    assert results["crop"][0][0].explain() == "returns None; return the result"
    assert verdicts(results, "photometric") == ({"equal"}, {"not compared"})


def test_misuse_is_a_difference_although_the_values_are_right():
    def in_place(sample, rng):
        done = photometrics.photometric_sample(sample, rng)
        np.copyto(sample.image, done.image)
        return done

    _, results = check({"photometric_sample": in_place}, seeds=14)
    texts = {one.explain() for one, _ in results["photometric"]}
    assert "changes its input (image); copy it first; otherwise equal" in texts
    assert "different" in verdicts(results, "photometric")[0]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (np.zeros((2, 2), np.float32), "actual float32, expected uint8"),
        (np.zeros((2, 3), np.uint8), "actual shape (2, 3)"),
        ([1, 2], "actual is list, expected"),
        ({"a": 1}, "actual is mapping"),
        (object(), "cannot compare a object"),
    ],
)
def test_wrong_kinds_of_result(output, reason):
    state = GeneratorState.of(RecordingRandomState(0))
    expected = StepRecord("crop", None, state, np.zeros((2, 2), np.uint8), state)
    actual = StepRecord("crop", None, state, output, state)
    result = judge(Outcome(actual), expected)
    assert result.verdict is Verdict.DIFFERENT
    assert reason in result.explain()


def test_partial_results_are_compared_as_far_as_they_go():
    state = GeneratorState.of(RecordingRandomState(0))
    whole = {"summary": {"mIoU": 1.0, "aAcc": 2.0}, "counts": {"a": 1}}
    expected = StepRecord("iou", None, state, whole, state)
    for value, verdict in ((1.0, Verdict.EQUAL), (1.5, Verdict.DIFFERENT)):
        actual = StepRecord("iou", None, state, {"summary": {"mIoU": value}}, state)
        result = judge(Outcome(actual), expected, partial=True)
        assert result.verdict is verdict
        assert list(result.leaves) == ["summary.mIoU"]
    assert judge(Outcome(actual), expected).verdict is Verdict.DIFFERENT


def test_whole_pipeline():
    _, results = check(own_pipeline)
    assert verdicts(results, "pipeline")[0] == {"equal"}
    assert "resize" not in results
    flipped = lambda image, seg, rng: own_pipeline(image[:, ::-1].copy(), seg, rng)  # noqa: E731
    assert verdicts(check(flipped)[1], "pipeline")[0] == {"different"}


def test_pipeline_that_draws_for_itself_is_not_compared_bit_by_bit():
    _, results = check(lambda image, seg: (image, seg))
    assert verdicts(results, "pipeline")[0] == {"not compared"}
    assert "it draws for itself" in results["pipeline"][0][0].explain()


def test_records_for_diagnosis():
    seen = []

    def diagnose(records, siblings):
        seen.append(records)
        return Likeness("it looks like rain")

    given = {**OWN, "crop_sample": without_category_test}
    report = report_of(given, diagnose=diagnose)
    [records] = seen
    step, expected, actual = records[0]
    assert (step.name, expected.name, actual.name) == ("crop", "crop", "crop")
    assert expected.input is actual.input
    [row] = [row for row in report.summaries if (row.pipeline, row.step) == ("train", "crop")]
    assert row.isolated is Verdict.DIFFERENT
    assert row.diagnosis.text == "it looks like rain"
    assert row.first.startswith("train/")


def test_report_names_what_is_given_and_what_is_not():
    report = report_of(OWN)
    assert report.verdict is Verdict.EQUAL
    rows = {(row.pipeline, row.step): row.isolated for row in report.summaries}
    assert rows["train", "load"] is Verdict.NOT_COMPARED
    assert rows["train", "crop"] is Verdict.EQUAL
    assert "crop_sample (a step)" in report.notes[1]
    *_, absent = report.unexercised
    assert "loss" in absent.names
    assert "crop" not in absent.names


def test_asking_for_what_is_not_given():
    with pytest.raises(InputError, match="gives none of flip; it gives crop"):
        report_of({"crop": crops.crop_sample}, "flip")


def test_equal_and_different_records_are_kept():
    checked = Engine(runner_of({"crop_sample": without_category_test}))
    list(checked.run(pairs(14)))
    assert set(checked.failures) == set(checked.equal) == {("train", "crop")}
