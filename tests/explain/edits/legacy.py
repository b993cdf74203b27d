"""Edits in the terms of mmseg 0.x, each with the setting that it is in 1.x."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from parity.explain.explain import Judgement, explain
from parity.runs.read import read_run
from tests.explain.edits.catalogue import EDITED, UNTOUCHED, zoo_score
from tests.explain.edits.edit import ABSENT, Edit, Kind, Place, made, value_at
from tests.explain.edits.judge import Judged, judge
from tests.explain.edits.legacy_config import OLD, old_config, write_old_run

LEGACY = tuple(OLD)
TRAIN, TEST = ("data", "train", "pipeline"), ("data", "val", "pipeline")
NEW_TRAIN, NEW_VAL = "train_dataloader.dataset", "val_dataloader.dataset"


def legacy_edits(config: Mapping[str, Any]) -> list[Edit]:
    """Those that change `config`: what, where, the new value, and its name in 1.x."""
    found = [*_data(config), *_model(config), *_optimization(config)]
    return [edit for edit in found if made(config, edit) != config]


def _edit(
    config: Mapping[str, Any], path: Place, after: Any, named: str, kind: Kind = "score"
) -> Edit:
    before = value_at(config, path)
    what = f"0.x {'.'.join(map(str, path))}: {before!r} -> {after!r}"
    return Edit(path, named, before, after, what, kind, ((path, after),))


def _step(config: Mapping[str, Any], kind: str) -> Place:
    steps = [step["type"] for step in value_at(config, TRAIN)]
    return (*TRAIN, steps.index(kind))


def _data(config: Mapping[str, Any]) -> Iterator[Edit]:
    new = f"{NEW_TRAIN}.pipeline"
    resize, crop = _step(config, "Resize"), _step(config, "RandomCrop")
    yield _edit(config, (*resize, "img_scale"), (1024, 256), f"{new}.RandomResize.scale")
    yield _edit(config, (*resize, "ratio_range"), (0.75, 1.5), f"{new}.RandomResize.ratio_range")
    yield _edit(config, (*crop, "crop_size"), (384, 384), f"{new}.RandomCrop.crop_size")
    yield _edit(config, (*crop, "cat_max_ratio"), 1.0, f"{new}.RandomCrop.cat_max_ratio")
    flip, colour = _step(config, "RandomFlip"), _step(config, "PhotoMetricDistortion")
    yield _edit(config, (*flip, "prob"), 0.0, f"{new}.RandomFlip.prob")
    yield _edit(config, colour, ABSENT, f"{new}.PhotoMetricDistortion")
    normalize = _step(config, "Normalize")
    yield _edit(config, (*normalize, "to_rgb"), False, "model.data_preprocessor.bgr_to_rgb")
    yield _edit(config, (*normalize, "mean"), [0, 0, 0], "model.data_preprocessor.mean")
    labels = (*_step(config, "LoadAnnotations"), "reduce_zero_label")
    yield _edit(config, labels, False, f"{new}.LoadAnnotations.reduce_zero_label")
    rotate = {"type": "RandomRotate", "prob": 0.5, "degree": 20}
    steps = value_at(config, TRAIN)
    more = Edit(
        TRAIN, f"{new}.RandomRotate", ABSENT, rotate, "0.x RandomRotate added", "score",
        ((TRAIN, [*steps[:5], rotate, *steps[5:]]),),
    )  # fmt: skip
    yield more
    scale = (*TEST, 1, "img_scale")
    yield _edit(config, scale, (1024, 256), f"{NEW_VAL}.pipeline.Resize.scale", "comparability")
    images = ("data", "train", "img_dir")
    yield _edit(config, images, "images/part", f"{NEW_TRAIN}.data_prefix.img_path")
    workers = ("data", "workers_per_gpu")
    yield _edit(config, workers, 2, "train_dataloader.num_workers", "bookkeeping")
    samples = ("data", "samples_per_gpu")
    yield _edit(config, samples, 1, "train_dataloader.batch_size")


def _model(config: Mapping[str, Any]) -> Iterator[Edit]:
    head: Place = ("model", "decode_head")
    name = "model.decode_head"
    for keys, after in (
        (("align_corners",), True),
        (("dropout_ratio",), 0.5),
        (("loss_decode", "loss_weight"), 2.0),
        (("loss_decode", "class_weight"), [0.5] + [1.0] * 149),
        (("norm_cfg", "type"), "BN"),
    ):
        yield _edit(config, (*head, *keys), after, ".".join((name, *keys)))
    if config["model"].get("auxiliary_head"):
        yield _edit(config, ("model", "auxiliary_head"), None, "model.auxiliary_head")
    if config["model"].get("pretrained"):
        yield _edit(config, ("model", "pretrained"), None, "model.pretrained")
    size = value_at(config, (*_step(config, "RandomCrop"), "crop_size"))
    slide = {"mode": "slide", "crop_size": size, "stride": tuple(side * 2 // 3 for side in size)}
    yield _edit(config, ("model", "test_cfg"), slide, "model.test_cfg.mode", "comparability")


def _optimization(config: Mapping[str, Any]) -> Iterator[Edit]:
    name = "optim_wrapper.optimizer"
    rate = config["optimizer"]["lr"]
    yield _edit(config, ("optimizer", "lr"), rate / 10, f"{name}.lr")
    yield _edit(config, ("optimizer", "weight_decay"), 0.1, f"{name}.weight_decay")
    if "momentum" in config["optimizer"]:
        yield _edit(config, ("optimizer", "momentum"), 0.8, f"{name}.momentum")
    if "paramwise_cfg" in config["optimizer"]:
        path = ("optimizer", "paramwise_cfg")
        yield _edit(config, path, ABSENT, "optim_wrapper.paramwise_cfg")
    clip = {"max_norm": 1.0, "norm_type": 2}
    yield _edit(config, ("optimizer_config", "grad_clip"), clip, "optim_wrapper.clip_grad")
    yield _edit(config, ("fp16",), {"loss_scale": 512.0}, "optim_wrapper.type")
    plan: Place = ("lr_config",)
    yield _edit(config, (*plan, "power"), 0.5, "param_scheduler.PolyLR.power")
    yield _edit(config, (*plan, "min_lr"), 1e-5, "param_scheduler.PolyLR.eta_min")
    if "warmup" in config["lr_config"]:
        yield _edit(config, (*plan, "warmup_iters"), 500, "param_scheduler.LinearLR.end")
    half = config["runner"]["max_iters"] // 2
    yield _edit(config, ("runner", "max_iters"), half, "train_cfg.max_iters")
    every = config["evaluation"]["interval"]
    path = ("evaluation", "interval")
    yield _edit(config, path, every // 2, "train_cfg.val_interval", "bookkeeping")


def explained(name: str, config: Mapping[str, Any], *, gap: float) -> Judgement:
    """Write a run of mmseg 0.x that ended `gap` below the zoo's figure, and explain it."""
    root = Path(tempfile.mkdtemp())
    try:
        score = zoo_score(OLD[name].modern.rpartition("/")[2]) - gap
        return explain(read_run(write_old_run(root, name, config, score=score)))
    finally:
        shutil.rmtree(root)


def legacy_cases(name: str) -> Iterator[tuple[tuple[Edit, ...], Judged]]:
    """The config untouched, and with each of its edits, judged."""
    config = old_config(name)
    for edits in ((), *((edit,) for edit in legacy_edits(config))):
        answer = explained(name, made(config, *edits), gap=EDITED if edits else UNTOUCHED)
        changed = [edit.named for edit in edits]
        yield edits, judge(answer, edits, changed, other_batch=_other_batch(edits))


def _other_batch(edits: tuple[Edit, ...]) -> bool:
    return any(edit.named == "train_dataloader.batch_size" for edit in edits)
