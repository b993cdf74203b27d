"""Three configs of the zoo as mmseg 0.30 resolves them, and the work directories they leave."""

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reference.dump import config_text
from tests.explain.edits.catalogue import zoo_config
from tests.explain.edits.log import losses, training_steps
from tests.explain.edits.write import VALIDATION, zoo_batch

# The same model's config in 1.x, whose score each has.
OLD = {
    "upernet_r50_512x512_160k_ade20k": "upernet/upernet_r50_4xb4-160k_ade20k-512x512",
    "deeplabv3plus_r50-d8_512x1024_80k_cityscapes": (
        "deeplabv3plus/deeplabv3plus_r50-d8_4xb2-80k_cityscapes-512x1024"
    ),
    "segformer_mit-b0_512x512_160k_ade20k": "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512",
}


def old_config(name: str) -> dict[str, Any]:
    """The config as mmcv 1.x resolves it. Its model is that of 1.x without its preprocessor."""
    new = copy.deepcopy(zoo_config(OLD[name]))
    model, wrapper = dict(new["model"]), new["optim_wrapper"]
    prepared, iterations = model.pop("data_preprocessor"), new["train_cfg"]["max_iters"]
    samples, every = new["train_dataloader"]["batch_size"], iterations // 10
    groups = {key: wrapper[key] for key in ("paramwise_cfg",) if key in wrapper}
    train, test = _pipelines(new, prepared)
    return {
        "model": model,
        "data": {
            "samples_per_gpu": samples,
            "workers_per_gpu": 4,
            "train": _data_set(new["train_dataloader"], train),
            "val": _data_set(new["val_dataloader"], test),
            "test": _data_set(new["val_dataloader"], test),
        },
        "log_config": {"interval": 50, "hooks": [{"type": "TextLoggerHook", "by_epoch": False}]},
        "dist_params": {"backend": "nccl"},
        "log_level": "INFO",
        "load_from": None,
        "resume_from": None,
        "workflow": [("train", 1)],
        "cudnn_benchmark": True,
        "optimizer": wrapper["optimizer"] | groups,
        "optimizer_config": {},
        "lr_config": _schedule(*new["param_scheduler"]),
        "runner": {"type": "IterBasedRunner", "max_iters": iterations},
        "checkpoint_config": {"by_epoch": False, "interval": every},
        "evaluation": {"interval": every, "metric": "mIoU", "pre_eval": True},
        "work_dir": f"./work_dirs/{name}",
        "gpu_ids": range(zoo_batch(OLD[name]) // samples),
        "auto_resume": False,
        "seed": 0,
    }


def _pipelines(new: Mapping[str, Any], prepared: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """In training and in testing; what the preprocessor of 1.x does was a step of both."""
    steps = {step["type"]: step for step in new["train_dataloader"]["dataset"]["pipeline"]}
    resize = steps["RandomResize"]
    load, scale = steps["LoadImageFromFile"], {"img_scale": resize["scale"]}
    figures = {"mean": prepared["mean"], "std": prepared["std"]}
    normalize = {"type": "Normalize", **figures, "to_rgb": prepared["bgr_to_rgb"]}
    train = [
        load,
        steps["LoadAnnotations"],
        {"type": "Resize", **scale, "ratio_range": resize["ratio_range"]},
        *(steps[kind] for kind in ("RandomCrop", "RandomFlip", "PhotoMetricDistortion")),
        normalize,
        {"type": "Pad", "size": prepared["size"], "pad_val": 0, "seg_pad_val": 255},
        {"type": "DefaultFormatBundle"},
        {"type": "Collect", "keys": ["img", "gt_semantic_seg"]},
    ]
    inner = [
        {"type": "Resize", "keep_ratio": True},
        {"type": "RandomFlip"},
        normalize,
        {"type": "ImageToTensor", "keys": ["img"]},
        {"type": "Collect", "keys": ["img"]},
    ]
    return train, [load, {"type": "MultiScaleFlipAug", **scale, "flip": False, "transforms": inner}]


def _schedule(*stages: Mapping[str, Any]) -> dict[str, Any]:
    """A poly schedule of 1.x, with its warm-up if it has one."""
    *warm_up, poly = stages
    found = {"policy": "poly", "power": poly["power"], "min_lr": poly["eta_min"], "by_epoch": False}
    for stage in warm_up:
        ratio = stage["start_factor"]
        found |= {"warmup": "linear", "warmup_iters": stage["end"], "warmup_ratio": ratio}
    return found


def _data_set(loader: Mapping[str, Any], pipeline: list[Any]) -> dict[str, Any]:
    dataset = loader["dataset"]
    folders = dataset["data_prefix"]
    return {
        "type": dataset["type"],
        "data_root": dataset["data_root"],
        "img_dir": folders["img_path"],
        "ann_dir": folders["seg_map_path"],
        "pipeline": pipeline,
    }


def write_old_run(root: Path, name: str, config: Mapping[str, Any], *, score: float) -> Path:
    """The work directory that mmseg 0.30 leaves: one config, ``.log`` and ``.log.json``."""
    run, stamp = root / name, "20221017_155038"
    run.mkdir(parents=True)
    text = config_text(config)
    (run / f"{name}.py").write_text(text)
    gpus = len(config["gpu_ids"])
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
    images = VALIDATION[config["data"]["val"]["type"]]
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
            batches = math.ceil(images / len(config["gpu_ids"]))
            log.append(_line(f"Iter(val) [{batches}]\t{text}"))
            head = {"mode": "val", "epoch": 1, "iter": batches, "lr": round(rate, 5)}
            table.append(json.dumps({**head, **scores}))
    return "".join(log), "\n".join(table) + "\n"
