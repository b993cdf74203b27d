"""What a config says of its heads, and what each is held against."""

import pytest
import torch

from parity.compare import Verdict
from parity.errors import InputError, NotExercised
from parity.live import reference_module
from parity.probes.heads import network, true_maps_of
from parity.recipe.cases import recipe_cases
from parity.recipe.losses import PLAIN
from parity.recipe.outputs import OWN
from parity.sample import DEPTH, EDGE, Batch, DataInfo
from tests.recipe.support import given

HEADS = {
    "DAHead": ("da_head_loss", "", ""),
    "EncHead": ("enc_head_loss", ", use_se_loss=False", "mmseg fails without use_se_loss"),
    "STDCHead": ("stdc_head_loss", ", boundary_threshold=0.3", ""),
    "DDRHead": ("ddr_head_loss", "", ""),
    "PointHead": ("point_head_loss", "", ""),
    "IterativeDecodeHead": (
        "knet_loss",
        ", num_stages=1_000_000, kernel_generate_head=dict(type='FCNHead', num_classes=7)",
        "too many",
    ),
}


@pytest.mark.parametrize("kind", HEADS)
def test_heads_of_a_loss_of_their_own(config, kind):
    function, odd, told = HEADS[kind]
    loss = "dict(type='CrossEntropyLoss', loss_name='mine', loss_weight=0.3)"
    text = given(loss=loss).replace("FCNHead'", f"{kind}'{odd}", 1)
    recipe = config(text)
    if told:
        assert recipe.heads[0].loss is None
        assert any(told in one.reason for one in recipe.uncompared)
        recipe = config(text.replace(odd, odd.replace("False", "True").replace("1_000_000", "2")))
    step = recipe.heads[0].loss
    assert step.function.__name__ == function
    if kind != "IterativeDecodeHead":
        assert [(one.name, one.options["loss_weight"]) for one in step.options["losses"]] == [
            ("mine", 0.3)
        ]
    else:
        assert recipe.heads[0].layers == 3
    assert step.options.get("boundary_threshold") == (0.3 if kind == "STDCHead" else None)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("SegFormerHead", "not known (mmseg 1.2.2 spells its own SegformerHead)"),
        ("My", "not known,"),
    ],
)
@pytest.mark.parametrize("outer", ["{}", "dict(type='IterativeDecodeHead', num_stages=1, {})"])
def test_a_head_that_mmseg_has_not_is_not_known(config, kind, told, outer):
    plain = "dict(type='FCNHead', num_classes=7, loss_decode=[dict(type='CrossEntropyLoss')])"
    assert plain in given()
    inner = "kernel_generate_head=" if "Iterative" in outer else ""
    head = outer.format(inner + plain.replace("FCNHead", kind))
    [read_head] = (recipe := config(given().replace(plain, head))).heads
    [left] = [one for one in recipe.uncompared if one.what == f"the loss of {kind} in decode_head"]
    assert read_head.loss is None
    assert told in left.reason
    assert "config.py:" in left.reason


@pytest.mark.live
@pytest.mark.parametrize("kind", [*PLAIN, *OWN])
def test_plain_heads_are_those_of_mmseg(kind):
    entry = {"type": kind, "num_classes": 3, "align_corners": False}
    base_head = reference_module("loss.head").base_head
    if kind in PLAIN:
        assert base_head(entry).num_classes == 3
    else:
        with pytest.raises(InputError, match="way of its own"):
            base_head(entry)


@pytest.mark.parametrize(
    ("loss", "held"),
    [
        ("pid_head_loss", {"label": (0, 3), "edge": (1, 3)}),
        ("depth_head_loss", {"label": (2, 4)}),
        ("knet_loss", {"label": (0, 3)}),
    ],
)
def test_which_maps_of_a_batch_a_loss_is_held_against(loss, held):
    maps = [torch.full((1, 4, 4), number) for number in range(3)]
    batch = Batch(torch.ones(1, 3, 4, 4), maps[0], (), {EDGE: maps[1], DEPTH: maps[2]})
    found = network(batch, outputs={}, true=true_maps_of(loss))
    assert {name: (int(one.max()), one.dim()) for name, one in found.items()} == held
    with pytest.raises(NotExercised, match="no stacked"):
        network(Batch(batch.images, None, ()), outputs={}, true=true_maps_of(loss))


@pytest.mark.live
@pytest.mark.parametrize(
    "head",
    [
        "type='SideAdapterCLIPHead', deep_supervision_idxs=[1], san_cfg=dict(num_queries=3), "
        "maskgen_cfg=dict(sos_token_num=3), train_cfg=dict(num_points=20, oversample_ratio=3.0, "
        "importance_sample_ratio=0.75, assigner=dict(type='HungarianAssigner', match_costs=["
        "dict(type='ClassificationCost', weight=2.0), dict(type='CrossEntropyLossCost', weight=5.0,"
        "use_sigmoid=True), dict(type='DiceCost', weight=5.0, pred_act=True, eps=1.0)])), "
        "loss_decode=[dict(type='CrossEntropyLoss', loss_name='loss_cls_ce'), "
        "dict(type='DiceLoss', ignore_index=None, loss_name='loss_mask_dice')]",
        "type='PIDHead', in_channels=4, channels=1, loss_decode=[dict(type='CrossEntropyLoss'), "
        "dict(type='OhemCrossEntropy', thres=0.2), dict(type='BoundaryLoss'), "
        "dict(type='OhemCrossEntropy', min_kept=3)]",
        "type='EncHead', in_channels=[1], channels=1, loss_decode=dict(type='LovaszLoss', "
        "loss_name='lovasz', reduction='none')",
    ],
    ids=["san", "pid", "enc"],
)
def test_losses_of_heads_beside_what_the_config_builds(config, head):
    from parity.candidate.own import check_own
    from parity.check.plan import Plan

    kept = given().partition("decode_head=")[0]
    recipe = config(f"{kept}decode_head=dict(num_classes=7, {head}))")
    assert not [one for one in recipe.uncompared if "decode_head" in one.what]
    cases = [
        case
        for case in recipe_cases(recipe, [DataInfo("x.jpg", "x.png")], range(4))
        if case.pipeline == "loss"
    ]
    report = check_own(Plan("live", cases, {}, (), (0, 4)))
    [row] = report.summaries
    assert (row.isolated, row.cases, row.skipped) == (Verdict.EQUAL, 4, 0), row.first
