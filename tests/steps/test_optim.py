from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from parity.errors import InputError
from parity.probes.optim import SEGMENTOR, make_gradients
from parity.steps.optim import (
    accumulation_plan,
    build_model,
    build_optimizer,
    clip_gradients,
    loss_factor,
    param_groups,
    scale_loss,
    should_update,
    total_norm,
    train,
)

BASE = {"lr": 1e-3, "weight_decay": 0.1}
SGD = {"type": "SGD", "lr": 0.1, "weight_decay": 0.0}


def table(layout, **options):
    """Name -> (lr, weight decay)."""
    groups = param_groups(build_model(layout), **{**BASE, **options})
    return {name: (group.lr, group.weight_decay) for group in groups for name in group.names}


class TestGroups:
    def test_without_options_one_group_holds_all(self):
        model = build_model(SEGMENTOR)
        [group] = param_groups(model, **BASE)
        assert group.names == tuple(name for name, _ in model.named_parameters())
        assert "backbone.frozen_stem.conv.weight" in group.names

    def test_frozen_parameters_are_left_out(self):
        found = table(SEGMENTOR, paramwise_cfg={"norm_decay_mult": 1.0})
        assert not [name for name in found if "frozen" in name]

    def test_longest_key_wins(self):
        keys = {"backbone": {"lr_mult": 0.1}, "backbone.stages.0": {"lr_mult": 0.5}, "b": {}}
        found = table(SEGMENTOR, paramwise_cfg={"custom_keys": keys})
        assert found["backbone.stages.0.norm.weight"] == (5e-4, 0.1)
        assert found["backbone.stages.1.norm.weight"] == (1e-4, 0.1)

    def test_first_of_two_equally_long_keys_wins(self):
        keys = {"stages": {"lr_mult": 0.5}, "patch_": {"lr_mult": 0.2}, "dwconv": {"lr_mult": 0.1}}
        found = table(SEGMENTOR, paramwise_cfg={"custom_keys": keys})
        assert found["backbone.stages.1.dwconv.weight"][0] == 1e-4

    def test_custom_key_voids_the_rules(self):
        config = {"custom_keys": {"backbone": {}}, "norm_decay_mult": 0.0}
        found = table(SEGMENTOR, paramwise_cfg=config)
        assert found["backbone.patch_embed.norm.weight"] == (1e-3, 0.1)
        assert found["decode_head.norm.weight"] == (1e-3, 0.0)

    def test_one_input_channel_counts_as_depthwise(self):
        found = table(SEGMENTOR, paramwise_cfg={"dwconv_decay_mult": 0.0})
        undecayed = {name for name, (_, decay) in found.items() if decay == 0.0}
        assert undecayed == {
            f"{layer}.{part}"
            for layer in ("backbone.stages.1.dwconv", "decode_head.conv_seg")
            for part in ("weight", "bias")
        }

    def test_deformable_convolution_is_known_by_name(self):
        deformable = type("DeformConv2d", (nn.Module,), {"__module__": "mmcv.ops.deform_conv"})()
        deformable.conv_offset = nn.Conv2d(2, 2, 1)
        model = nn.Sequential(deformable)
        options = {**BASE, "paramwise_cfg": {"dcn_offset_lr_mult": 0.1, "bias_lr_mult": 2.0}}
        with_ops = param_groups(model, **options, compiled_ops=True)
        assert [group.lr for group in with_ops] == [1e-4, 1e-4]
        assert [group.lr for group in param_groups(model, **options)] == [1e-3, 2e-3]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lr": -1.0}, "negative"),
            ({"weight_decay": float("nan")}, "negative"),
            ({"constructor": "Default"}, "not one of"),
            ({"paramwise_cfg": {"custom_keys": {"norm": 0.0}}}, "custom_keys"),
        ],
    )
    def test_refused(self, options, message):
        with pytest.raises(InputError, match=message):
            table(SEGMENTOR, **options)

    def test_shared_parameter_is_refused_by_name(self):
        layout = {"a": ("Linear", 2, 2), "b": {"c": "a"}}
        with pytest.raises(InputError, match=r"b\.c\.weight is shared"):
            table(layout, paramwise_cfg={"norm_decay_mult": 0.0})
        config = {"norm_decay_mult": 0.0, "bypass_duplicate": True}
        assert list(table(layout, paramwise_cfg=config)) == ["a.weight", "a.bias"]

    def test_nothing_to_train(self):
        layout = {"frozen": True, "fc": ("Linear", 2, 2)}
        with pytest.raises(InputError, match="no parameter"):
            table(layout, paramwise_cfg={"norm_decay_mult": 0.0})

    def test_fifth_stage_of_convnext(self):
        layout = {"backbone": {"class": "ConvNeXt", "stages": {"4": {"0": ("Linear", 2, 2)}}}}
        name = "LearningRateDecayOptimizerConstructor"
        config = {"num_layers": 6, "decay_rate": 0.9}
        with pytest.raises(InputError, match="stages 0 to 3"):
            table(layout, paramwise_cfg=config, constructor=name)


