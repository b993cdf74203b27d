"""Distributions: estimates that are right, planted differences found, clean code left alone."""

import numpy as np
import pytest
from numpy.random import RandomState

from parity.candidate.distribution import statistics
from parity.candidate.distribution.compare import ERRORS, PARAMETERS, ProbeSetting
from parity.candidate.distribution.estimate import estimate
from parity.candidate.distribution.probe import probe_image
from parity.candidate.distribution.rows import distribution_rows, power_note
from parity.compare.compare import Verdict
from parity.errors import InputError
from parity.pipeline import TrainPipeline
from parity.steps import crop as crops
from parity.steps import flip as flips
from parity.steps import photometric as photometrics
from parity.steps import resize as resizes
from tests.candidate.support import runner_of
from tests.planted import _InclusiveRandint

scipy = pytest.importorskip("scipy")
PIPELINE = TrainPipeline(scale=(768, 192), crop_size=(192, 192))
SETTING = ProbeSetting.of(PIPELINE)
COUNT = 200


def rows(given, count=COUNT):
    found = distribution_rows(runner_of(given), count, pipeline=PIPELINE)
    return {row.step: row for row in found}


def different(given, count=COUNT):
    found = rows(given, count)
    return {name: row.first for name, row in found.items() if row.isolated is Verdict.DIFFERENT}


def known(seed):
    """What our pipeline draws with this seed, and what is read off its result."""
    rng = RandomState(seed)
    scale = resizes.draw_scale(rng, scale=PIPELINE.scale, ratio_range=(0.5, 2.0))
    rng = RandomState(seed)
    sample = None
    from parity.candidate.whole import sample_of

    sample = sample_of((SETTING.probe.image, SETTING.probe.seg))
    for step in PIPELINE.steps[1:]:
        if step.name == "photometric":
            ahead = RandomState()
            ahead.set_state(rng.get_state())
            draws = photometrics.draw_photometric(ahead)
        sample = step(sample, rng)
    truth = min(scale) / min(SETTING.probe.seg.shape)
    return truth, sample.meta.flip, draws, estimate(SETTING.probe, sample.image, sample.seg)


def test_estimates_err_less_than_their_bounds():
    told = 0
    for seed in range(150):
        scale, flipped, draws, found = known(seed)
        assert abs(found.geometry.scale_y - scale) < ERRORS["scale"], seed
        assert found.geometry.flip == ("horizontal" if flipped else "none")
        for offset in (found.geometry.top, found.geometry.left):
            assert offset is None or -0.1 < offset < 1.1
        for name in ("brightness", "contrast", "saturation", "hue"):
            truth, read = getattr(draws, name), getattr(found.colour, name)
            if truth is None:
                assert read is None, (seed, name, read)
            elif read is not None:
                assert abs(read - truth) < ERRORS[name], (seed, name, read, truth)
        if found.colour.contrast_first is not None:
            told += 1
            assert found.colour.contrast_first == draws.contrast_first, seed
    assert told > 5


def test_no_estimate_of_what_is_no_window():
    probe = probe_image(120, 160)
    turned = np.ascontiguousarray(np.rot90(probe.seg)), np.ascontiguousarray(np.rot90(probe.image))
    blank = np.full((80, 80), 3, np.uint8), np.zeros((80, 80, 3), np.uint8)
    for seg, image in (turned, blank):
        with pytest.raises(InputError):
            estimate(probe, image, seg)
    with pytest.raises(InputError, match="label map"):
        estimate(probe, probe.image[:50], probe.seg)


def test_our_own_steps_are_not_called_different():
    found = rows(
        {
            "resize": resizes.random_resize_sample,
            "crop": crops.crop_sample,
            "flip": flips.flip_sample,
            "photometric": photometrics.photometric_sample,
        },
        500,  # enough for the order of contrast, which shows in few results
    )
    assert set(found) == {name for names in PARAMETERS.values() for name in names}
    assert {row.isolated for row in found.values()} == {Verdict.WITHIN}
    assert not any(row.first for row in found.values())


def hue_inclusive(sample, rng):
    return photometrics.photometric_sample(sample, _InclusiveRandint(rng))


def hue_short(sample, rng):
    return photometrics.photometric_sample(sample, rng, hue_delta=14)


def contrast_wide(sample, rng):
    return photometrics.photometric_sample(sample, rng, contrast_range=(0.5, 1.8))


def contrast_always_first(sample, rng):
    draws = photometrics.draw_photometric(rng)
    first = photometrics.PhotometricDraws(
        draws.brightness, True, draws.contrast, draws.saturation, draws.hue
    )
    return sample.replace(image=photometrics.photometric(sample.image, first))


def brightness_always(sample, rng):
    draws = photometrics.draw_photometric(rng)
    again = photometrics.PhotometricDraws(
        draws.brightness if draws.brightness is not None else rng.uniform(-32, 32),
        draws.contrast_first,
        draws.contrast,
        draws.saturation,
        draws.hue,
    )
    return sample.replace(image=photometrics.photometric(sample.image, again))


