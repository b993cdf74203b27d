"""`assert_parity`, and the plugin in a repository that is not this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import parity
from parity.compare.check import Diagnosis
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
    from parity.testing import TRAIN

    def mine(image, seg, rng):
        return augment((image, seg), rng, steps=TRAIN.steps[1:])

    assert_parity("pipeline", mine, seeds=range(6), **OWN)
    with pytest.raises(AssertionError, match="pipeline differs"):
        assert_parity("pipeline", lambda image, seg, rng: (image, seg), seeds=range(3), **OWN)
    with pytest.raises(InputError, match="it draws for itself"):
        assert_parity("pipeline", lambda image, seg: (image, seg), seeds=range(3), **OWN)


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
    def diagnose(records):
        assert {step.name for step, _, _ in records} == {"crop"}
        return Diagnosis("two left feet")

    with pytest.raises(AssertionError, match="looks like: two left feet") as caught:
        assert_parity(
            "crop",
            crop_counting_ignore,
            seeds=range(40),
            diagnose=diagnose,
            example=tmp_path,
            **OWN,
        )
    assert str(tmp_path / "README.md") in str(caught.value)
    assert "tests.planted:crop_counting_ignore" in (tmp_path / "reproduce.py").read_text()


def test_time_limit():
    def forever(sample, rng, **options):
        while True:
            pass

    with pytest.raises(AssertionError, match=r"ran longer than 0\.2 s"):
        assert_parity("crop", forever, seeds=range(3), time_limit=0.2, **OWN)


@pytest.mark.parametrize(
    ("step", "candidate", "message"),
    [
        ("krop", crops.crop_sample, "no step krop; there are pipeline, load"),
        ("crop", {"flip": flips.flip}, "nothing was compared"),
        ("crop", 3, "gives no step"),
    ],
)
def test_wrong_use(step, candidate, message):
    with pytest.raises(InputError, match=message):
        assert_parity(step, candidate, seeds=range(2), **OWN)


FOREIGN = """
import sys

def test_untouched():
    heavy = {"torch", "cv2", "hypothesis", "pandas", "parity.testing"} & set(sys.modules)
    assert not heavy
"""

USING = """
from parity.steps.crop import crop_sample

def test_right(parity_check):
    parity_check("crop", crop_sample, seeds=range(3))

def test_wrong(parity_check):
    parity_check("crop", lambda sample, rng, **options: None, seeds=range(3))
"""


@pytest.fixture
def foreign(tmp_path):
    """A repository of somebody else, with this package installed as an entry point."""
    info = tmp_path / "site" / "mmseg_parity_plugin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mmseg-parity-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pytest11]\nmmseg-parity = parity.pytest_fixtures\n")
    repository = tmp_path / "repository"
    repository.mkdir()

    def run(content, *arguments):
        (repository / "test_a.py").write_text(content)
        roots = [str(tmp_path / "site"), str(Path(parity.__file__).parent.parent)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=repository,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
            check=False,
        )

    return run


def test_plugin_is_silent_and_cheap(foreign):
    done = foreign(FOREIGN, "--strict-markers", "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parity" not in done.stdout.replace("mmseg-parity-plugin-1", "").replace(
        "plugins:", ""
    ).replace("hypothesis", "").replace("repository", "")


def test_fixture(foreign, tmp_path):
    done = foreign(USING, "--parity-recorded", "--parity-examples", str(tmp_path / "found"))
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "crop differs from the steps of mmseg-parity in 3 of 3 cases" in done.stdout
    assert (tmp_path / "found" / "test_wrong" / "reproduce.py").is_file()


def test_options_exclude_each_other(foreign):
    done = foreign(FOREIGN, "--parity-live", "--parity-recorded")
    assert done.returncode == 4
    assert "exclude each other" in done.stderr


def test_settings_of_the_small_pipeline():
    from parity.testing import TRAIN

    assert isinstance(TRAIN, TrainPipeline)
    assert max(TRAIN.crop_size) < 100
