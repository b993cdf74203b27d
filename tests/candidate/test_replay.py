"""The reference's draws applied by a candidate: arithmetic apart from randomness."""

import cv2
import numpy as np
import pytest

from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import load as loads
from parity.steps import photometric as photometrics
from parity.steps import resize as resizes
from tests.candidate.support import check, verdicts

OWN = {
    "load_image": loads.load_image,
    "load_annotation": loads.load_annotation,
    "apply_resize": resizes.resize,
    "apply_crop": crops.crop,
    "apply_flip": flips.flip,
    "apply_photometric": photometrics.photometric,
}


def test_our_own_functions_are_equal():
    _, results = check(OWN)
    for step in ("load", "resize", "crop", "flip", "photometric"):
        assert verdicts(results, step) == ({"equal"}, {"equal"})


def resize_by_area(array, *, size, interpolation):
    code = cv2.INTER_AREA if interpolation == "bilinear" else cv2.INTER_NEAREST
    return cv2.resize(array, size[::-1], interpolation=code)


def flip_vertically(array, direction):
    return array[::-1].copy()


def crop_with_end(array, box):
    return array[box.top : box.bottom + 1, box.left : box.right + 1].copy()


def rounded(image, draws):
    done = photometrics.photometric(image, draws)
    if draws.brightness is None:
        return done
    return np.clip(np.rint(image.astype(np.float32) + draws.brightness), 0, 255).astype(np.uint8)


def rgb(path):
    return loads.load_image(path)[..., ::-1].copy()


def minus_one(path, *, reduce_zero_label, label_map):
    return loads.load_annotation(path) - np.uint8(1)


@pytest.mark.parametrize(
    ("name", "function", "step"),
    [
        ("apply_resize", resize_by_area, "resize"),
        ("apply_flip", flip_vertically, "flip"),
        ("apply_crop", crop_with_end, "crop"),
        ("apply_photometric", rounded, "photometric"),
        ("load_image", rgb, "load"),
        ("load_annotation", minus_one, "load"),
    ],
)
def test_mistakes_are_placed_at_their_step(name, function, step):
    _, results = check({**OWN, name: function}, seeds=14)
    for other in ("load", "resize", "crop", "flip", "photometric"):
        assert ("different" in verdicts(results, other)[0]) == (other == step)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda array, direction: None, "flip returns None; return an array"),
        (lambda array, direction: [1], "flip returns a list; return an array"),
        (lambda array, direction: array[:, ::-1].astype(np.float32), "actual float32, expected"),
        (lambda array, direction: array[:, :-1].copy(), "actual shape"),
    ],
)
def test_wrong_answers_are_named(function, message):
    _, results = check({"apply_flip": function}, seeds=14)
    found = [one.explain() for one, _ in results["flip"] if str(one.verdict) == "different"]
    assert found
    assert all(message in text for text in found)


def test_a_view_is_a_note():
    _, results = check({"apply_flip": lambda array, direction: array[:, ::-1]}, seeds=14)
    assert verdicts(results, "flip") == ({"equal"}, {"equal"})
    assert any("view of its input" in one.manner for one, _ in results["flip"])


def test_replay_prefers_the_applying_function():
    def drawing(sample, rng, *, prob):
        return flips.flip_sample(sample, rng, prob=1.0)

    both = {"flip_sample": drawing, "apply_flip": flips.flip}
    assert verdicts(check(both)[1], "flip")[0] == {"different"}
    assert verdicts(check(both, replay=True)[1], "flip")[0] == {"equal"}


def test_draws_that_cannot_be_derived_blame_nobody(monkeypatch):
    def other(rng, **options):
        rng.random_sample()
        return photometrics.draw_photometric(rng, **options)

    from parity.candidate import replay

    monkeypatch.setattr(replay, "draw_photometric", other)
    _, results = check({"apply_photometric": photometrics.photometric})
    assert verdicts(results, "photometric")[0] == {"not compared"}
    assert "run parity check first" in results["photometric"][0][0].explain()
