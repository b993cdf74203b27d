"""Edits of a config's structure: steps, heads, losses, hooks, schedules, optimizers, data."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.explain.edits.edit import ABSENT, Edit, Kind, Place, leaves, named, value_at
from tests.explain.edits.settings import single

TRAIN, VAL = ("train_dataloader", "dataset"), ("val_dataloader", "dataset")
ADDED_STEPS = (
    {"type": "RandomRotate", "prob": 0.5, "degree": 20},
    {"type": "RandomCutOut", "prob": 0.5, "n_holes": 2, "cutout_shape": (64, 64)},
    {"type": "CLAHE"},
)
POLY = {"type": "PolyLR", "eta_min": 0.0, "power": 0.9, "begin": 0, "by_epoch": False}
WARMUP = {"type": "LinearLR", "start_factor": 1e-6, "by_epoch": False, "begin": 0, "end": 1500}
OPTIMIZERS = {
    "SGD": {"type": "AdamW", "lr": 6e-5, "betas": (0.9, 0.999), "weight_decay": 0.01},
    "AdamW": {"type": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005},
}


def structure_edits(config: Mapping[str, Any]) -> Iterator[Edit]:
    """Every edit of the structure that the config allows."""
    for edits in (_steps, _load, _validation, _heads, _backbone, _training, _optimizer, _around):
        yield from edits(config)


def whole(
    config: Mapping[str, Any],
    path: Place,
    after: Any,
    what: str,
    *,
    of: Place = (),
    name: str = "",
    kind: Kind = "score",
) -> Edit:
    """The value at `of` (by default `path`) replaced, which adds, takes out or moves `path`."""
    edit = single(config, of or path, after, what, kind)
    shown, before = name or named(config, path), value_at(config, path)
    return replace(edit, path=path, named=shown, before=before, after=ABSENT if of else after)


def train_pipeline(config: Mapping[str, Any]) -> Place:
    """Where the (first) training pipeline is."""
    path = TRAIN
    while "pipeline" not in value_at(config, path):
        box = value_at(config, path)
        path = (*path, "datasets", 0) if "datasets" in box else (*path, "dataset")
    return (*path, "pipeline")


def _steps(config: Mapping[str, Any]) -> Iterator[Edit]:
    """Steps of the training pipeline taken out, put in, moved and replaced."""
    at = train_pipeline(config)
    steps = value_at(config, at)
    kinds = [step["type"] for step in steps]
    for index, kind in enumerate(kinds):
        rest = [*steps[:index], *steps[index + 1 :]]
        if kind == "RandomCrop":  # without any, images of a batch differ in size
            size = steps[index]["crop_size"][::-1]
            fixed = {"type": "Resize", "scale": size, "keep_ratio": False}
            rest.insert(index, fixed)
            yield whole(config, (*at, index), rest, "RandomCrop by Resize", of=at)
        elif kind.startswith(("Random", "PhotoMetric", "Pad")):
            yield whole(config, (*at, index), rest, f"{kind} taken out", of=at)
    for step in ADDED_STEPS:
        more = [*steps[:-1], step, steps[-1]]
        name = f"{named(config, at)}.{step['type']}"
        yield whole(config, (*at, len(steps) - 1), more, f"{step['type']} added", of=at, name=name)
    flip, crop = kinds.index("RandomFlip"), kinds.index("RandomCrop")
    moved = list(steps)
    moved[flip], moved[crop] = steps[crop], steps[flip]
    yield whole(config, (*at, flip), moved, "RandomFlip before RandomCrop", of=at)
    if "RandomResize" in kinds:
        index = kinds.index("RandomResize")
        fixed = {"type": "Resize", "scale": steps[index]["scale"], "keep_ratio": True}
        swapped = [*steps[:index], fixed, *steps[index + 1 :]]
        yield whole(config, (*at, index), swapped, "RandomResize by Resize", of=at)
        for key, value in (("interpolation", "nearest"), ("backend", "pillow")):
            yield single(config, (*at, index, key), value)


def _load(config: Mapping[str, Any]) -> Iterator[Edit]:
    """Data and labels: parts of it, other decoding, label 0."""
    at, val = train_pipeline(config), (*VAL, "pipeline")
    yield single(config, (*at, 0, "imdecode_backend"), "pillow")
    labels, scored = (_index(config, path, "LoadAnnotations") for path in (at, val))
    train_flag, val_flag = (*at, labels, "reduce_zero_label"), (*val, scored, "reduce_zero_label")
    reduced = value_at(config, train_flag) is True
    yield single(config, train_flag, not reduced)
    what = "label 0 kept or left out in both"
    both = single(config, train_flag, not reduced, what, "comparability")
    yield replace(both, changes=(*both.changes, (val_flag, not reduced)))
    yield single(config, (*at[:-1], "indices"), 1000)
    yield single(config, (*VAL, "indices"), 100)
    data = value_at(config, TRAIN)
    repeated = {"type": "RepeatDataset", "times": 4, "dataset": data}
    name = f"{'.'.join(TRAIN)}.RepeatDataset"
    yield whole(config, TRAIN, repeated, "RepeatDataset", name=name, kind="bookkeeping")


def _validation(config: Mapping[str, Any]) -> Iterator[Edit]:
    at = (*VAL, "pipeline")
    resize = _index(config, at, "Resize")
    yield single(config, (*at, resize, "interpolation"), "nearest")
    yield single(config, ("val_evaluator", "ignore_index"), 0)
    metrics = ("val_evaluator", "iou_metrics")
    yield single(config, metrics, ["mIoU", "mFscore"], kind="bookkeeping")
    test = value_at(config, ("model", "test_cfg"))
    size = value_at(config, ("model", "data_preprocessor", "size"))
    slide = {"mode": "slide", "crop_size": size, "stride": tuple(side * 2 // 3 for side in size)}
    other = slide if test["mode"] == "whole" else {"mode": "whole"}
    name = "model.test_cfg.mode"
    path = ("model", "test_cfg")
    yield whole(config, path, other, other["mode"], name=name, kind="comparability")


def _heads(config: Mapping[str, Any]) -> Iterator[Edit]:
    model = config["model"]
    if model.get("auxiliary_head"):
        yield single(config, ("model", "auxiliary_head"), None, "no auxiliary head")
    path = _head_path(config)
    head = value_at(config, path)
    yield single(config, (*path, "ignore_index"), 0)
    if "loss_decode" in head and isinstance(head["loss_decode"], Mapping):
        loss = head["loss_decode"]
        at = (*path, "loss_decode")
        dice = {"type": "DiceLoss", "loss_weight": 3.0}
        more = [{**loss, "loss_name": "loss_ce"}, {**dice, "loss_name": "loss_dice"}]
        yield whole(config, at, more, "DiceLoss added")
        yield single(config, (*at, "class_weight"), [0.8] + [1.0] * (head["num_classes"] - 1))
        yield single(config, (*at, "avg_non_ignore"), True)
        focal = {"type": "FocalLoss", "use_sigmoid": True, "loss_weight": loss["loss_weight"]}
        yield whole(config, at, focal, "FocalLoss", name=f"{named(config, at)}.type")
        if "sampler" not in head:
            sampler = {"type": "OHEMPixelSampler", "thresh": 0.7, "min_kept": 100_000}
            yield single(config, (*path, "sampler"), sampler)


def _backbone(config: Mapping[str, Any]) -> Iterator[Edit]:
    backbone = config["model"]["backbone"]
    if backbone["type"] in {"ResNet", "ResNetV1c", "SwinTransformer"}:
        if "frozen_stages" not in backbone:
            yield single(config, ("model", "backbone", "frozen_stages"), 1)
        yield single(config, ("model", "backbone", "with_cp"), True)
    if config["model"].get("pretrained"):
        yield single(config, ("model", "pretrained"), None, "no pretrained weights")
    elif backbone.get("init_cfg"):
        yield single(config, ("model", "backbone", "init_cfg"), None, "no pretrained weights")
    types = leaves(config["model"], ("model",))
    norms = [path for path, value in types if path[-1] == "type" and value == "SyncBN"]
    if norms:
        first = single(config, norms[0], "BN", "every SyncBN by BN")
        yield replace(first, changes=tuple((place, "BN") for place in norms))


def _training(config: Mapping[str, Any]) -> Iterator[Edit]:
    """The schedule with and without its warm-up, another one, and a shorter training."""
    at: Place = ("param_scheduler",)
    plan = list(config["param_scheduler"])
    end = config["train_cfg"]["max_iters"]
    if plan[0]["type"] == "LinearLR":
        later = [{**plan[1], "begin": 0}, *plan[2:]]
        yield whole(config, (*at, 0), later, "no warm-up", of=at)
    else:
        more = [WARMUP, {**plan[0], "begin": WARMUP["end"]}, *plan[1:]]
        yield whole(config, (*at, 0), more, "warm-up added", of=at, name="param_scheduler.LinearLR")
    last = len(plan) - 1
    begin = plan[last].get("begin", 0)
    cosine = {"type": "CosineAnnealingLR", "T_max": end, "by_epoch": False, "end": end}
    other = {**cosine, "begin": begin} if plan[last]["type"] == "PolyLR" else {**POLY, "end": end}
    name = f"param_scheduler.{plan[last]['type']}.type"
    yield whole(config, (*at, last), other, f"{other['type']} instead", name=name)
    short = end // 2
    ends = [((*at, i, "end"), short) for i, own in enumerate(plan) if own.get("end") == end]
    edit = single(config, ("train_cfg", "max_iters"), short, "half the iterations, schedule too")
    yield replace(edit, changes=(*edit.changes, *ends))


def _optimizer(config: Mapping[str, Any]) -> Iterator[Edit]:
    at: Place = ("optim_wrapper",)
    wrapper = config["optim_wrapper"]
    kind = wrapper["optimizer"]["type"]
    other = OPTIMIZERS[kind]
    name = "optim_wrapper.optimizer.type"
    yield whole(config, (*at, "optimizer"), other, other["type"], name=name)
    clip = None if wrapper.get("clip_grad") else {"max_norm": 0.01, "norm_type": 2}
    yield single(config, (*at, "clip_grad"), clip)
    if wrapper.get("paramwise_cfg"):
        changed = {k: v for k, v in wrapper.items() if k not in {"paramwise_cfg", "constructor"}}
        where = (*at, "paramwise_cfg")
        yield whole(config, where, changed, "no parameter groups", of=at)
    else:
        keys = {"custom_keys": {"head": {"lr_mult": 10.0}}}
        yield single(config, (*at, "paramwise_cfg"), keys)
    yield single(config, (*at, "accumulative_counts"), 2)
    amp = wrapper["type"] == "AmpOptimWrapper"
    changed = {k: v for k, v in wrapper.items() if k != "loss_scale"}
    changed |= {"type": "OptimWrapper"} if amp else {"type": "AmpOptimWrapper"}
    changed |= {} if amp else {"loss_scale": "dynamic"}
    yield whole(config, (*at, "type"), changed, changed["type"], of=at)


def _around(config: Mapping[str, Any]) -> Iterator[Edit]:
    """Hooks, seeds, weights to start from."""
    hooks = [*copy.deepcopy(config.get("custom_hooks") or [])]
    ema = {"type": "EMAHook", "ema_type": "ExponentialMovingAverage", "momentum": 0.0002}
    name = "custom_hooks.EMAHook"
    yield whole(config, ("custom_hooks",), [*hooks, ema], "EMAHook added", name=name)
    yield single(config, ("randomness",), {"seed": 3407}, "a fixed seed", "bookkeeping")
    weights = "https://example.org/finetune/fcn_coco-stuff164k_0123abcd.pth"
    yield single(config, ("load_from",), weights)


def _head_path(config: Mapping[str, Any]) -> Place:
    """The last decode head; of K-Net the one that makes the first kernels."""
    path: Place = ("model", "decode_head")
    head = value_at(config, path)
    if isinstance(head, (list, tuple)):
        return (*path, len(head) - 1)
    return (*path, "kernel_generate_head") if "kernel_generate_head" in head else path


def _index(config: Mapping[str, Any], at: Place, kind: str) -> int:
    return [step["type"] for step in value_at(config, at)].index(kind)
