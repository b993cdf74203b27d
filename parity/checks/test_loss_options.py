"""Every option of every loss, in any combination, beside the live class."""

import inspect
import json
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.checks.support import SEEDS
from parity.checks.test_loss import assert_held
from parity.live import reference_module
from parity.probes import loss as probes
from parity.probes.loss import make_classes, make_four, make_pixels
from parity.probes.natural import step_of
from parity.steps import loss as ours
from parity.steps.loss import LossTerm

live = reference_module("loss.classes", load=False)
REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def options_of(**strategies: st.SearchStrategy) -> st.SearchStrategy[dict]:
    """Any of the options, in any combination."""
    return st.fixed_dictionaries({}, optional=strategies)


@pytest.mark.live
class TestOptions:
    @given(
        SEEDS,
        options_of(
            reduction=REDUCTIONS,
            class_weight=st.sampled_from([None, [0.5, 1.0, 2.0, 0.0]]),
            avg_factor=st.sampled_from([None, 0, 3, 2.5]),
            ignore_index=st.sampled_from([255, -100, 0, 3, -1]),
            avg_non_ignore=st.booleans(),
            loss_weight=st.sampled_from([1.0, 0.4, 2]),
        ),
        st.sampled_from([ours.cross_entropy, ours.binary_cross_entropy]),
        st.sampled_from([make_four, probes.make_four_valid]),
        st.sampled_from([None, "pixel", "image", "channel"]),
    )
    def test_entropy(self, seed, options, function, make, weighted):
        value = make(seed)
        images, height, width = value["label"].shape
        if weighted:
            shape = {"pixel": (height, width), "image": (1, 1), "channel": (1, width)}[weighted]
            value["weight"] = torch.rand((images, *shape), generator=torch.manual_seed(seed))
        assert_held(step_of("loss", function, options), value)

    @given(
        SEEDS,
        options_of(
            use_sigmoid=st.booleans(),
            activate=st.booleans(),
            naive_dice=st.booleans(),
            reduction=REDUCTIONS,
            avg_factor=st.sampled_from([None, 0, 2]),
            ignore_index=st.sampled_from([None, 255, 0, 2]),
            eps=st.sampled_from([1e-3, 1.0, 0.0]),
        ),
        st.booleans(),
    )
    @settings(max_examples=60)
    def test_dice(self, seed, options, weighted):
        value = make_pixels(seed)
        if weighted:
            value["weight"] = torch.linspace(0.5, 2, len(value["label"]))
        assert_held(step_of("loss", ours.dice_loss, options), value)

    @given(
        SEEDS,
        options_of(
            gamma=st.sampled_from([2.0, 0.0, 1.5]),
            alpha=st.sampled_from([0.5, 0.25, [0.1, 0.4, 0.5, 0.9]]),
            class_weight=st.sampled_from([None, [0.5, 1.0, 2.0, 0.1]]),
            reduction=REDUCTIONS,
            avg_factor=st.sampled_from([None, 0, 2]),
            ignore_index=st.sampled_from([255, 0, 2]),
        ),
        st.sampled_from(["row", "table", "neither"]),
    )
    @settings(max_examples=60)
    def test_focal(self, seed, options, weighted):
        value = probes.make_one_hot(seed)
        if weighted == "table":
            value["weight"] = value["weight"].view(-1, 1).expand(-1, 4)
        elif weighted == "neither":
            del value["weight"]
        assert_held(step_of("loss", ours.focal_loss, options), value)

    @given(
        SEEDS,
        options_of(
            classes=st.sampled_from(["all", "present", [0, 1], [1], []]),
            class_weight=st.sampled_from([None, [0.5, 1.0, 2.0, 0.1]]),
            avg_factor=st.sampled_from([None, 0, 2]),
            ignore_index=st.sampled_from([None, 255, 0]),
        ),
        st.sampled_from(["multi_class", "binary"]),
        st.sampled_from([make_four, probes.make_two_valid]),
        st.sampled_from([(False, "none"), (True, "none"), (True, "mean"), (True, "sum")]),
    )
    def test_lovasz(self, seed, options, loss_type, make, reduced):
        value = probes.make_binary(seed) if loss_type == "binary" else make(seed)
        per_image, reduction = reduced
        options |= {"loss_type": loss_type, "per_image": per_image, "reduction": reduction}
        assert_held(step_of("loss", ours.lovasz_loss, options), value)

    @given(
        SEEDS,
        options_of(
            thresh=st.sampled_from([0.0, 0.3, 0.7, 1.1]),
            min_kept=st.sampled_from([0, 1, 5, 1000]),
            class_weight=st.sampled_from([None, [0.5, 1.0, 2.0, 0.1]]),
            ignore_index=st.sampled_from([255, 0]),
        ),
    )
    @settings(max_examples=60)
    def test_ohem(self, seed, options):
        assert_held(step_of("loss", ours.ohem_cross_entropy, options), make_four(seed))

    @given(
        SEEDS,
        options_of(
            thresh=st.sampled_from([None, 0.3, 0.7, 1.1]),
            min_kept=st.sampled_from([1, 2, 5, 1000]),
            ignore_index=st.sampled_from([255, 0]),
            losses=st.sampled_from(
                [
                    (LossTerm("loss_ce", ours.cross_entropy),),
                    (probes.CE, LossTerm("loss_tversky", ours.tversky_loss)),
                    (LossTerm("loss_tversky", ours.tversky_loss), probes.CE),
                    (probes.BCE,),
                    (probes.DICE,),
                ]
            ),
        ),
    )
    @settings(max_examples=60)
    def test_sampler(self, seed, options):
        assert_held(step_of("weights", ours.ohem_weights, options), make_classes(seed))

    @given(
        SEEDS,
        st.sampled_from([1, 2, (1,), (1, 2), (2, 1)]),
        st.sampled_from([None, 0.5]),
        st.sampled_from([None, 255, 0]),
        st.sampled_from([make_pixels, probes.make_rows]),
    )
    def test_accuracy(self, seed, topk, thresh, ignore_index, make):
        options = {"topk": topk, "thresh": thresh, "ignore_index": ignore_index}
        assert_held(step_of("accuracy", ours.accuracy, options), make(seed))

    @given(SEEDS, st.sampled_from([ours.kl_div_loss, ours.si_log_loss]), REDUCTIONS)
    @settings(max_examples=30)
    def test_reductions(self, seed, function, reduction):
        make = probes.make_pair if function is ours.kl_div_loss else probes.make_depths
        assert_held(step_of("loss", function, {"reduction": reduction}), make(seed))

    @given(SEEDS, st.sampled_from([255, 0, 1, 2, None]), st.sampled_from([None, 0, 3]))
    @settings(max_examples=30)
    def test_hausdorff(self, seed, ignore_index, avg_factor):
        options = {"ignore_index": ignore_index, "avg_factor": avg_factor}
        assert_held(step_of("loss", ours.hausdorff_loss, options), make_pixels(seed))


