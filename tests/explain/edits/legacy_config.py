"""Three configs of the zoo as mmseg 0.30 resolves them, and the work directories they leave."""

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reference.dump import config_text
from tests.explain.edits.catalogue import zoo_config
from tests.explain.edits.log import losses, training_steps
from tests.explain.edits.write import VALIDATION

NORMALIZE = {
    "type": "Normalize",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
    "to_rgb": True,
}
ADE = {
    "type": "ADE20KDataset",
    "data_root": "data/ade/ADEChallengeData2016",
    "folders": ("images/training", "images/validation", "annotations/training"),
    "labels": {"type": "LoadAnnotations", "reduce_zero_label": True},
    "scale": (2048, 512),
}
CITYSCAPES = {
    "type": "CityscapesDataset",
    "data_root": "data/cityscapes/",
    "folders": ("leftImg8bit/train", "leftImg8bit/val", "gtFine/train"),
    "labels": {"type": "LoadAnnotations"},
    "scale": (2048, 1024),
}
SGD = {"type": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005}
ADAMW = {
    "type": "AdamW",
    "lr": 6e-5,
    "betas": (0.9, 0.999),
    "weight_decay": 0.01,
    "paramwise_cfg": {
        "custom_keys": {
            "pos_block": {"decay_mult": 0.0},
            "norm": {"decay_mult": 0.0},
            "head": {"lr_mult": 10.0},
        }
    },
}
POLY = {"policy": "poly", "power": 0.9, "min_lr": 1e-4, "by_epoch": False}
WARM = {
    "policy": "poly",
    "warmup": "linear",
    "warmup_iters": 1500,
    "warmup_ratio": 1e-6,
    "power": 1.0,
    "min_lr": 0.0,
    "by_epoch": False,
}


@dataclass(frozen=True)
class Old:
    """modern: the same model's config in 1.x, whose score it has."""

    modern: str
    data: Mapping[str, Any]
    crop: tuple[int, int]
    optimizer: Mapping[str, Any]
    schedule: Mapping[str, Any]
    gpus: int
    samples: int
    iterations: int


OLD = {
    "upernet_r50_512x512_160k_ade20k": Old(
        "upernet/upernet_r50_4xb4-160k_ade20k-512x512",
        ADE, (512, 512), SGD, POLY, 4, 4, 160_000,
    ),
    "deeplabv3plus_r50-d8_512x1024_80k_cityscapes": Old(
        "deeplabv3plus/deeplabv3plus_r50-d8_4xb2-80k_cityscapes-512x1024",
        CITYSCAPES, (512, 1024), SGD, POLY, 4, 2, 80_000,
    ),
    "segformer_mit-b0_512x512_160k_ade20k": Old(
        "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512",
        ADE, (512, 512), ADAMW, WARM, 8, 2, 160_000,
    ),
}  # fmt: skip


def old_config(name: str) -> dict[str, Any]:
    """The config as mmcv 1.x resolves it. Its model is that of 1.x without its preprocessor."""
    old = OLD[name]
    model = dict(zoo_config(old.modern)["model"])
    del model["data_preprocessor"]
    pad = {"type": "Pad", "size": old.crop, "pad_val": 0, "seg_pad_val": 255}
    train = [
        {"type": "LoadImageFromFile"},
        old.data["labels"],
        {"type": "Resize", "img_scale": old.data["scale"], "ratio_range": (0.5, 2.0)},
        {"type": "RandomCrop", "crop_size": old.crop, "cat_max_ratio": 0.75},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"},
        NORMALIZE,
        pad,
        {"type": "DefaultFormatBundle"},
        {"type": "Collect", "keys": ["img", "gt_semantic_seg"]},
    ]
    inner = [
        {"type": "Resize", "keep_ratio": True},
        {"type": "RandomFlip"},
        NORMALIZE,
        {"type": "ImageToTensor", "keys": ["img"]},
        {"type": "Collect", "keys": ["img"]},
    ]
    scales = {"type": "MultiScaleFlipAug", "img_scale": old.data["scale"], "flip": False}
    test = [{"type": "LoadImageFromFile"}, {**scales, "transforms": inner}]
    every = old.iterations // 10
    config = {
        "model": model,
        "data": {
            "samples_per_gpu": old.samples,
            "workers_per_gpu": 4,
            "train": _data_set(old, 0, 2, train),
            "val": _data_set(old, 1, 2, test),
            "test": _data_set(old, 1, 2, test),
        },
        "log_config": {"interval": 50, "hooks": [{"type": "TextLoggerHook", "by_epoch": False}]},
        "dist_params": {"backend": "nccl"},
        "log_level": "INFO",
        "load_from": None,
        "resume_from": None,
        "workflow": [("train", 1)],
        "cudnn_benchmark": True,
        "optimizer": old.optimizer,
        "optimizer_config": {},
        "lr_config": old.schedule,
        "runner": {"type": "IterBasedRunner", "max_iters": old.iterations},
        "checkpoint_config": {"by_epoch": False, "interval": every},
        "evaluation": {"interval": every, "metric": "mIoU", "pre_eval": True},
        "work_dir": f"./work_dirs/{name}",
        "gpu_ids": range(old.gpus),
        "auto_resume": False,
        "seed": 0,
    }
    return copy.deepcopy(config)


