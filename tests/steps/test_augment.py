"""The steps that configs add to the usual pipelines: `warp`, `tone`, `maps` and `mosaic`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from parity.checks.support import SEEDS, assert_equal, hold, sample_of, samples
from parity.compare.compare import Verdict
from parity.errors import InputError
from parity.pipeline import Step
from parity.probes.augment import PROBES, make_depth, make_mapped, make_pair
from parity.sample import DEPTH
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.maps import concat_images_sample, generate_edge_sample
from parity.steps.resize import resize_sample
from parity.steps.tone import rerange_sample
from parity.steps.warp import cut_out_sample, rotate_sample

PLAIN = [probe for probe in PROBES if probe.make not in (make_depth, make_pair, make_mapped)]


def name(probe):
    return probe.step.name


@pytest.mark.live
@pytest.mark.parametrize("probe", PLAIN, ids=name)
def test_any_size(probe):
    @settings(max_examples=6)
    @given(samples(), SEEDS)
    def holds(sample, seed):
        result = hold(probe.step, sample, seed)
        # An image of one value, or one that the mosaic shrinks to nothing, neither side can do.
        both = result.error.startswith("both raise")
        assert result.verdict is Verdict.EQUAL or both, result.explain()

    holds()


@pytest.mark.live
@pytest.mark.parametrize(
    "step",
    [
        Step("crop", crop_sample, {"crop_size": (20, 16)}),
        Step("flip", flip_sample, {"prob": 1.0, "swap_seg_labels": [(0, 1)]}),
        Step("resize", resize_sample, {"scale": (50, 31), "keep_ratio": False}),
        Step("rotate", rotate_sample, {"prob": 1.0, "degree": 40.0}),
        Step("cut_out", cut_out_sample, {"prob": 1.0, "n_holes": 2, "cutout_shape": (5, 5)}
             | {"seg_fill_in": 0}),
    ],
    ids=lambda step: step.name,
)  # fmt: skip
def test_depth_maps_go_with_the_image(step):
    for seed in range(2):
        assert_equal(step, make_depth(seed), seed)
    assert (step(make_depth(0), np.random.RandomState(0)).maps[DEPTH].dtype) == np.float32


@pytest.mark.parametrize(
    ("function", "options", "told"),
    [
        (generate_edge_sample, {}, "has none"),
        (concat_images_sample, {}, "load a pair"),
        (rerange_sample, {}, "one value"),
        (cut_out_sample, {"prob": 1, "n_holes": 1}, "either cutout_shape or"),
        (rotate_sample, {"prob": 1, "degree": 1, "center": (0, 0), "auto_bound": True}, "not both"),
    ],
)
def test_bad_input(function, options, told):
    flat = sample_of(np.zeros((4, 4, 3), np.uint8), None)
    with pytest.raises(InputError, match=told):
        function(flat, np.random.RandomState(0), **options)
