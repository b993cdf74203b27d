"""A config as a recipe: its steps with its options, and what has none, with file and line."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import RandomState

from parity.check.cases import list_root
from parity.compare import Verdict
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.live import reference_module
from parity.recipe import RecipePipeline, absent, find_config, read
from parity.recipe.cases import recipe_cases
from parity.recipe.plan import recipe_plan
from parity.sample import DataInfo
from tests.recipe.support import given

LEGACY = """
img_norm_cfg = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=True)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='Resize', img_scale=(2048, 512), ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=(64, 48), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=(64, 48), pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
data = dict(samples_per_gpu=2, train=dict(type='ADE20KDataset', pipeline=train_pipeline))
model = dict(type='EncoderDecoder', decode_head=dict(type='FCNHead', num_classes=150))
"""


def names(steps):
    return [step.name for step in steps]


def test_options_are_the_config_s_own(config):
    recipe = config(given("dict(type='RandomCrop', crop_size=(32, 40), cat_max_ratio=0.5),"))
    crop = recipe.train[2]
    assert names(recipe.train) == ["load_image", "load_annotation", "crop", "collate"]
    assert crop.options == {"crop_size": (32, 40), "cat_max_ratio": 0.5, "ignore_index": 255}
    assert recipe.reduces["train"] is True
    assert recipe.train[-1].options["size"] == (64, 64)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("dict(type='MyJitter', amount=3),", "MyJitter in train"),
        ("dict(type='RandomResize', scale=(9, 9), resize_type='Mine'),", "resize_type in train"),
        ("dict(type='RandomFlip', prob=0.5, mine=1),", "RandomFlip.mine"),
        ("dict(type='RandomFlip', prob=open('x').read()),", "RandomFlip.prob"),
    ],
)
def test_what_no_step_does_is_named_with_its_line_and_keeps_its_place(config, step, told):
    recipe = config(given(step))
    [left] = [one for one in recipe.uncompared if told in one.what]
    assert "config.py:" in left.reason
    assert recipe.train[2].function is absent
    assert names(recipe.train)[3:] == ["collate"]


def test_head_losses(config):
    loss = "dict(type='CrossEntropyLoss', loss_weight=0.4), dict(type='DiceLoss')"
    [head] = config(given(loss=loss)).heads
    assert (head.kind, head.channels) == ("FCNHead", 7)
    terms = head.loss.options["losses"]
    assert [(one.name, one.function.__name__) for one in terms] == [
        ("loss_ce", "cross_entropy"),
        ("loss_dice", "dice_loss"),
    ]
    assert terms[0].options["loss_weight"] == 0.4


def test_a_loss_of_one_s_own_is_named(config):
    recipe = config(given(loss="dict(type='MyLoss')"))
    assert recipe.heads[0].loss is None
    assert "MyLoss in decode_head" in [one.what for one in recipe.uncompared]


@pytest.mark.live
def test_joined_data_sets_of_unlike_pipelines_are_compared_each(config):
    from parity.candidate.own import check_own
    from parity.check.cases import list_root
    from parity.check.plan import Plan
    from parity.fixtures import inputs_root

    plain = "dict(type=dataset_type, data_root='data/ade', pipeline=train_pipeline)"
    flipped = (
        "[train_pipeline[0], dict(type='LoadAnnotations'), dict(type='RandomFlip', prob=1.0), "
        "train_pipeline[-1]]"
    )
    other = f"dict(type='CityscapesDataset', data_root='c', pipeline={flipped})"
    assert plain in given()
    joined = f"dict(type='ConcatDataset', datasets=[{plain}, {plain}, {other}])"
    recipe = config(given("dict(type='RandomCrop', crop_size=(32, 40)),").replace(plain, joined))
    assert (recipe.reduces["train"], [*recipe.joined]) == (True, ["train 3, CityscapesDataset"])
    [alone] = recipe.joined.values()
    assert alone.reduces == {"train": False}
    smallest = [info for info in list_root(inputs_root()) if "37x53" in info.img_path]
    cases = [one for one in recipe_cases(recipe, smallest, range(1)) if "train" in one.pipeline]
    report = check_own(Plan("live", cases, {}, (), (0, 1)))
    assert report.verdict is Verdict.EQUAL, report
    compared = [(one.pipeline, [*map(str, names(one.steps))][2]) for one in cases]
    assert compared == [("train", "crop"), ("train 3, CityscapesDataset", "flip")]


def test_an_old_config_is_read_in_the_same_terms(config):
    recipe = config(LEGACY)
    expected = ["load_image", "load_annotation", "resize", "crop", "flip", "collate"]
    assert [name for name in names(recipe.train) if name != "pad"] == expected
    collate = recipe.train[-1].options
    assert tuple(collate["mean"]) == (1.0, 2.0, 3.0)
    assert recipe.reduces["train"] is True


def test_class_weights_are_read_from_a_file_unless_it_is_a_pickle(config, tmp_path):
    for name, written in (("w.json", "[1, 2, 3, 4, 5, 6, 7]"), ("w.pkl", ""), ("w.npy", "")):
        (tmp_path / name).write_text(written)
        path = str(tmp_path / name)
        recipe = config(given(loss=f"dict(type='CrossEntropyLoss', class_weight={path!r})"))
        left = [one for one in recipe.uncompared if "class_weight" in one.what]
        assert (recipe.heads[0].loss is None) == bool(left) == (name != "w.json")


@pytest.mark.parametrize(
    ("place", "name"),
    [("mine.py", "mine"), ("exp.7/20260101_000000/vis_data/config.py", "exp.7")],
)
def test_a_recipe_is_called_as_its_file_or_work_directory(tmp_path, place, name):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(given())
    assert read(path).name == name


@pytest.mark.live
def test_the_whole_path_is_in_a_note(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(given())
    first, second, *_ = recipe_plan(str(path), None, range(1)).notes
    assert (" mine," in first, str(path) in first, str(path) in second) == (True, False, True)


@pytest.mark.live
@pytest.mark.parametrize("name", ["no_such_config", "/nowhere/config.py"])
def test_no_such_config(name):
    with pytest.raises(InputError, match="no config of the zoo"):
        find_config(name)


@pytest.mark.live
def test_names_of_the_zoo_of_today_and_of_0x():
    name = "swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512"
    old = "upernet_swin_tiny_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K"
    assert find_config(old).name == find_config(f"{name}.py").name == name
    with pytest.raises(InputError, match=f"near: .*{name}"):
        find_config(name.replace("512x512", "512x521"))


def test_work_directories_also_without_a_file_of_the_config(tmp_path):
    whole = find_config("fixtures/runs/healthy-fcn")
    assert whole.path.suffix == ".py"
    shutil.copy("fixtures/runs/healthy-fcn/20261122_084006/20261122_084006.log", tmp_path)
    found = find_config(tmp_path)
    assert (found.path, found.config.get("model")) == (tmp_path, whole.config.get("model"))
    with pytest.raises(InputError, match="holds no config, and no log that prints one"):
        find_config("fixtures/cases/crlf_log_only")


def test_a_folder_of_several_configs(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.py").write_text("x = 1")
    with pytest.raises(InputError, match="holds 2 configs"):
        find_config(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "train_dataloader=dict(dataset=dict(type='ADE20KDataset', pipeline=['x', 3, None]))",
        "train_dataloader=dict(dataset=[1, 2])",
        "model=dict(decode_head=[3, dict(type='FCNHead', loss_decode=['a'])])",
        "model=dict(decode_head=dict(type='FCNHead', num_classes=10**9, loss_decode=5))",
        "model=dict(decode_head=dict(type='Mask2FormerHead', loss_cls=3))",
        "model=dict(test_cfg=dict(mode=['x']), data_preprocessor=dict(type='SegDataPreProcessor',"
        "test_cfg=3), decode_head=dict(type='FCNHead', num_classes=3, loss_decode=dict("
        "type='CrossEntropyLoss'), sampler=dict(type='OHEMPixelSampler', mine=1)))",
        "param_scheduler=[3, dict(type='PolyLR')]\ntrain_cfg=dict(max_iters=10**12)\n"
        "optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1))",
    ],
)
def test_what_makes_no_sense_is_no_case_and_no_traceback(config, text):
    recipe = config(text)
    assert recipe_cases(recipe, [DataInfo("x.jpg", "x.png")], range(2)) == []
    assert recipe.uncompared


@pytest.mark.live
@pytest.mark.parametrize(
    ("config", "step"),
    [
        ("mask2former_swin-s_8xb2-160k_ade20k-512x512", "resize"),
        ("vpd_sd_4xb8-25k_nyu-480x480", "load_depth"),
    ],
)
def test_from_the_file_to_the_loss(config, step):
    from parity.candidate.own import check_own
    from parity.check.plan import Plan

    plan = recipe_plan(config, None, range(2))
    cases = [case for case in plan.cases if case.pipeline == "train"]
    report = check_own(Plan("live", cases, {}, (), (0, 2)))
    assert report.verdict is Verdict.EQUAL
    rows = {row.step: row for row in report.summaries}
    assert rows["loss"].chained is rows[step].chained is Verdict.EQUAL


DATA_SET = "train_dataloader = dict(dataset=dict(type='ADE20KDataset', pipeline=steps))"


@pytest.mark.live
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_config_s_pipeline_gives_the_reference_s_sample(split):
    transform = reference_module("configured").transform
    info = next(one for one in list_root(inputs_root()) if "37x53" in one.img_path)
    pipeline = RecipePipeline.from_config("mask2former_swin-s_8xb2-160k_ade20k-512x512", split)
    actual = pipeline(info.img_path, info.seg_map_path, RandomState(3))
    expected, rng = replace(info, reduce_zero_label=True), RandomState(3)
    for step in pipeline.steps:
        expected = transform(expected, rng, entry=step.entry.values)
    np.testing.assert_array_equal(actual.image, expected.image)
    np.testing.assert_array_equal(actual.seg, expected.seg)
    assert len(pipeline.steps) == (6 if split == "train" else 3)


def test_a_pipeline_with_what_has_no_step_is_refused(tmp_path):
    config = tmp_path / "unheard.py"
    config.write_text("steps = [dict(type='Unheard')]\n" + DATA_SET)
    with pytest.raises(InputError, match=r"Unheard in train: no step here does it, .*unheard.py:2"):
        RecipePipeline.from_config(config)
    with pytest.raises(InputError, match="val pipeline: the config gives none"):
        RecipePipeline.from_config(config, "val")
