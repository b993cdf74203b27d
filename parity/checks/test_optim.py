import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from parity.checks.support import assert_both_raise, assert_equal
from parity.compare.compare import Verdict
from parity.compare.tree import compare_tree
from parity.live import reference_module
from parity.probes.natural import step_of
from parity.probes.optim import KEYS, PROBES, SEGMENTOR, SHARED, TRANSFORMER
from parity.steps import optim
from parity.steps.optim import accumulation_plan, clip_gradients, param_groups

pytestmark = pytest.mark.live
GROUPS = step_of("optim_groups", param_groups)
CLIP = step_of("optim_clip", clip_gradients)
PLAN = step_of("optim_accumulate", accumulation_plan)
BASE = {"lr": 6e-5, "weight_decay": 0.01}
SMALL_VIT = {"backbone.embed_dims": 24, "backbone.num_heads": 2, "backbone.img_size": (32, 32)}
SMALL_HEADS = {
    "neck.embed_dim": 24,
    "decode_head.in_channels": [24] * 4,
    "decode_head.channels": 8,
    "auxiliary_head.in_channels": 24,
    "auxiliary_head.channels": 8,
}
SMALL = {f"model.{key}": value for key, value in {**SMALL_VIT, **SMALL_HEADS}.items()}
# Whole models of mmseg, with the options of their own configs.
MODELS = [
    ("swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py", {}),
    ("segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py", {}),
    ("mask2former/mask2former_swin-t_8xb2-160k_ade20k-512x512.py", {}),
    ("mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py", {}),
    ("pspnet/pspnet_r50-d8_4xb4-80k_ade20k-512x512.py", {}),
    ("beit/beit-base_upernet_8xb2-160k_ade20k-640x640.py", SMALL),
    ("mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py", SMALL),
]
# What the options of the configs leave out.
EVERY_RULE = {
    "custom_keys": {"head": {"lr_mult": 10.0}, "backbone.stages.3": {"decay_mult": 0.5}},
    "norm_decay_mult": 0.0,
    "bias_lr_mult": 2.0,
    "bias_decay_mult": 0.0,
    "dwconv_decay_mult": 0.25,
    "flat_decay_mult": 0.5,
    "bypass_duplicate": True,
}


def assert_same_groups(model, options):
    reference = reference_module("optim")
    expected = reference.param_groups(model, **options)
    leaves = compare_tree(optim.param_groups(model, **options), expected)
    assert expected
    wrong = {path: str(leaf) for path, leaf in leaves.items() if leaf.verdict is not Verdict.EQUAL}
    assert not wrong


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
def test_probes(probe, seed):
    assert_equal(probe.step, probe.make(seed), seed)


class TestGroups:
    @pytest.mark.parametrize(
        ("path", "changes"), MODELS, ids=[path.partition("/")[2][:24] for path, _ in MODELS]
    )
    def test_models_of_configs(self, path, changes):
        models = reference_module("optim.models")
        model, options = models.config_model(path, changes)
        assert_same_groups(model, options)
        plain = {"lr": options["lr"], "weight_decay": options["weight_decay"]}
        assert_same_groups(model, {**plain, "paramwise_cfg": EVERY_RULE})

    @pytest.mark.parametrize("compiled_ops", [False, True])
    def test_deformable_convolutions(self, compiled_ops):
        model = reference_module("optim.models").deformable_model()
        rules = {**EVERY_RULE, "dcn_offset_lr_mult": 0.1}
        assert_same_groups(model, {**BASE, "paramwise_cfg": rules, "compiled_ops": compiled_ops})

    @settings(max_examples=50)
    @given(
        st.dictionaries(
            st.sampled_from(KEYS),
            st.dictionaries(st.sampled_from(["lr_mult", "decay_mult"]), st.floats(0, 10)),
        ),
        st.dictionaries(
            st.sampled_from(["norm_decay_mult", "bias_lr_mult", "flat_decay_mult"]),
            st.one_of(st.none(), st.floats(0, 10)),
        ),
    )
    def test_any_keys(self, custom_keys, rules):
        paramwise = {"custom_keys": custom_keys, **rules}
        assert_equal(GROUPS, {**BASE, "layout": SEGMENTOR, "paramwise_cfg": paramwise})

    def test_more_than_multipliers_in_a_custom_key(self):
        keys = {"backbone": {"lr": 0.5, "momentum": 0.3, "wd_mult": 0.0}}
        assert_equal(GROUPS, {**BASE, "layout": SEGMENTOR, "paramwise_cfg": {"custom_keys": keys}})

    @pytest.mark.parametrize("kind", ["SGD", "AdamW", "Adam", "RMSprop", "Adagrad", "NAdam"])
    def test_no_weight_decay_leaves_it_to_torch(self, kind):
        options = {"layout": SEGMENTOR, "lr": 0.01, "optimizer": kind}
        rules = {"custom_keys": {"backbone": {"lr_mult": 0.1}}, "flat_decay_mult": 0.0}
        assert_equal(GROUPS, options)
        assert_equal(GROUPS, {**options, "paramwise_cfg": rules})
        given = {"type": kind, "lr": 0.01}
        training = PROBES[-1].make(1) | {"optimizer": given, "paramwise_cfg": rules}
        assert_equal(PROBES[-1].step, training)

    @pytest.mark.parametrize(
        "rules", [{"norm_decay_mult": 0.0}, {"custom_keys": {"head": {"decay_mult": 0.0}}}]
    )
    def test_what_multiplies_a_decay_needs_one(self, rules):
        assert_both_raise(GROUPS, {"layout": SEGMENTOR, "lr": 0.01, "paramwise_cfg": rules})

    def test_wrapped_model(self):
        """As DistributedDataParallel does, the inner model is called module."""
        options = {**BASE, "paramwise_cfg": {"norm_decay_mult": 0.0}}
        wrapped = nn.Module()
        wrapped.module = optim.build_model(SEGMENTOR)
        assert_same_groups(wrapped, options)

    @pytest.mark.parametrize(
        "options",
        [
            {"layout": SHARED, "paramwise_cfg": {"norm_decay_mult": 0.0}},
            {"layout": {"frozen": True, "fc": ("Linear", 2, 2)}, "paramwise_cfg": EVERY_RULE},
            {"layout": SEGMENTOR, "lr": -1.0},
            {"layout": SEGMENTOR, "paramwise_cfg": {"custom_keys": ["norm"]}},
            {"layout": SEGMENTOR, "constructor": "NoSuchConstructor"},
            {
                "layout": SEGMENTOR,
                "constructor": "LearningRateDecayOptimizerConstructor",
                "paramwise_cfg": {"num_layers": 6, "decay_rate": 0.9},
            },
            {
                "layout": TRANSFORMER,
                "constructor": "LearningRateDecayOptimizerConstructor",
                "paramwise_cfg": {"num_layers": 6, "decay_rate": 0.9, "decay_type": "stage_wise"},
            },
            {
                "layout": TRANSFORMER,
                "constructor": "LayerDecayOptimizerConstructor",
                "paramwise_cfg": {"num_layers": 12, "decay_rate": 0.9},
            },
        ],
    )
    def test_refused_by_both(self, options):
        assert_both_raise(GROUPS, {**BASE, **options})


