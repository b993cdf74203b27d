"""Minimal examples: small, complete, and run by a script without mmseg."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from parity.candidate.engine import Engine
from parity.candidate.example import Example, write_example, write_examples
from parity.candidate.example_text import shown
from parity.candidate.shrink import seed_state
from parity.candidate.sides import own_oracle
from parity.compare.compare import Verdict
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.compare.trace import StepRecord
from parity.errors import InputError
from parity.pipeline import Step
from parity.sample import Meta, Sample
from parity.steps import flip as flips
from parity.steps import load as loads
from parity.steps import resize as resizes
from tests.candidate.support import TRAIN, pairs, runner_of

CANDIDATE = """
from parity.steps import crop as crops

def crop(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(sample, rng, crop_size=crop_size[::-1], cat_max_ratio=cat_max_ratio)
"""


def area(sample, rng, *, scale, ratio_range, keep_ratio):
    good = resizes.random_resize_sample(
        sample, rng, scale=scale, ratio_range=ratio_range, keep_ratio=True
    )
    size = good.image.shape[1::-1]
    return good.replace(image=cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA))


def never_flipped(sample, rng, *, prob):
    done = flips.flip_sample(sample, rng, prob=prob)
    return done.replace(image=sample.image)


def rgb(info, rng):
    sample = loads.load_sample(info)
    return sample.replace(image=sample.image[..., ::-1].copy())


def rgb_pipeline(image, seg, rng):
    from parity.candidate.whole import augment

    return augment((image[..., ::-1].copy(), seg), rng, steps=TRAIN.steps[1:])


def write(folder, given, step, **options):
    """The page on the first failure of `step`."""
    check = Engine(runner_of(given))
    list(check.run(pairs(14)))
    failure = check.failures["train", step][0]
    return write_failure(folder, check.runner, failure, check.part(failure[0]), **options)


def write_failure(folder, runner, failure, part="step:flip", **options):
    told = {"title": "mine:steps", "versions": {"mmseg-parity": "0"}}
    return write_example(folder, runner, failure, part=part, oracle=own_oracle, **told, **options)


@pytest.mark.parametrize(
    ("given", "step", "most"),
    [
        ({"random_resize_sample": area}, "resize", 40),
        ({"flip": never_flipped}, "flip", 4),
        ({"load": rgb}, "load", 4),
        (rgb_pipeline, "pipeline", 40),
    ],
)
def test_small_and_still_failing(tmp_path, given, step, most):
    write(tmp_path, given, step)
    example = Example.load(tmp_path)
    value = example.expected.input
    if step == "load":
        assert Path(value.img_path).parent == tmp_path
        image = cv2.imread(value.img_path)
    else:
        image = value[0] if isinstance(value, tuple) else value.image
    assert image.shape[0] * image.shape[1] <= most
    outcome = example.run(given)
    assert example.compare(outcome).verdict is Verdict.DIFFERENT
    assert str(Path.cwd()) not in (tmp_path / "example.json").read_text()


def test_corrected_candidate_is_equal(tmp_path):
    write(tmp_path, {"flip": never_flipped}, "flip")
    example = Example.load(tmp_path)
    assert example.compare(example.run({"flip": flips.flip_sample})).verdict is Verdict.EQUAL
    assert example.compare(example.run(flips.flip_sample)).verdict is Verdict.EQUAL
    assert example.compare(example.run(never_flipped)).verdict is Verdict.DIFFERENT


def test_script_runs_on_its_own(tmp_path):
    """In its own process, from another folder, and with nothing of the reference."""
    (tmp_path / "mine.py").write_text(CANDIDATE)
    from parity.candidate.load import load_candidate

    given = load_candidate(f"{tmp_path}/mine.py")
    text = f"{tmp_path}/mine.py:crop"
    page = write(tmp_path / "out", given, "crop", loadable=text)
    code = (
        "import sys, runpy; sys.modules['mmseg'] = sys.modules['mmcv'] = None; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(page.parent / "reproduce.py")],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "actual\nimage: uint8" in done.stdout
    assert "different: " in done.stdout
    assert len((page.parent / "reproduce.py").read_text().splitlines()) < 15
    content = page.read_text()
    assert content.startswith("# `crop` of `mine:steps` differs from")
    assert "## Expected" in content
    assert str(tmp_path) not in content


def test_options_shrink_with_the_input(tmp_path):
    (tmp_path / "mine.py").write_text(CANDIDATE)
    from parity.candidate.load import load_candidate

    write(tmp_path / "out", load_candidate(f"{tmp_path}/mine.py"), "crop")
    step = Example.load(tmp_path / "out").step
    assert max(step.options["crop_size"]) < 40
    assert step.options["cat_max_ratio"] == 0.75


def test_state_that_is_no_seed_is_stored(tmp_path):
    """Fails only from the state at hand: no small seed can stand in."""
    rng = RecordingRandomState(5)
    rng.random_sample(3)
    state = GeneratorState.of(rng)
    image = np.zeros((4, 4, 3), np.uint8)
    sample = Sample(image, image[..., 0].copy(), Meta(img_shape=(4, 4)))
    step = Step("flip", flips.flip_sample, {"prob": 0.5})

    def picky(value, rng, *, prob):
        here = GeneratorState.of(rng) == state
        done = flips.flip_sample(value, rng, prob=prob)
        return done.replace(image=done.image + np.uint8(1)) if here else done

    runner = runner_of({"flip": picky})
    expected = own_oracle(step, sample, state)
    actual = runner.run("step:flip", step, sample, state).record
    write_failure(tmp_path, runner, (step, expected, actual))
    example = Example.load(tmp_path)
    assert example.expected.state_before == state
    assert example.compare(example.run({"flip": picky})).verdict is Verdict.DIFFERENT
    assert example.compare(example.run({"flip": flips.flip_sample})).verdict is Verdict.EQUAL


def test_no_example_of_what_does_not_fail_again(tmp_path):
    step = Step("flip", flips.flip_sample, {"prob": 0.5})
    sample = Sample(np.zeros((4, 4, 3), np.uint8), None, Meta())
    record = StepRecord("flip", sample, seed_state(0), sample, seed_state(0))
    with pytest.raises(InputError, match="does not fail again"):
        write_failure(tmp_path, runner_of({"flip": flips.flip_sample}), (step, record, record))


def test_broken_example(tmp_path):
    with pytest.raises(InputError):
        Example.load(tmp_path)
    write(tmp_path, {"flip": never_flipped}, "flip")
    content = (tmp_path / "example.json").read_text()
    (tmp_path / "example.json").write_text(content.replace("flip_sample", "os.system"))
    with pytest.raises(InputError, match="no example of this version"):
        Example.load(tmp_path)


def test_nothing_in_the_page_is_markup(tmp_path):
    def evil(image, box):
        raise ValueError("\x1b[31m<script>alert(1)</script>\u202e\n```\n# forged")

    page = write(tmp_path, {"crop": evil}, "crop")
    text = page.read_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    before, _, block = text.partition("## Actual")
    assert "<script>" not in before
    # A fence that the text cannot close.
    assert block.startswith("\n\n````\nValueError")
    assert block.count("\n````\n") == 2


def test_text():
    sample = Sample(np.zeros((1, 1, 3), np.uint8), None, Meta(flip=True))
    assert shown(sample) == "image: uint8 (1, 1, 3)\n[[[0, 0, 0]]]\nseg: None\nmeta: {'flip': True}"
    assert shown(np.arange(1000)) == "int64 (1000,) from 0 to 999"


def test_bfloat16_is_shown():
    assert shown(torch.tensor([0.5], dtype=torch.bfloat16)) == "bfloat16 (1,)\n[0.5]"


def test_a_smaller_case_keeps_kind_and_size_of_the_difference(tmp_path):
    """Everywhere one grey level, and far more in one corner: the corner is what is kept."""

    def flip(sample, rng, *, prob):
        done = flips.flip_sample(sample, rng, prob=prob)
        image = done.image ^ 1
        image[:2, :2] ^= 128
        return done.replace(image=image)

    write(tmp_path, {"flip": flip}, "flip")
    example = Example.load(tmp_path)
    outcome = example.run({"flip": flip})
    _, worst = example.compare(outcome).worst
    assert worst.reason == "values"
    assert worst.max_abs > 100


def test_the_largest_difference_is_made_the_example(tmp_path):
    def held(step):
        state = seed_state(0)
        image = np.zeros((4, 4, 3), np.float32)
        expected = StepRecord("flip", image, state, image, state)
        return (
            Step("flip", flips.flip_sample, {}),
            expected,
            StepRecord("flip", image, state, image + np.float32(step), state),
        )

    chosen = []
    small, zero, large = held(0.5), held(0.0), held(3)
    write_examples(
        tmp_path, {("a", "flip"): [zero, small, large]}, lambda folder, one: chosen.append(one)
    )
    assert chosen == [large]
