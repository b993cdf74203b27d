"""Runs and configs made by hand, for detectors."""

import copy
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from parity.causes.catalogue import cause
from parity.causes.cause import Found, RunContext
from parity.causes.examine import examine
from parity.runs.facts import Config, Fact, Source
from parity.runs.record import Curve, Evaluation, Message, Run, Segment, Settings, WeightLoad
from parity.settings import differences, terms_of
from parity.zoo.rows import ScoreRow

LOG = "20240101_000000/20240101_000000.log"
ROW = ScoreRow(
    name="net_r50_8xb2-160k_ade20k-512x512",
    method="Net",
    backbone="R-50",
    crop="512x512",
    schedule="160k",
    batch=16,
    miou=50.0,
    miou_ms=None,
    memory_gb=None,
    config="configs/net/net_r50_8xb2-160k_ade20k-512x512.py",
    weights="net.pth",
)
CONFIG = {
    "model": {
        "type": "EncoderDecoder",
        "data_preprocessor": {"mean": [1.0], "std": [1.0], "bgr_to_rgb": True},
        "backbone": {
            "type": "SwinTransformer",
            "depths": [2, 2],
            "init_cfg": {"type": "Pretrained", "checkpoint": "https://host/swin_small_22k.pth"},
        },
        "decode_head": {
            "type": "UPerHead",
            "align_corners": False,
            "norm_cfg": {"type": "SyncBN", "requires_grad": True},
            "loss_decode": {"type": "CrossEntropyLoss", "avg_non_ignore": False},
        },
        "test_cfg": {"mode": "whole"},
    },
    "train_dataloader": {
        "batch_size": 2,
        "dataset": {
            "type": "ADE20KDataset",
            "pipeline": [
                {"type": "LoadImageFromFile"},
                {"type": "LoadAnnotations", "reduce_zero_label": True},
                {"type": "RandomResize", "scale": (2048, 512)},
                {"type": "RandomCrop", "crop_size": (512, 512), "cat_max_ratio": 0.75},
                {"type": "RandomFlip", "prob": 0.5},
                {"type": "PhotoMetricDistortion"},
                {"type": "PackSegInputs"},
            ],
        },
    },
    "val_dataloader": {
        "batch_size": 1,
        "dataset": {
            "type": "ADE20KDataset",
            "pipeline": [
                {"type": "LoadImageFromFile"},
                {"type": "Resize", "scale": (2048, 512), "keep_ratio": True},
                {"type": "LoadAnnotations", "reduce_zero_label": True},
                {"type": "PackSegInputs"},
            ],
        },
    },
    "val_evaluator": {"type": "IoUMetric", "iou_metrics": ["mIoU"]},
    "optim_wrapper": {
        "type": "OptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 1e-4, "weight_decay": 0.05},
        "clip_grad": {"max_norm": 0.01},
        "paramwise_cfg": {"custom_keys": {"backbone": {"lr_mult": 0.1}}},
    },
    "param_scheduler": [
        {"type": "PolyLR", "eta_min": 0, "power": 0.9, "begin": 0, "end": 1000, "by_epoch": False}
    ],
    "train_cfg": {"max_iters": 1000, "val_interval": 500},
    "auto_scale_lr": {"enable": False, "base_batch_size": 16},
}
TRAIN = ("train_dataloader", "dataset", "pipeline")
VAL = ("val_dataloader", "dataset", "pipeline")
DELETE = object()


def config(changes=None, base=CONFIG, file="config.py"):
    """`base` with the values at some paths replaced, added, or (DELETE) taken out."""
    values = copy.deepcopy(base)
    for path, value in (changes or {}).items():
        box = values
        for key in path[:-1]:
            box = box.setdefault(key, {}) if isinstance(box, dict) else box[key]
        if value is DELETE:
            del box[path[-1]]
        else:
            box[path[-1]] = value
    return Config(values, file, {(key,): Source(file, i + 1) for i, key in enumerate(values)})


def fact(value, text="", line=3):
    return Fact(value, Source(LOG, line, text or str(value)))


def curve(name, steps, values, file="scalars.json"):
    count = len(steps)
    return Curve(
        name,
        np.asarray(steps, np.int64),
        np.asarray(values, np.float64),
        np.arange(1, count + 1),
        np.zeros(count, np.int64),
        (file,),
    )


def settings(**given):
    known = {
        "framework": "mmengine 0.10.7",
        "world_size": 8,
        "samples_per_gpu": 2,
        "accumulation": 1,
        "effective_batch": 16,
        "iterations": 1000,
        "max_iters": 1000,
        "test_time_augmentation": "none",
        **given,
    }
    made = {f.name: Fact() for f in fields(Settings)}
    made |= {
        k: v if isinstance(v, Fact) else Fact() if v is None else fact(v) for k, v in known.items()
    }
    return Settings(**made)


def load(path="https://host/swin_small_22k.pth", purpose="init", **listed):
    where = Source(LOG, 7, "The model and loaded state dict do not match exactly")
    source = Source(LOG, 5, f"load model from: {path}")
    return WeightLoad(path, purpose, source, **listed, listed=where if listed else None)


def segment(name="20240101_000000", *, rates=(1e-4, 5e-5, 1e-6), steps=(10, 500, 1000), **given):
    made = Segment(
        name=name,
        environment={},
        config=None,
        curves={"lr": curve("lr", steps, rates), "loss": curve("loss", steps, (3.0, 2.0, 1.0))},
        evaluations=(),
        weights=(),
        messages=(),
        notices={},
    )
    return replace(made, **given)


def run(
    *,
    changes=None,
    values=CONFIG,
    scores=((500, 40.0), (1000, 44.0)),
    samples=2000,
    environment=None,
    console=(),
    weights=None,
    segments=None,
    notices=None,
    path=Path("nowhere"),
    name="run",
    **given,
):
    """A healthy run of `CONFIG` on 8 GPUs, apart from what is given."""
    evaluations = tuple(
        Evaluation("val", step, {"mIoU": v}, Source(LOG, 9, f"mIoU: {v}"), samples)
        for step, v in scores
    )
    block = {"CUDA available": "True", "PyTorch": "2.0.1+cu117", **(environment or {})}
    facts = {key: fact(value) for key, value in block.items() if value is not None}
    parts = segments or (segment(environment=facts, notices=notices or {}),)
    return Run(
        path=path,
        name=name,
        segments=parts,
        config=None if values is None else config(changes, values),
        settings=settings(**given),
        environment=facts,
        curves=parts[-1].curves,
        evaluations=evaluations,
        weights=(load(),) if weights is None else weights,
        messages=(),
        console=console,
        checkpoints=(),
        files=(),
        unread=(),
    )


def context(made=None, *, row=ROW, expected=CONFIG, gap=-6.0, **given):
    made = made or run()
    mine = None if made.config is None else terms_of(made.config)
    theirs = None if expected is None else terms_of(config(base=expected, file=ROW.config))
    found = differences(mine, theirs) if mine is not None and theirs is not None else ()
    return RunContext(made, mine, theirs, found, row=row, gap=gap, **given)


def verdict_on(name, given, kind=Found):
    """What is made of a cause in a run, which must be of this kind."""
    known = cause(name)
    verdict = known.detect(given) if given.parity is None else examine(known, given)
    assert isinstance(verdict, kind), verdict
    return verdict


def launch(count=3):
    text = "error in ms_deformable_im2col_cuda: no kernel image is available"
    return Message("kernel-launch", Source("nohup.out", 2, text), count, 2 + count)