def flip_often(sample, rng, *, prob):
    return flips.flip_sample(sample, rng, prob=0.8)


def flip_vertically(sample, rng, *, prob):
    return flips.flip_sample(sample, rng, prob=prob, direction="vertical")


def crop_centre(sample, rng, *, crop_size, cat_max_ratio):
    edges = zip(sample.image.shape, crop_size, strict=False)
    top, left = (max(old - new, 0) // 2 for old, new in edges)
    box = crops.CropBox(top, top + crop_size[0], left, left + crop_size[1])
    return sample.replace(image=crops.crop(sample.image, box), seg=crops.crop(sample.seg, box))


def crop_without_category_test(sample, rng, *, crop_size, cat_max_ratio):
    return crops.crop_sample(sample, rng, crop_size=crop_size)


def resize_less(sample, rng, *, scale, ratio_range, keep_ratio):
    return resizes.random_resize_sample(
        sample, rng, scale=scale, ratio_range=(0.5, 1.8), keep_ratio=True
    )


@pytest.mark.parametrize(
    ("step", "function", "parameter", "effect"),
    [
        ("photometric", hue_inclusive, "hue", "hue reaches +18; the reference stops at +17"),
        ("photometric", hue_short, "hue", "the reference"),
        ("photometric", contrast_wide, "contrast", "contrast reaches +1."),
        ("photometric", contrast_always_first, "contrast order", "contrast first 1.00"),
        ("photometric", brightness_always, "brightness", "share changed"),
        ("flip", flip_often, "flip", "share of flips: horizontal 0.7"),
        ("flip", flip_vertically, "flip", "vertical"),
        ("crop", crop_centre, "crop top", "the reference median 0.5"),
        ("crop", crop_without_category_test, "class frequency", "to 1.00; the reference"),
        ("resize", resize_less, "scale", "scale stops at +1.9"),
    ],
)
def test_planted_differences(step, function, parameter, effect):
    found = different({step: function}, 500 if parameter == "contrast order" else COUNT)
    assert parameter in found, found
    assert effect in found[parameter]


def test_pipeline_that_raises_is_one_clear_row():
    def raising(image, seg):
        raise ValueError("no such luck")

    [row] = rows(raising).values()
    assert row.isolated is Verdict.DIFFERENT
    assert "ValueError: no such luck" in row.first
    [row] = rows(lambda image, seg: image).values()
    assert "a pipeline returns (image, seg)" in row.first


def test_results_that_cannot_be_read_are_counted():
    def turned(image, seg):
        return np.rot90(image).copy(), np.rot90(seg).copy()

    found = rows(turned, 30)
    assert "30 of 30 results cannot be read" in found["geometry"].first
    assert found["scale"].isolated is Verdict.NOT_COMPARED


def test_holm():
    made = [statistics.ParameterTest("a", "t", 0, p, 0, "") for p in (0.01, 0.04, 0.03)]
    assert [test.adjusted for test in statistics.holm(made)] == pytest.approx([0.03, 0.06, 0.06])
    assert not any(test.differs for test in statistics.holm(made))


def test_false_alarms_stay_below_alpha():
    """500 pairs of equal uniform samples, each with the tests of one parameter."""
    rng = RandomState(0)
    alarms = 0
    for _ in range(500):
        sides = rng.uniform(-1, 1, (2, 100))
        flags = rng.randint(0, 2, (2, 100))
        tests = [
            statistics.values("x", (list(sides[0]), list(sides[1])), 3, 2),
            statistics.reach("x", list(sides[0]), (-1, 1), 0.01, 2),
            statistics.rates("x", "rate", (list(flags[0]), list(flags[1])), 3),
        ]
        alarms += any(test.differs for test in statistics.holm([test for test in tests if test]))
    assert alarms <= 3  # 0.5 are expected


def test_power_is_what_is_stated():
    rng = RandomState(0)
    moved = statistics.detectable_rate(300, 300, 20)
    shift = statistics.detectable_shift(300, 300, 20)
    hits = {"rate": 0, "values": 0}
    for _ in range(200):
        flags = [list(rng.uniform(size=300) < 0.5 + sign * moved / 2) for sign in (1, -1)]
        sides = [list(rng.uniform(0, 1, 300)), list(rng.uniform(shift, 1 + shift, 300))]
        hits["rate"] += statistics.rates("x", "rate", tuple(flags), 20).p < statistics.ALPHA / 20
        hits["values"] += statistics.values("x", tuple(sides), 20, 2).p < statistics.ALPHA / 20
    assert min(hits.values()) / 200 > 0.85


def test_too_few_values_are_not_tested():
    assert statistics.values("x", ([1.0] * 5, [1.0] * 50), 3, 2) is None
    assert statistics.rates("x", "rate", ([True] * 5, [True] * 50), 3) is None
    assert statistics.reach("x", [0.0] * 5, (0, 1), 0.1, 1) is None


def test_power_note():
    assert "400 samples a side" in power_note(400)
    assert "power 0.9" in power_note(400)