def pixels(label: int | None = None, dtype: torch.dtype = torch.int64, **others: Any) -> dict:
    """Two images of three classes; `label` at one pixel. others: in the place of these."""
    value = {"pred": torch.zeros(2, 3, 4, 5), "label": torch.ones(2, 4, 5, dtype=dtype)}
    if label is not None:
        value["label"][0, 0, 0] = label
    return {**value, **others}


ONE = torch.zeros(2, 1, 4, 5)


@pytest.mark.live
@pytest.mark.parametrize(
    ("function", "options", "value"),
    [
        (ours.cross_entropy, {}, pixels(3)),
        (ours.cross_entropy, {}, pixels(dtype=torch.uint8)),
        (ours.cross_entropy, {}, pixels(dtype=torch.int32)),
        (ours.cross_entropy, {"ignore_index": None}, pixels()),
        (ours.cross_entropy, {"reduction": "sum", "avg_factor": 3}, pixels()),
        (ours.cross_entropy, {"reduction": "median"}, pixels()),
        # The defect of 1.2.2: the weight of an ignored pixel is looked up.
        (ours.cross_entropy, {"class_weight": [1.0, 2.0, 3.0], "ignore_index": 255}, pixels(255)),
        (ours.cross_entropy, {"class_weight": [1.0, 2.0]}, pixels()),
        (ours.binary_cross_entropy, {}, pixels(3)),
        (ours.binary_cross_entropy, {}, pixels(pred=torch.zeros(2, 3, 4))),
        (ours.binary_cross_entropy, {}, pixels(2, pred=ONE)),
        (ours.binary_cross_entropy, {"ignore_index": 1}, pixels(pred=ONE)),
        (ours.focal_loss, {}, pixels()),
        (ours.focal_loss, {"gamma": 2}, {"pred": torch.zeros(2, 3), "label": torch.eye(3)[:2]}),
        (ours.lovasz_loss, {}, pixels()),
        (ours.lovasz_loss, {"reduction": "none", "classes": (0, 1)}, pixels()),
        (ours.lovasz_loss, {"reduction": "none", "loss_type": "ternary"}, pixels()),
        (
            ours.lovasz_loss,
            {"reduction": "none"},
            {"pred": torch.zeros(1, 3, 1, 2), "label": torch.tensor([[[1, 255]]])},
        ),
        (
            ours.lovasz_loss,
            {"reduction": "none"},
            {"pred": torch.zeros(1, 1, 2, 2), "label": torch.zeros(1, 2, 2, dtype=torch.int64)},
        ),
        (ours.tversky_loss, {"alpha": 0.5}, pixels()),
        (ours.tversky_loss, {"ignore_index": None}, pixels()),
        (ours.tversky_loss, {"ignore_index": 0}, pixels(pred=ONE)),
        (ours.dice_loss, {"ignore_index": 0}, pixels(pred=ONE)),
        (ours.dice_loss, {}, pixels(weight=torch.ones(2, 4, 5))),
        (ours.hausdorff_loss, {"class_weight": [1.0, 1.0, 1.0]}, pixels()),
        (ours.hausdorff_loss, {}, pixels(pred=ONE)),
        (ours.kl_div_loss, {}, pixels()),
        (
            ours.kl_div_loss,
            {"temperature": 0.0},
            {"pred": torch.zeros(2, 3), "label": torch.zeros(2, 3)},
        ),
        (ours.si_log_loss, {}, pixels()),
        (ours.ohem_cross_entropy, {"class_weight": "weights.npy"}, pixels()),
        (ours.ohem_weights, {"min_kept": 1}, pixels()),
        (ours.ohem_weights, {"losses": (probes.DICE,)}, pixels()),
        (ours.accuracy, {"topk": 4}, pixels()),
        (ours.accuracy, {"topk": [1]}, pixels()),
        (ours.accuracy, {"thresh": 0.5}, pixels()),
        (ours.accuracy, {}, pixels() | {"label": torch.ones(3, 4, 5)}),
    ],
)
def test_both_refuse(function, options, value):
    assert not assert_held(step_of("loss", function, options), value)