def _data_set(old: Old, images: int, labels: int, pipeline: list[Any]) -> dict[str, Any]:
    folders = old.data["folders"]
    masks = folders[labels].replace("training", "validation") if images else folders[labels]
    return {
        "type": old.data["type"],
        "data_root": old.data["data_root"],
        "img_dir": folders[images],
        "ann_dir": masks.replace("gtFine/train", "gtFine/val") if images else masks,
        "pipeline": pipeline,
    }


def write_old_run(root: Path, name: str, config: Mapping[str, Any], *, score: float) -> Path:
    """The work directory that mmseg 0.30 leaves: one config, ``.log`` and ``.log.json``."""
    run, stamp = root / name, "20221017_155038"
    run.mkdir(parents=True)
    text = config_text(config)
    (run / f"{name}.py").write_text(text)
    gpus = OLD[name].gpus
    header = {"env_info": _environment(gpus), "seed": 0, "exp_name": f"{name}.py"}
    header |= {"mmseg_version": "0.30.0+", "config": text}
    log, table = _training(config, name, score)
    head = _line(f"Environment info:\n{_environment(gpus)}\n")
    head += _line("Distributed training: True") + _line(f"Config:\n{text}")
    head += _line("Set random seed to 0, deterministic: False") + _weights(config["model"])
    (run / f"{stamp}.log").write_text(head + log)
    (run / f"{stamp}.log.json").write_text(json.dumps(header) + "\n" + table)
    return run


def _line(text: str) -> str:
    return f"2022-10-17 15:50:38,852 - mmseg - INFO - {text}\n"


def _environment(gpus: int) -> str:
    rule = "-" * 60
    lines = [
        "sys.platform: linux",
        "Python: 3.8.11 (default, Jun  9 2022, 23:46:41) [GCC 7.5.0]",
        "CUDA available: True",
        f"GPU {','.join(map(str, range(gpus)))}: Tesla V100-SXM2-32GB",
        "NVCC: Cuda compilation tools, release 11.3, V11.3.109",
        "PyTorch: 1.11.0+cu113",
        "OpenCV: 4.6.0",
        "MMCV: 1.7.0",
        "MMCV CUDA Compiler: 11.3",
        "MMSegmentation: 0.30.0+",
    ]
    return "\n".join((rule, *lines, rule))


def _weights(model: Mapping[str, Any]) -> str:
    backbone = model["backbone"]
    source = model.get("pretrained") or (backbone.get("init_cfg") or {}).get("checkpoint")
    if not source:
        return ""
    init = {"type": "Pretrained", "checkpoint": source}
    return _line(f"initialize {backbone['type']} with init_cfg {init}") + _line(
        f"load model from: {source}"
    )


def _rate(config: Mapping[str, Any], step: int) -> float:
    """The first group's rate at iteration `step`, counted from 1, as mmcv's PolyLrUpdaterHook."""
    plan, base = config["lr_config"], config["optimizer"]["lr"]
    done = step - 1
    share = (1 - done / config["runner"]["max_iters"]) ** plan["power"]
    rate = (base - plan["min_lr"]) * share + plan["min_lr"]
    if plan.get("warmup") == "linear" and done < plan["warmup_iters"]:
        rate *= 1 - (1 - done / plan["warmup_iters"]) * (1 - plan["warmup_ratio"])
    return float(rate)


def _training(config: Mapping[str, Any], name: str, score: float) -> tuple[str, str]:
    planned, every = config["runner"]["max_iters"], config["evaluation"]["interval"]
    steps = training_steps(planned, config["log_config"]["interval"], 40)
    images = VALIDATION[OLD[name].data["type"]]
    log, table = [_line("Loaded 20210 images")] if images == 2000 else [], []
    rng = np.random.RandomState(0)
    for step in sorted({*steps, *range(every, planned + 1, every)}):
        rate = _rate(config, step)
        if step in steps:
            value = 0.4 + 2 * (1 - step / planned) ** 2 + float(rng.uniform(0, 0.05))
            row = losses(config, value)
            total = row.pop("loss")
            parts = ", ".join(f"{key}: {item:.4f}" for key, item in row.items())
            norm = ", grad_norm: 3.2101" if config["optimizer_config"].get("grad_clip") else ""
            log.append(
                f"2022-10-17 16:00:00,000 - mmseg - INFO - Iter [{step}/{planned}]\t"
                f"lr: {rate:.3e}, eta: 1 day, 2:00:00, time: 0.500, data_time: 0.010, "
                f"memory: 8000, {parts}, loss: {total:.4f}{norm}\n"
            )
            head = {"mode": "train", "epoch": 1, "iter": step, "lr": round(rate, 5)}
            table.append(json.dumps({**head, "memory": 8000, **row, "loss": total, "time": 0.5}))
        if step % every == 0:
            value = round((score - 6 * (1 - step / planned)) / 100, 4)
            scores = {"aAcc": 0.8, "mIoU": value, "mAcc": 0.55}
            text = ", ".join(f"{key}: {item:.4f}" for key, item in scores.items())
            log.append(_line(f"Exp name: {name}.py"))
            batches = math.ceil(images / OLD[name].gpus)
            log.append(_line(f"Iter(val) [{batches}]\t{text}"))
            head = {"mode": "val", "epoch": 1, "iter": batches, "lr": round(rate, 5)}
            table.append(json.dumps({**head, **scores}))
    return "".join(log), "\n".join(table) + "\n"
