import copy

import numpy as np
import pytest
import torch

from parity.checks.support import assert_both_raise, assert_equal, hold
from parity.compare.compare import Verdict
from parity.compare.tree import compare_tree
from parity.live import reference_module
from parity.probes import mask as probes
from parity.probes.mask import PROBES, make_few, make_image, make_layers, make_sampled
from parity.probes.natural import step_of
from parity.steps import mask as ours
from parity.steps.mask import MaskWeights

BY_NAME = {probe.step.name: probe for probe in PROBES}
HEADS = {"mask2former_loss": "Mask2FormerHead", "maskformer_loss": "MaskFormerHead"}


def step(name, **options):
    return step_of(name, getattr(ours, name), options)


def large(layers=2, images=1, queries=100, classes=150):
    """As of a crop of ADE20K, at a quarter of its edges."""
    rng = np.random.RandomState(0)
    label = rng.randint(0, classes + 1, (images, 16, 16)).repeat(8, 1).repeat(8, 2)
    label[label == classes] = 255
    scores = rng.normal(0, 2, (layers, images, queries, classes + 1))
    masks = rng.normal(0, 3, (layers, images, queries, 32, 32))
    return {
        "cls_scores": torch.from_numpy(scores).float(),
        "mask_preds": torch.from_numpy(masks).float(),
        "label": torch.from_numpy(label),
    }


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("name", BY_NAME)
    def test_many_shapes(self, name):
        compared = 0
        for seed in range(24):
            result = hold(BY_NAME[name].step, BY_NAME[name].make(seed), seed)
            assert result.verdict is not Verdict.DIFFERENT, f"seed {seed}: {result.explain()}"
            assert not result.error, f"seed {seed}: {result.error}"
            compared += result.verdict is Verdict.EQUAL
        assert compared >= 20  # the others have no segment and no query to compare

    @pytest.mark.parametrize("name", [name for name in BY_NAME if "cost" in name])
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
    def test_costs_in_other_dtypes(self, name, dtype):
        for seed in range(4):
            value = BY_NAME[name].make(seed)
            key = "scores" if "scores" in value else "pred"
            value[key] = value[key].to(dtype)
            assert hold(BY_NAME[name].step, value, seed).verdict is not Verdict.DIFFERENT

    @pytest.mark.parametrize("name", HEADS)
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float16], ids=str)
    def test_losses_take_single_precision_alone(self, name, dtype):
        value = make_few(1)
        value["mask_preds"] = value["mask_preds"].to(dtype)
        assert_both_raise(step(name), value)


@pytest.mark.live
class TestLosses:
    @pytest.mark.parametrize("name", HEADS)
    def test_150_classes_and_100_queries(self, name):
        assert_equal(step(name), large(layers=1, images=2))

    @pytest.mark.parametrize("name", HEADS)
    def test_shapes_and_dtypes_of_each_loss(self, name):
        reference = reference_module("mask")
        for seed in range(8):
            value = make_few(seed)
            torch.manual_seed(seed)
            actual = getattr(ours, name)(**value)
            torch.manual_seed(seed)
            expected = getattr(reference, name)(**value)
            assert list(actual) == list(expected)  # their order is that of the sum
            leaves = compare_tree(actual, expected).values()
            assert all(leaf.verdict is Verdict.EQUAL for leaf in leaves)

    @pytest.mark.parametrize("name", HEADS)
    @pytest.mark.parametrize("given", ["loss_weights", "cost_weights", "no_object_weight"])
    def test_weights(self, name, given):
        chosen = 0.7 if given == "no_object_weight" else MaskWeights(0.5, 4.0, 7.0)
        for seed in range(8):
            assert_equal(step(name, **{given: chosen}), make_layers(seed), seed)

    @pytest.mark.parametrize("name", HEADS)
    @pytest.mark.parametrize("ignore_index", [0, 3, 254])
    def test_ignore_index(self, name, ignore_index):
        value = make_layers(5)
        value["label"] = value["label"].masked_fill(value["label"] == 255, ignore_index)
        assert_equal(step(name, ignore_index=ignore_index), value)

    @pytest.mark.parametrize("name", HEADS)
    def test_a_label_that_means_no_object(self, name):
        """The number after the last class is taken for a class, as there."""
        value = large(layers=1, images=1, queries=5, classes=4)
        value["label"] = value["label"].masked_fill(value["label"] == 2, 4)
        assert_equal(step(name), value)

    @pytest.mark.parametrize("name", HEADS)
    @pytest.mark.parametrize("odd", [float("nan"), float("inf")])
    def test_neither_side_matches_nan(self, name, odd):
        value = large(layers=1, images=1, queries=5, classes=4)
        value["cls_scores"][..., 0] = odd
        assert_both_raise(step(name), value)

    @pytest.mark.parametrize("name", HEADS)
    def test_labels_beyond_the_classes(self, name):
        value = large(layers=1, images=1, queries=5, classes=4)
        value["label"][:] = 9
        assert_both_raise(step(name), value)