class TestClipping:
    @settings(max_examples=50)
    @given(
        st.lists(st.lists(st.floats(width=32), max_size=6), max_size=5),
        st.sampled_from([0.01, 1, 1e30]),
        st.sampled_from([1, 2, 2.0, 3, "inf"]),
    )
    def test_any_gradients(self, rows, max_norm, norm_type):
        gradients = [torch.from_numpy(np.array(row, np.float32)) for row in rows]
        clip_grad = {"max_norm": max_norm, "norm_type": norm_type}
        value = {"gradients": gradients, "clip_grad": clip_grad}
        if norm_type == "inf" and any(not row for row in rows):
            assert_both_raise(CLIP, value)  # an empty tensor has no largest element
        else:
            assert_equal(CLIP, value)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    @pytest.mark.parametrize("bound", [0.1, 5])
    def test_dtypes(self, dtype, bound):
        gradients = [torch.randn(shape).to(dtype) for shape in ((3, 4), (5,), ())]
        for clip_grad in ({"max_norm": bound}, {"type": "value", "clip_value": bound}):
            assert_equal(CLIP, {"gradients": gradients, "clip_grad": clip_grad})

    def test_nothing_to_clip(self):
        for gradients in ([], [None, None]):
            assert_equal(CLIP, {"gradients": gradients, "clip_grad": {"max_norm": 1}})

    @pytest.mark.parametrize(
        "clip_grad",
        [
            {},
            {"type": "norm"},
            {"type": "both", "max_norm": 1},
            {"type": "value", "max_norm": 1},
            {"clip_value": 1},
            {"max_norm": 1, "error_if_nonfinite": True},
        ],
    )
    def test_refused_by_both(self, clip_grad):
        value = {"gradients": [torch.tensor([1.0, float("nan")])], "clip_grad": clip_grad}
        assert_both_raise(CLIP, value)


class TestAccumulation:
    @settings(max_examples=60)
    @given(st.integers(1, 9), st.integers(1, 25), st.integers(0, 24))
    def test_any_plan(self, counts, length, start):
        options = {"accumulative_counts": counts, "max_counts": length}
        assert_equal(PLAN, {**options, "init_counts": min(start, length - 1)})

    @pytest.mark.parametrize("max_counts", [-1, 7, 8])
    @pytest.mark.parametrize("counts", [1, 3, 4])
    def test_one_batch_at_a_time(self, counts, max_counts):
        reference = reference_module("optim")
        for done in range(7):
            options = {"accumulative_counts": counts, "max_counts": max_counts}
            loss = torch.tensor(0.7)
            scaled = optim.scale_loss(loss, inner_count=done, **options)
            assert torch.equal(scaled, reference.scale_loss(loss, inner_count=done, **options))
            updates = optim.should_update(inner_count=done + 1, **options)
            assert updates is reference.should_update(inner_count=done + 1, **options)

    def test_refused_by_both(self):
        assert_both_raise(PLAN, {"accumulative_counts": 0, "max_counts": 4})
