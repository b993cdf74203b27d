"""Settings, names and signatures from configs; the zoo's own names where mmseg is installed."""

import inspect
from collections import Counter

import pytest
import yaml

from parity.runs import options as signature
from parity.runs.config import installed_configs, parse_config, read_config
from parity.runs.datasets import KNOWN, dataset_of, planned_images
from parity.runs.facts import Fact, Source
from parity.runs.families import backbone_of, method_of, scope_of
from parity.runs.options import norms_of, precision_of, pretrained_of
from parity.runs.read import read_run
from tests.runs.builders import CONFIG, STAMP, environment, head, live, train_line, write, write_run

PLAIN = "mIoU|ss|whole|ignore=255|reduce0=y|orig-size"


def config(text):
    return parse_config(text, file="c.py")


def changed(*pairs):
    text = CONFIG
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return config(text)


SIGNATURES = {
    PLAIN: [],
    "mIoU|ss|slide|ignore=255|reduce0=y|orig-size": [
        ("mode='whole'", "crop_size=(512, 512), mode='slide', stride=(341, 341)")
    ],
    "mIoU|ss|whole|ignore=0|reduce0=y|orig-size": [
        ("iou_metrics=['mIoU']", "ignore_index=0, iou_metrics=['mIoU']")
    ],
    "mIoU|ss|whole|ignore=255|reduce0=n|orig-size": [
        ("reduce_zero_label=True", "reduce_zero_label=False")
    ],
    "mIoU|ss|whole|ignore=255|reduce0=y|resized": [
        ("dict(scale=(2048, 512), type='Resize'),", ""),
        (
            "dict(reduce_zero_label=True, type='LoadAnnotations'),",
            "dict(reduce_zero_label=True, type='LoadAnnotations'),\n"
            "dict(scale=(2048, 512), type='Resize'),",
        ),
    ],
    "mIoU|ss|whole|ignore=255|reduce0=y|orig-size|subset": [
        (
            "val_dataloader = dict(\n    batch_size=1,\n    dataset=dict(",
            "val_dataloader = dict(\n    batch_size=1,\n    dataset=dict(indices=100,",
        )
    ],
    "mIoU|?|whole|ignore=?|reduce0=?|?": [("val_dataloader", "x"), ("val_evaluator", "y")],
}


@pytest.mark.parametrize("expected", SIGNATURES)
def test_each_way_to_score_has_its_own_signature(expected):
    assert signature.signature_of(changed(*SIGNATURES[expected])).value == expected


TTA = (
    "dict(transforms=[[dict(type='Resize', scale_factor=s) for s in {scales}], "
    "[dict(type='RandomFlip', prob=0.), dict(type='RandomFlip', prob={prob})], "
    "[dict(type='LoadAnnotations')]], type='TestTimeAug')"
)


@pytest.mark.parametrize(
    ("scales", "prob", "expected"),
    [
        ([1.0], 0.0, "none"),
        ([1.0], 1.0, "flip"),
        ([0.5, 1.0], 0.0, "ms"),
        ([0.5, 1.0], 1.0, "ms+flip"),
    ],
)
def test_test_time_augmentation_counts_where_it_was_used(scales, prob, expected):
    step = TTA.replace("{scales}", str(scales)).replace("{prob}", str(prob))
    tested = (
        f"tta_pipeline = [{step}]\ntest_dataloader = dict(dataset=dict(pipeline=tta_pipeline))\n"
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile')]))\n"
    )
    wrapped = "model = dict(module=dict(test_cfg=dict(mode='whole')), type='SegTTAModel')\n"
    assert signature.augmentation_of(config(tested + wrapped)).value == expected
    # A dumped config carries the pipeline in any case.
    unused = config(tested + "model = dict(type='EncoderDecoder')")
    assert signature.augmentation_of(unused).value == "none"
    assert signature.test_mode_of(config(wrapped)).value == "whole"


def test_sliding_windows_are_given_with_their_sizes():
    text = "model = dict(test_cfg=dict(mode='slide', crop_size=(512, 480), stride=(341, 320)))"
    assert signature.test_mode_of(config(text)).value == "slide 512x480 stride 341x320"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optim_wrapper = dict(type='OptimWrapper')", "float32"),
        ("optim_wrapper = dict(type='AmpOptimWrapper')", "amp float16"),
        ("optim_wrapper = dict(type='AmpOptimWrapper', dtype='bfloat16')", "amp bfloat16"),
        ("optimizer_config = dict(type='Fp16OptimizerHook')", "amp float16"),
        ("fp16 = dict()", "amp float16"),
        ("a = 1", "float32"),
    ],
)
def test_precision(text, expected):
    assert precision_of(config(text)).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model = dict(backbone=dict(init_cfg=dict(checkpoint='a')))", "a"),
        ("model = dict(pretrained='b')", "b"),
        ("model = dict(backbone=dict(pretrained='c'))", "c"),
        ("load_from = 'd'\nmodel = dict(pretrained='b')", "d"),
        ("load_from = None\nmodel = dict(pretrained=None)", "none"),
    ],
)
def test_weights_to_start_from(text, expected):
    assert pretrained_of(config(text)).value == expected


def test_norms_of_every_part():
    heads = "[dict(norm_cfg=dict(type='GN'))]"
    text = f"model = dict(backbone=dict(norm_cfg=dict(type='BN')), decode_head={heads})"
    assert norms_of(config(text)).value == ("BN", "GN")
    assert norms_of(config("model = dict()")).value == ()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("img_path='images/training'", "img_path='images/half'", "images/half"),
        ("data_prefix=dict", "ann_file='x.txt', data_prefix=dict", "ann_file"),
        ("type='ADE20KDataset'))\nval", "type='MyDataset'))\nval", "no file says"),
    ],
)
def test_a_size_is_known_only_for_published_splits(old, new, word):
    assert planned_images(changed()).value == 20210
    fact = planned_images(changed((old, new)))
    assert fact.value is None
    assert word in fact.note