@pytest.mark.live
class TestWholeHeads:
    """The heads as the zoo's configs build them, network and all; its outputs are given."""

    @pytest.mark.parametrize("name", HEADS)
    def test_our_defaults_are_those_of_the_config(self, name):
        build = reference_module("mask.build")
        value = large()
        scores, masks, label = value.values()
        head = build.whole_head(HEADS[name], scores, masks)
        torch.manual_seed(3)
        expected = head.loss((), build.samples_of(label), {})
        after = torch.get_rng_state()
        torch.manual_seed(3)
        actual = getattr(ours, name)(**value)
        assert torch.equal(torch.get_rng_state(), after)
        assert list(actual) == list(expected)
        assert all(torch.equal(actual[key], expected[key]) for key in expected)
        metas = [{"img_shape": (100, 120), "pad_shape": (128, 128)}] * len(label)
        infer = getattr(ours, name.replace("loss", "inference"))
        assert torch.equal(infer(scores, masks, metas), head.predict((), copy.deepcopy(metas), {}))


@pytest.mark.live
class TestParts:
    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("class_cost", probes.make_scores),
            ("mask_cross_entropy_cost", make_sampled),
            ("mask_focal_cost", make_sampled),
            ("dice_cost", make_sampled),
        ],
    )
    def test_weight_of_a_cost(self, name, make):
        for seed in range(6):
            assert_equal(step(name, weight=5.0), make(seed), seed)

    @pytest.mark.parametrize("options", [{"alpha": 0.6, "gamma": 1.0}, {"eps": 1e-6}])
    def test_focal_options(self, options):
        assert_equal(step("mask_focal_cost", **options), make_sampled(2))

    def test_both_heads_have_the_same_targets(self):
        build = reference_module("mask.build")
        kinds = [build.head_class(kind) for kind in HEADS.values()]
        for seed in range(8):
            label = probes.make_labels(seed)["label"]
            one, other = ([*build.segments(kind, label, 255)] for kind in kinds)
            for left, right in zip(one, other, strict=True):
                assert torch.equal(left.labels, right.labels)
                assert torch.equal(left.masks, right.masks)

    def test_neither_side_assigns_infinity(self):
        assert_both_raise(step("assign_queries"), {"cost": torch.full((3, 2), float("inf"))})

    def test_some_costs_are_infinite(self):
        cost = torch.tensor([[0.0, float("inf")], [1.0, 5.0], [2.0, 2.0]])
        assert_equal(step("assign_queries"), {"cost": cost})

    @pytest.mark.parametrize("options", [{"num_points": 1}, {"num_points": 7}])
    def test_few_points(self, options):
        for seed in range(6):
            assert_equal(step("mask2former_match", **options), make_image(seed), seed)
            assert_equal(step("draw_uncertain_points", **options), probes.make_masks(seed), seed)


def test_the_cases_are_hard():
    values = [make_layers(seed) for seed in range(100)]
    labels = [value["label"] for value in values]
    images = [make_image(seed) for seed in range(100)]
    costs = [probes.make_cost(seed)["cost"] for seed in range(100)]
    for hits in (
        [bool((label == 255).all()) for label in labels],
        [any(bool((one == 255).all()) for one in label) for label in labels],
        [any(len(one.unique()) == 1 and int(one.max()) < 255 for one in label) for label in labels],
        [bool((label == 255).any()) and bool((label < 255).any()) for label in labels],
        [len(value["labels"]) > len(value["scores"]) for value in images],
        [len(value["labels"]) == 0 for value in images],
        [bool((value["mask_preds"].abs() > 1e4).any()) for value in values],
        [bool((value["mask_preds"] == 0).any()) for value in values],
        [value["cls_scores"].shape[0] == 1 for value in values],
        [value["cls_scores"].shape[-1] == 2 for value in values],
        [len(cost.unique()) < cost.numel() for cost in costs],
    ):
        assert sum(hits) >= 3