class TestClipping:
    @pytest.mark.parametrize("seed", [0, 1, 3, 4, 6, 9, 10, 12])
    def test_norm_afterwards_and_direction(self, seed):
        gradients = make_gradients(seed)["gradients"]
        before = [None if item is None else item.clone() for item in gradients]
        clipped = clip_gradients(gradients, clip_grad={"max_norm": 0.01})
        present = [item for item in clipped.gradients if item is not None]
        assert total_norm(present) <= 0.01 * (1 + 1e-5)
        for old, kept, new in zip(before, gradients, clipped.gradients, strict=True):
            assert (old is None) == (new is None)
            if old is not None:
                assert torch.equal(old, kept)
                assert bool((new * old >= 0).all())

    def test_small_gradients_stay(self):
        gradient = torch.tensor([3e-3, 4e-3])
        clipped = clip_gradients([gradient], clip_grad={"max_norm": 1.0})
        assert torch.equal(clipped.gradients[0], gradient)
        assert clipped.norm == pytest.approx(5e-3)

    @pytest.mark.parametrize(
        "clip_grad", [{}, {"type": "norm"}, {"type": "l2", "max_norm": 1}, {"max_normm": 1}]
    )
    def test_refused(self, clip_grad):
        with pytest.raises(InputError, match="clip_grad"):
            clip_gradients([torch.ones(2)], clip_grad=clip_grad)

    def test_norm_that_is_not_finite(self):
        with pytest.raises(InputError, match="cannot be clipped"):
            clip_gradients(
                [torch.tensor([float("inf")])],
                clip_grad={"max_norm": 1, "error_if_nonfinite": True},
            )


class TestAccumulation:
    @given(st.integers(1, 9), st.integers(1, 60))
    def test_the_shares_of_every_update_add_up_to_one(self, counts, length):
        share, updates = Fraction(0), 0
        for entry in accumulation_plan(accumulative_counts=counts, max_counts=length):
            share += Fraction(1, entry.loss_factor)
            if entry.updates:
                assert share == 1
                share, updates = Fraction(0), updates + 1
        assert share == 0
        assert updates == -(-length // counts)

    def test_unknown_end(self):
        assert loss_factor(inner_count=99, accumulative_counts=4) == 4
        assert not should_update(inner_count=99, accumulative_counts=4)

    def test_past_the_end(self):
        with pytest.raises(InputError, match="past the end"):
            scale_loss(torch.ones(()), inner_count=8, accumulative_counts=4, max_counts=8)

    def test_no_batches_per_update(self):
        with pytest.raises(InputError, match="accumulative_counts"):
            should_update(inner_count=1, accumulative_counts=0)


class TestTraining:
    def test_four_accumulated_quarters_are_one_whole_batch(self):
        layout = {"fc": ("Linear", 3, 2)}
        batch = torch.arange(24.0, dtype=torch.float64).view(8, 3) / 24
        whole, parts = (build_model(layout).double() for _ in range(2))
        [expected] = train(whole, [batch], optimizer=SGD)
        last = train(parts, batch.split(2), optimizer=SGD, accumulative_counts=4)[-1]
        for name, value in expected["parameters"].items():
            torch.testing.assert_close(last["parameters"][name], value)

    def test_unknown_optimizer(self):
        model = build_model({"fc": ("Linear", 3, 2)})
        with pytest.raises(InputError, match="no optimizer"):
            build_optimizer(model, param_groups(model, **BASE), optimizer={"type": "SDG"})

    def test_unknown_layer(self):
        with pytest.raises(InputError, match="no layer"):
            build_model({"fc": ("Lineal", 3, 2)})