def test_wrapped_and_concatenated_sets():
    inner = "dict(type='ADE20KDataset', data_prefix=dict(img_path='images/training'))"
    repeated = f"train_dataloader = dict(dataset=dict(type='RepeatDataset', dataset={inner}))"
    several = f"train_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[{inner}]))"
    assert planned_images(config(repeated)).value == 20210
    assert dataset_of(config(several)).value == "ADE20K"
    assert planned_images(config(several)).value == 20210


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("type='OptimWrapper')", "accumulative_counts=8, type='OptimWrapper')", (8, 16)),
        ("batch_size=2", "batch_size=4", (1, 4)),
    ],
)
def test_effective_batch(tmp_path, old, new, expected):
    found = read_run(write_run(tmp_path, config=CONFIG.replace(old, new))).settings
    assert (found.accumulation.value, found.effective_batch.value) == expected
    # Iterations are micro-batches: accumulating does not show more images.
    assert found.passes.value == pytest.approx(200 * found.samples_per_gpu.value / 20210)


def test_scaled_learning_rate(tmp_path):
    line = f"{head()}LR is set based on batch size of 16 and the current batch size is 2. Scaling\n"
    fact = read_run(write_run(tmp_path, log=line)).settings.lr_scaling
    assert fact.value == "scaled"
    assert fact.source.file == f"{STAMP}/{STAMP}.log"


def zoo():
    root = installed_configs()
    for path in sorted(root.glob("*/metafile.y*ml")) if root else ():
        for model in yaml.safe_load(path.read_text("utf-8"))["Models"]:
            config_path = root.parent / model["Config"]
            results = model["Results"]
            results = results if isinstance(results, list) else [results]
            if config_path.is_file() and any(r["Dataset"] == "ADE20K" for r in results):
                yield model, config_path


@pytest.mark.live
def test_the_zoos_ade20k_models_have_the_names_the_zoo_gives_them():
    models = list(zoo())
    methods, backbones = Counter(), Counter()
    for model, path in models:
        found = read_config(path)
        methods[method_of(found).value == model["In Collection"]] += 1
        architecture = model["Metadata"]["Architecture"][0]
        backbones[backbone_of(found).value == architecture] += 1
        if "swin" in path.name:
            assert backbone_of(found).value == architecture, path.name
        assert signature.signature_of(found).value in (PLAIN, PLAIN.replace("whole", "slide"))
        assert planned_images(found).value == 20210
    # One FCN head is filed under Segmenter.
    assert methods[False] <= 1
    # 137 of 175; the others differ in spelling: R-50 for R-50-D32, DeiT-B or ViT-B_16 for ViT-B.
    assert backbones[True] > 0.75 * len(models)


@pytest.mark.live
def test_label_0_is_ignored_where_mmseg_ignores_it_by_default():
    registry = live("mmseg.registry").DATASETS
    for name, info in KNOWN.items():
        parameters = inspect.signature(registry.get(name).__init__).parameters
        stated = parameters.get("reduce_zero_label")
        assert (stated is not None and stated.default) is info.reduces, name


@pytest.mark.parametrize(
    ("text", "logger", "expected"),
    [
        ("default_scope = 'mmdet'", "mmengine", "mmdet"),
        ("default_scope = 'mmcls'", "mmengine", "mmpretrain"),
        ("a = 1", "mmpose", "mmpose"),
        ("model = dict(type='EncoderDecoder')", "mmengine", "mmseg"),
        ("model = dict(type='TopdownPoseEstimator')", "mmengine", "mmpose"),
        ("model = dict(type='MaskRCNN')", "", "mmdet"),
        ("model = dict(type='mmrotate.OrientedRCNN')", "mmengine", "mmrotate"),
        ("model = dict(type='ImageClassifier')", "mmcv", "mmpretrain"),
        ("model = dict(type='Mine')", "mmengine", None),
        ("model = 3", "mmengine", None),
    ],
)
def test_by_what_the_run_says(text, logger, expected):
    assert scope_of(config(text), logger, {}).value == expected


def test_by_the_versions_in_the_log():
    versions = {"MMDetection": Fact("2.25.0+", Source("a.log", 9))}
    fact = scope_of(None, "mmcv", versions)
    assert (fact.value, fact.source.line) == ("mmdet", 9)


@pytest.mark.parametrize("name", ["mmdet", "mmpose", "mmrotate", "mmcls", "mmaction", "mmdet3d"])
def test_logs_of_other_packages_are_read(tmp_path, name):
    log = (environment() + train_line(50)).replace(" - mmengine - ", f" - {name} - ")
    run = read_run(write(tmp_path / f"{STAMP}.log", log))
    assert run.curves["loss"].steps.tolist() == [50]
    assert run.settings.scope.value == name.replace("mmcls", "mmpretrain")


def test_nothing_said_nothing_claimed(tmp_path):
    run = read_run(write(tmp_path / f"{STAMP}.log", train_line(50)))
    assert run.settings.scope.value is None
    assert run.settings.scope.note
    write(tmp_path / "vis_data/config.py", f"default_scope = 'mmseg'\n{CONFIG}")
    fact = read_run(tmp_path).settings.scope
    assert (fact.value, fact.source.line) == ("mmseg", 1)
