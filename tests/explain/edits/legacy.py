"""Edits in the terms of mmseg 0.x, each with the setting that it is in 1.x."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tests.explain.edits.catalogue import EDITED, UNTOUCHED, zoo_score
from tests.explain.edits.edit import ABSENT, Edit, Place, made, value_at
from tests.explain.edits.judge import Judged, explained, judge
from tests.explain.edits.legacy_config import OLD, old_config, write_old_run
from tests.explain.edits.settings import kind_of

LEGACY = tuple(OLD)
OLD_STEP, NEW_STEP = "data.train.pipeline", "train_dataloader.dataset.pipeline"
RATE, PLAN = "optim_wrapper.optimizer", "param_scheduler"
# A setting of 0.x, steps by their type; its other value, or what makes it of one that is there;
# and the name of it in 1.x, where that is another.
SETTINGS: tuple[tuple[str, Any, str], ...] = (
    (f"{OLD_STEP}.Resize.img_scale", (1024, 256), f"{NEW_STEP}.RandomResize.scale"),
    (f"{OLD_STEP}.Resize.ratio_range", (0.75, 1.5), f"{NEW_STEP}.RandomResize.ratio_range"),
    (f"{OLD_STEP}.RandomCrop.crop_size", (384, 384), f"{NEW_STEP}.RandomCrop.crop_size"),
    (f"{OLD_STEP}.RandomCrop.cat_max_ratio", 1.0, f"{NEW_STEP}.RandomCrop.cat_max_ratio"),
    (f"{OLD_STEP}.RandomFlip.prob", 0.0, f"{NEW_STEP}.RandomFlip.prob"),
    (f"{OLD_STEP}.PhotoMetricDistortion", ABSENT, f"{NEW_STEP}.PhotoMetricDistortion"),
    (f"{OLD_STEP}.Normalize.to_rgb", False, "model.data_preprocessor.bgr_to_rgb"),
    (f"{OLD_STEP}.Normalize.mean", [0, 0, 0], "model.data_preprocessor.mean"),
    (
        f"{OLD_STEP}.LoadAnnotations.reduce_zero_label",
        False,
        f"{NEW_STEP}.LoadAnnotations.reduce_zero_label",
    ),
    (
        "data.val.pipeline.MultiScaleFlipAug.img_scale",
        (1024, 256),
        "val_dataloader.dataset.pipeline.Resize.scale",
    ),
    ("data.train.img_dir", "images/part", "train_dataloader.dataset.data_prefix.img_path"),
    ("data.workers_per_gpu", 2, "train_dataloader.num_workers"),
    ("data.samples_per_gpu", 1, "train_dataloader.batch_size"),
    ("model.decode_head.align_corners", True, ""),
    ("model.decode_head.dropout_ratio", 0.5, ""),
    ("model.decode_head.loss_decode.loss_weight", 2.0, ""),
    ("model.decode_head.loss_decode.class_weight", [0.5] + [1.0] * 149, ""),
    ("model.decode_head.norm_cfg.type", "BN", ""),
    ("model.auxiliary_head", lambda head: None, ""),
    ("model.pretrained", lambda path: None, ""),
    ("optimizer.lr", lambda rate: rate / 10, f"{RATE}.lr"),
    ("optimizer.weight_decay", 0.1, f"{RATE}.weight_decay"),
    ("optimizer.momentum", lambda momentum: 0.8, f"{RATE}.momentum"),
    ("optimizer.paramwise_cfg", lambda groups: ABSENT, "optim_wrapper.paramwise_cfg"),
    (
        "optimizer_config.grad_clip",
        {"max_norm": 1.0, "norm_type": 2},
        "optim_wrapper.clip_grad",
    ),
    ("fp16", {"loss_scale": 512.0}, "optim_wrapper.type"),
    ("lr_config.power", 0.5, f"{PLAN}.PolyLR.power"),
    ("lr_config.min_lr", 1e-5, f"{PLAN}.PolyLR.eta_min"),
    ("lr_config.warmup_iters", lambda end: 500, f"{PLAN}.LinearLR.end"),
    ("runner.max_iters", lambda end: end // 2, "train_cfg.max_iters"),
    ("evaluation.interval", lambda every: every // 2, "train_cfg.val_interval"),
)


def legacy_edits(config: Mapping[str, Any]) -> list[Edit]:
    """Those that change `config`: what, where, the new value, and its name in 1.x."""
    found = [_rotation(config), _sliding(config)]
    for old, after, new in SETTINGS:
        path = _place(config, old)
        if not callable(after):
            found.append(_edit(config, path, after, new or old))
        elif value_at(config, path) not in (ABSENT, None):
            found.append(_edit(config, path, after(value_at(config, path)), new or old))
    return [edit for edit in found if made(config, edit) != config]


def _edit(config: Mapping[str, Any], path: Place, after: Any, new: str) -> Edit:
    before = value_at(config, path)
    what = f"0.x {'.'.join(map(str, path))}: {before!r} -> {after!r}"
    return Edit(path, new, before, after, what, kind_of(new.split(".")), ((path, after),))


def _place(config: Mapping[str, Any], dotted: str) -> Place:
    path: Place = ()
    for key in dotted.split("."):
        value = value_at(config, path)
        steps = [step["type"] for step in value] if isinstance(value, list) else []
        path = (*path, steps.index(key) if steps else key)
    return path


def _rotation(config: Mapping[str, Any]) -> Edit:
    path = _place(config, OLD_STEP)
    rotate = {"type": "RandomRotate", "prob": 0.5, "degree": 20}
    steps = value_at(config, path)
    return Edit(
        path, f"{NEW_STEP}.RandomRotate", ABSENT, rotate, "0.x RandomRotate added", "score",
        ((path, [*steps[:5], rotate, *steps[5:]]),),
    )  # fmt: skip


def _sliding(config: Mapping[str, Any]) -> Edit:
    size = value_at(config, _place(config, f"{OLD_STEP}.RandomCrop.crop_size"))
    slide = {"mode": "slide", "crop_size": size, "stride": tuple(side * 2 // 3 for side in size)}
    return _edit(config, ("model", "test_cfg"), slide, "model.test_cfg.mode")


def legacy_cases(name: str) -> Iterator[tuple[tuple[Edit, ...], Judged]]:
    """The config untouched, and with each of its edits, judged."""
    config, figure = old_config(name), zoo_score(OLD[name].rpartition("/")[2])
    for edits in ((), *((edit,) for edit in legacy_edits(config))):
        score = figure - (EDITED if edits else UNTOUCHED)
        answer = explained(
            partial(write_old_run, name=name, config=made(config, *edits), score=score)
        )
        changed = [edit.named for edit in edits]
        yield (
            edits,
            judge(answer, edits, changed, other_batch="train_dataloader.batch_size" in changed),
        )
