import random

import numpy as np
import pytest
import torch

from parity.candidate.guard import run_guarded
from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.sample import Meta, Sample
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.photometric import photometric_sample

STATE = GeneratorState.of(RecordingRandomState(3))


def sample():
    rng = np.random.RandomState(0)
    image = rng.randint(0, 256, (12, 9, 3)).astype(np.uint8)
    return Sample(image, image[..., 0].copy(), Meta(img_shape=(12, 9)))


def misuse(function, value=None):
    given = sample() if value is None else value
    return run_guarded("crop", function, given, STATE)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s, rng: None, "returns None"),
        (lambda s, rng: s.image.fill(0) or s.replace(image=s.image * 2), "changes its input"),
        (lambda s, rng: object(), "cannot be compared"),
        (lambda s, rng: s.replace(image=np.array([None])), "cannot be compared"),
    ],
)
def test_named(function, message):
    _, found, _ = misuse(function)
    assert message in found


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s, rng: s.replace(image=s.image[2:, :5]), "view of its input (image)"),
        (lambda s, rng: s.replace(seg=s.seg[::-1]), "view of its input (seg)"),
        (lambda s, rng: (s.image[1:], s.seg[1:]), "view of its input ([0], [1])"),
        (lambda s, rng: s.replace(image=np.flip(s.image, 1)), "view of its input (image)"),
    ],
)
def test_a_view_is_a_note_and_no_misuse(function, message):
    _, found, manner = misuse(function)
    assert found == ""
    assert message in manner


@pytest.mark.parametrize(
    "function",
    [
        lambda s, rng: s,
        lambda s, rng: s.replace(image=s.image[2:].copy()),
        lambda s, rng: {"image": s.image, "other": np.zeros(3)},
        lambda s, rng: crop_sample(s, rng, crop_size=(4, 4)),
        lambda s, rng: flip_sample(s, rng, prob=1.0),
        photometric_sample,
    ],
)
def test_silent(function):
    assert misuse(function)[1:] == ("", "")


def test_tensor_views():
    value = {"pred": torch.zeros(2, 3, dtype=torch.bfloat16)}
    assert "view" in misuse(lambda v, rng: {"pred": v["pred"][:1]}, value)[2]
    assert misuse(lambda v, rng: {"pred": v["pred"][:1].clone()}, value)[2] == ""


def test_input_of_the_caller_is_untouched_and_recorded():
    value = sample()
    before = value.image.copy()
    record, found, _ = run_guarded("crop", lambda s, rng: s.image.fill(0) or s, value, STATE)
    assert "changes its input" in found
    np.testing.assert_array_equal(value.image, before)
    assert record.input is value


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(2), AssertionError()])
def test_raising_is_in_the_record(error):
    def raising(value, rng):
        raise error

    record, found, _ = misuse(raising)
    assert record.error
    assert found == ""
    assert ("sys.exit" in record.error) == isinstance(error, SystemExit)


def test_global_numpy_stream_is_the_given_one():
    def draws(value, rng):
        return {"x": np.random.randint(0, 100), "y": np.random.random()}

    def asks(value, rng):
        return {"x": rng.randint(0, 100), "y": rng.random_sample()}

    np.random.seed(7)
    kept = np.random.get_state()[1].copy()
    ours, theirs = misuse(draws)[0], misuse(asks)[0]
    assert ours.output == theirs.output
    assert ours.state_after == theirs.state_after != STATE
    assert [draw.name for draw in ours.draws] == ["randint", "random"]
    np.testing.assert_array_equal(np.random.get_state()[1], kept)


def test_other_generators_give_the_same_twice_and_are_put_back():
    def draws(value, rng):
        return {"a": random.random(), "b": float(torch.rand(()))}

    random.seed(1)
    torch.manual_seed(1)
    kept = random.getstate(), torch.random.get_rng_state()
    assert misuse(draws)[0].output == misuse(draws)[0].output
    assert random.getstate() == kept[0]
    assert torch.equal(torch.random.get_rng_state(), kept[1])
