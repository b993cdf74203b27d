"""`assert_parity` in a test of somebody's own."""

import inspect
from contextlib import nullcontext

import numpy as np
import pytest

from parity.candidate.load import load_candidate
from parity.candidate.project import DEFAULT_SEEDS, parse_seeds
from parity.candidate.run import CheckOptions, check_candidate
from parity.check.cases import all_steps
from parity.check.summary import Likeness
from parity.compare.compare import Verdict
from parity.compare.rounding import Rounding
from parity.errors import InputError
from parity.pipeline import TrainPipeline
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import photometric as photometrics
from parity.steps.collate import collate
from parity.testing import assert_parity
from tests.planted import crop_counting_ignore, photometric_inclusive_hue

OWN = {"live": False}


@pytest.mark.parametrize(
    ("step", "candidate"),
    [
        ("crop", crops.crop_sample),
        ("crop", crops.crop),
        ("flip", {"flip": flips.flip}),
        ("photometric", photometrics.photometric_sample),
        ("photometric", photometrics),
        ("collate_size", collate),
    ],
)
def test_right_code_passes(step, candidate):
    assert_parity(step, candidate, seeds=range(12), **OWN)


def test_whole_pipeline():
    from parity.candidate.whole import augment

    def mine(image, seg, rng):
        return augment((image, seg), rng, steps=TrainPipeline().steps[1:])

    assert_parity("pipeline", mine, seeds=range(6), **OWN)
    with pytest.raises(AssertionError, match="pipeline differs"):
        assert_parity("pipeline", lambda image, seg, rng: (image, seg), seeds=range(3), **OWN)


def never_flips(image, seg):
    """Draws for itself; all right but for the flip."""
    from parity.candidate.whole import augment

    steps = [step for step in TrainPipeline().steps[1:] if step.name != "flip"]
    return augment((image, seg), np.random, steps=tuple(steps))


def test_a_pipeline_that_draws_for_itself_is_judged_by_its_distributions():
    options = {"seeds": range(1), "samples": 40, **OWN}
    with pytest.raises(AssertionError) as caught:
        assert_parity("pipeline", never_flips, **options)
    lines = str(caught.value).splitlines()
    assert lines[0] == "pipeline is not distributed as in the steps of mmseg-parity"
    assert lines[1].startswith(
        "distribution/flip: share of flips: horizontal 0.00; the reference 0."
    )
    with pytest.raises(InputError, match=r"nothing was compared; .*it draws for itself"):
        assert_parity("pipeline", never_flips, **{**options, "samples": 0})


@pytest.mark.parametrize(
    ("step", "candidate", "message"),
    [
        ("crop", crop_counting_ignore, "ignored"),
        ("photometric", photometric_inclusive_hue, r"reaches \+18; the reference stops at \+17"),
        ("flip", lambda array, direction: array[::-1].copy(), "flip differs"),
        ("flip", lambda sample, rng, prob: None, "returns None"),
    ],
)
def test_wrong_code_fails_with_the_mistake(step, candidate, message):
    with pytest.raises(AssertionError, match=message) as caught:
        assert_parity(step, candidate, seeds=range(40), **OWN)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{step} differs from the steps of mmseg-parity in")
    assert lines[1].startswith("first: train/")


@pytest.mark.live
def test_live_names_the_reference():
    with pytest.raises(AssertionError, match=r"differs from mmsegmentation 1\.2\.2 in"):
        assert_parity("crop", crop_counting_ignore, seeds=range(30), live=True)
    assert_parity("crop", crops.crop_sample, seeds=range(5), live=True)


def test_own_diagnosis_and_example(tmp_path):
    def diagnose(records, siblings):
        assert {step.name for step, _, _ in records} == {"crop"}
        return Likeness("two left feet")

    with pytest.raises(AssertionError, match="looks like: two left feet") as caught:
        assert_parity(
            "crop",
            crop_counting_ignore,
            seeds=range(40),
            diagnose=diagnose,
            example=tmp_path,
            **OWN,
        )
    folder = tmp_path / "train-crop"
    assert str(folder / "README.md") in str(caught.value)
    assert "tests.planted:crop_counting_ignore" in (folder / "reproduce.py").read_text()


