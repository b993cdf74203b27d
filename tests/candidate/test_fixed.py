"""One fixed scheduler or optimizer beside the config that it is meant to follow."""

import numpy as np
import pytest
import torch

from parity.candidate.fixed.beside import check_recipe
from parity.candidate.fixed.config import config_recipe
from parity.candidate.fixed.given import fixed_candidate
from parity.candidate.run import CheckOptions
from parity.candidate.runner import InProcess
from parity.errors import InputError
from tests.candidate.samples import recipes

CONFIG = """
norm_cfg = dict(type='BN')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor'),
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(type='ResNetV1c', depth=18, out_indices=(3, ), norm_cfg=norm_cfg),
    decode_head=dict(type='FCNHead', in_channels=512, channels=4, num_classes=3,
                     num_convs=1, norm_cfg=norm_cfg),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(bn=dict(decay_mult=0.0))))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=20),
    dict(type='PolyLR', power=1.0, eta_min=0.0, begin=20, end=200, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=200)
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "small.py"
    path.write_text(CONFIG)
    return str(path)


def report(config, given, *steps):
    asked = config_recipe(config)
    runner = InProcess(fixed_candidate(given, "given", asked=asked))
    return check_recipe(runner, CheckOptions(text="given", only=frozenset(steps)), asked)


def row(found, step):
    return next(one for one in found.summaries if one.step == step)


RIGHT = (
    *("make_scheduler", "of_three", "for_length", "partial", "nameless", "table", "rates", "rate"),
    *("Scheduler", "OfTorch", "Told", "Recipe.make", "recipe", "own"),
)


@pytest.mark.live
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_scheduler_in_whatever_form(config, name):
    given = recipes
    for part in name.split("."):
        given = getattr(given, part)
    found = row(report(config, given, "schedule"), "schedule")
    assert (found.cases, found.failed) == (1, 0), found
    assert found.is_rounding


@pytest.mark.live
def test_the_first_iteration_and_the_largest_difference_are_told(config):
    found = row(report(config, recipes.no_warm_up, "schedule"), "schedule")
    assert found.first == (
        "199 of 200 iterations differ by more than rounding, the first is iteration 0 "
        "(6e-05 for 6e-11), the largest difference 6e-05 is at iteration 0 (6e-05 for 6e-11)"
    )
    assert found.diagnosis.text.startswith("No known mistake")  # the decay begins earlier, too


@pytest.mark.live
def test_a_mistake_is_named_although_it_is_computed_otherwise(config):
    found = row(report(config, recipes.stepped_late, "schedule"), "schedule")
    assert found.diagnosis.sure
    assert "one iteration late" in found.diagnosis.text


@pytest.mark.live
@pytest.mark.parametrize("name", ["optimizer", "with_rates", "pair", "lightning"])
def test_groups_are_compared_by_name_whatever_their_order(config, name):
    found = report(config, getattr(recipes, name), "optim_groups")
    assert [(one.step, one.failed) for one in found.summaries] == [
        ("optim_groups", 0),
        ("optim_options", 0),
    ]


@pytest.mark.live
def test_groups_without_an_optimizer(config):
    found = report(config, recipes.split, "optim_groups", "schedule")
    assert row(found, "optim_groups").failed == 0
    assert row(found, "optim_options").skipped == 1
    assert tuple(map(str, found.unexercised)) == (
        "optim_options (the candidate gives groups and no optimizer)",
        "schedule (the candidate gives no scheduler beside its optimizer)",
    )


@pytest.mark.live
def test_a_pair_is_checked_whole(config):
    found = report(config, recipes.pair)
    assert [one.step for one in found.summaries] == ["optim_groups", "optim_options", "schedule"]
    assert found.failed == 0


@pytest.mark.live
def test_wrong_groups_are_told_by_name(config):
    found = row(report(config, recipes.one_group, "optim_groups"), "optim_groups")
    assert found.first.startswith("of 74 parameters: weight_decay 0.01 for 0 of 36 (")
    assert "backbone.layer1.0.bn1.weight" in found.first
    assert "paramwise_cfg" in found.diagnosis.text
    found = row(report(config, recipes.head_alone, "optim_groups"), "optim_groups")
    assert " in no group (backbone.stem.0.weight" in found.first


@pytest.mark.live
def test_another_optimizer_is_told(config):
    found = report(config, recipes.adam, "optim_groups")
    assert row(found, "optim_groups").failed == 0
    assert row(found, "optim_options").first == (
        "type Adam for AdamW; betas (0.9, 0.99) for (0.9, 0.999)"
    )


@pytest.mark.live
def test_a_model_that_cannot_be_built_is_said(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(CONFIG.replace("'FCNHead'", "'os.system'"))
    found = report(str(path), recipes.optimizer)
    why = "os.system is not registered by mmseg, mmdet, mmcv or mmengine"
    assert str(found.unexercised[0]) == f"optim_groups (the model of odd cannot be built: {why})"
    assert [one.cases for one in found.summaries] == [0, 0]
    assert row(report(str(path), recipes.rate, "schedule"), "schedule").failed == 0


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1), "name the function of"),
        ("text", "a str makes no scheduler"),
        (torch.nn.Linear(1, 1), "a Linear makes no scheduler"),
    ],
)
def test_what_is_no_recipe(config, given, reason):
    with pytest.raises(InputError, match=reason):
        fixed_candidate(given, "given", asked=config_recipe(config))


@pytest.mark.live
def test_what_a_function_needs_comes_from_the_config_or_is_asked_for(config):
    def needs(optimizer, gamma):
        return None

    found = row(report(config, needs, "schedule"), "schedule")
    assert "needs gamma, which the config does not say; give it a default" in found.first


@pytest.mark.live
def test_a_table_of_another_length(config):
    found = row(report(config, np.ones(3), "schedule"), "schedule")
    assert "gives 3 rates for 200 iterations" in found.first


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("max_iters=200", "max_epochs=3", "has no max_iters"),
        ("lr=6e-5", "lr=auto(3)", "is not known: .*auto"),
        ("'AdamW'", "'Adamant'", "torch.optim has no Adamant"),
        ("param_scheduler = [", "other = [", ""),
    ],
)
def test_what_a_config_leaves_open(tmp_path, old, new, reason):
    path = tmp_path / "open.py"
    path.write_text(CONFIG.replace(old, new))
    if not reason:
        assert config_recipe(str(path)).schedule([1.0])["param_scheduler"] == []
        return
    with pytest.raises(InputError, match=reason):
        config_recipe(str(path))