@pytest.mark.live
class TestClasses:
    def test_every_loss_class_is_reproduced(self):
        live.class_of("cross_entropy")
        losses = sys.modules["mmseg.models.losses"]
        classes = {name for name in losses.__all__ if inspect.isclass(getattr(losses, name))}
        mine = {name for name, _ in live.CLASSES.values()}
        assert classes - {"Accuracy"} == mine - {"KLDivLoss"}

    @pytest.mark.parametrize("function", live.CLASSES)
    def test_defaults_are_those_of_the_class(self, function):
        mine = inspect.signature(getattr(ours, function)).parameters
        theirs = inspect.signature(live.class_of(function)).parameters
        shared = set(mine) & set(theirs)
        assert shared
        assert {name: mine[name].default for name in shared} == {
            name: theirs[name].default for name in shared
        }

    @pytest.mark.parametrize("suffix", [".npy", ".json", ".yaml"])
    def test_class_weight_from_a_file(self, tmp_path, suffix):
        path, weights = tmp_path / f"weights{suffix}", [0.5, 1.0, 2.0, 0.1]
        if suffix == ".npy":
            np.save(path, np.array(weights))
        else:
            path.write_text(json.dumps(weights), "utf-8")
        for function in (ours.cross_entropy, ours.tversky_loss):
            step = step_of("loss", function, {"class_weight": str(path)})
            assert assert_held(step, probes.make_four_valid(3))