def test_time_limit():
    def forever(sample, rng, **options):
        while True:
            pass

    with pytest.raises(AssertionError, match=r"ran longer than 0\.2 s"):
        assert_parity("crop", forever, seeds=range(3), time_limit=0.2, **OWN)


@pytest.mark.parametrize(
    ("step", "candidate", "message"),
    [
        ("krop", crops.crop_sample, r"no step krop; did you mean crop\?"),
        ("qqq", crops.crop_sample, "no step qqq; the steps are load"),
        ("crop", {"flip": flips.flip}, "gives none of crop"),
        ("crop", 3, "gives no step"),
        ("crop", None, "no candidate is given; give one, or set candidate in"),
        ("crop", "nowhere.py:crop", "nowhere.py: no such file"),
    ],
)
def test_wrong_use(step, candidate, message):
    with pytest.raises(InputError, match=message) as caught:
        assert_parity(step, candidate, seeds=range(2), **OWN)
    shown = [str(entry.path) for entry in caught.traceback if not entry.ishidden(caught)]
    assert all(path == __file__ for path in shown)


@pytest.mark.parametrize("seeds", [[], [3, 5], range(0, 9, 2)])
def test_seeds_are_a_range(seeds):
    with pytest.raises(InputError, match="give a range that is not empty"):
        assert_parity("crop", crops.crop_sample, seeds=seeds, **OWN)


MODULE = """
from parity.steps.crop import crop_sample
from parity.steps.loss import cross_entropy as ours
from parity.steps.resize import random_resize_sample

def resize(sample, rng, *, scale, ratio_range, keep_ratio):
    return random_resize_sample(
        sample, rng, scale=scale, ratio_range=ratio_range, keep_ratio=keep_ratio
    )

def window(image, seg, rng):  # as a pipeline has it, and it is a crop
    return image[:512, :512], seg[:512, :512]

def crop(sample, rng, *, crop_size, cat_max_ratio, **rest):
    return crop_sample(sample, rng, crop_size=crop_size, cat_max_ratio=cat_max_ratio)

def cross_entropy(logits, target):
    return 1.0000001 * ours(logits, target, ignore_index=255)
"""


@pytest.mark.parametrize(
    ("step", "name", "passes"),
    [
        ("resize", "resize", True),  # the documented signature, of training alone
        ("resize", "", True),
        ("crop", "window", False),
        ("crop", "crop", True),
        ("loss", "cross_entropy", True),  # rounding
    ],
)
def test_it_judges_as_the_command_does(tmp_path, step, name, passes):
    (tmp_path / "mine.py").write_text(MODULE)
    text = f"{tmp_path / 'mine.py'}:{name}".rstrip(":")
    only = frozenset(one.name for one in all_steps() if one.module == step)
    options = CheckOptions(text, range(2), only=only, live=False, stand_in=True)
    report = check_candidate(options, diagnose=None)
    assert (report.verdict is not Verdict.DIFFERENT) is passes
    assert report.verdict is not Verdict.NOT_COMPARED
    given = load_candidate(text)
    for candidate in (given, text):
        with nullcontext() if passes else pytest.raises(AssertionError):
            assert_parity(step, candidate, seeds=range(2), diagnose=None, **OWN)


def test_both_have_the_same_defaults():
    ours, theirs = inspect.signature(assert_parity).parameters, CheckOptions("x")
    same = {"replay": "replay", "samples": "samples", "time_limit": "limit"}
    assert {key: ours[key].default for key in same} == {
        key: getattr(theirs, name) for key, name in same.items()
    }
    assert theirs.seeds == parse_seeds(DEFAULT_SEEDS)
    assert theirs.rounding is Rounding.PASS
