"""Healthy trainings of every kind, each trained as its own config says, and which are twins."""

from dataclasses import dataclass
from typing import Any

from runs.plan import FCN, MASK2FORMER, Part, WorkDirectory, one

UPERNET = "upernet_r18-tiny-gn_1xb2-40_ade20k-64x64"
DEEPLAB = "deeplabv3plus_r18-tiny-gn_1xb2-40_ade20k-64x64"
SEGFORMER = "segformer_mit-tiny-gn_1xb2-40_ade20k-64x64"
DINOV2 = "dinov2-tiny_linear_1xb2-40_ade20k-64x64"
KNET = "knet-s2_r18-tiny-gn_1xb2-40_ade20k-64x64"
FORTY = {
    "train_cfg": {"max_iters": 40, "val_interval": 20},
    "param_scheduler": [
        {"type": "PolyLR", "eta_min": 0, "power": 0.9, "end": 40, "by_epoch": False}
    ],
    "default_hooks": {"checkpoint": {"interval": 20}, "logger": {"interval": 5}},
}
TWO = {"train_dataloader": {"batch_size": 1}, "env_cfg": {"dist_cfg": {"backend": "gloo"}}}
AMP = {"optim_wrapper": {"type": "AmpOptimWrapper", "dtype": "bfloat16"}}
VAL = {"val_dataloader": {"batch_size": 2}}
# Twice the iterations of half the samples: as many updates, from as many samples each.
ACCUMULATED = {
    "optim_wrapper": {"accumulative_counts": 2},
    "train_dataloader": {"batch_size": 1},
    "train_cfg": {"max_iters": 120, "val_interval": 60},
    "param_scheduler": [
        {"type": "PolyLR", "eta_min": 1e-4, "power": 0.9, "begin": 0, "end": 120, "by_epoch": False}
    ],
}
EMA = {"custom_hooks": [{"type": "EMAHook", "momentum": 0.1, "priority": 49}]}
# Sixteen batches an epoch.
EPOCHS = {
    "train_cfg": {
        "_delete_": True,
        "type": "EpochBasedTrainLoop",
        "max_epochs": 3,
        "val_interval": 1,
    },
    "train_dataloader": {"sampler": {"type": "DefaultSampler", "shuffle": True}},
    "param_scheduler": [
        {
            "type": "PolyLR",
            "eta_min": 1e-4,
            "power": 0.9,
            "begin": 0,
            "end": 3,
            "by_epoch": True,
            "convert_to_iter_based": True,
        }
    ],
    "log_processor": {"by_epoch": True},
    "default_hooks": {
        "checkpoint": {"by_epoch": True, "interval": 1, "save_best": "mIoU"},
        "logger": {"log_metric_by_epoch": True},
    },
}
ADAMW = {
    "optim_wrapper": {"optimizer": {"_delete_": True, "type": "AdamW", "lr": 0.001}},
    "param_scheduler": [
        {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "begin": 0, "end": 10},
        {"type": "CosineAnnealingLR", "by_epoch": False, "begin": 10, "end": 60, "T_max": 50},
    ],
}
STEPS = {
    "param_scheduler": [
        {"type": "MultiStepLR", "by_epoch": False, "milestones": [25, 35], "end": 40}
    ]
}
CONSTANT = {"param_scheduler": None}
KEPT = {"default_hooks": {"checkpoint": {"max_keep_ckpts": 1, "save_best": "auto"}}}
LONG_META = (
    "img_path", "seg_map_path", "ori_shape", "img_shape", "pad_shape", "scale_factor", "flip",
    "flip_direction", "reduce_zero_label",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two runs that differ in nothing that counts."""

    run: str
    other: str


def _resumed(
    name: str, config: str, changes: dict[str, Any], *, seed: int = 0, **more: Any
) -> WorkDirectory:
    """Interrupted, and started again with --resume."""
    first = Part(config=config, seed=seed, changes=changes, stop="interrupt", stop_at=33, **more)
    resumed = {**changes, "resume": True}
    return WorkDirectory(
        name=name,
        parts=(first, Part(config=config, seed=seed, changes=resumed, **more)),
        console=True,
    )


def _meta() -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "reduce_zero_label": True},
        {"type": "RandomResize", "scale": (256, 64), "ratio_range": (0.5, 2.0), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": (64, 64), "cat_max_ratio": 0.75},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "PhotoMetricDistortion"},
        {"type": "PackSegInputs", "meta_keys": LONG_META},
    ]
    return {"train_dataloader": {"dataset": {"pipeline": steps}}}


def _repeated() -> dict[str, Any]:
    data = {"type": "ADE20KDataset", "data_root": "data/ade/ADEChallengeData2016"}
    folders = {"img_path": "images/training", "seg_map_path": "annotations/training"}
    pipeline = [
        *_meta()["train_dataloader"]["dataset"]["pipeline"][:-1],
        {"type": "PackSegInputs"},
    ]
    inner = {**data, "data_prefix": folders, "pipeline": pipeline}
    repeated = {"_delete_": True, "type": "RepeatDataset", "times": 4, "dataset": inner}
    return {"train_dataloader": {"dataset": repeated}}


def _merged(*changes: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for change in changes:
        for key, value in change.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _merged(merged[key], value) if both else value
    return merged


def _plain(
    name: str, config: str, *changes: dict[str, Any], seed: int = 0, processes: int = 1
) -> WorkDirectory:
    return one(
        name, config, changes=_merged(*changes), seed=seed, processes=processes, console=True
    )


HEADS = {
    "fcn": (FCN, {}),
    "upernet": (UPERNET, {}),
    "segformer": (SEGFORMER, {}),
    "knet": (KNET, {}),
    "deeplabv3plus": (DEEPLAB, {}),
    "mask2former": (MASK2FORMER, FORTY),
    "dinov2": (DINOV2, {}),
}
VARIANTS = (
    *(
        _plain(f"{head}-{seed}", config, changes, seed=seed)
        for head, (config, changes) in HEADS.items()
        for seed in (0, 1)
    ),
    _plain("fcn-two-processes-2", FCN, TWO, seed=2, processes=2),
    _plain("fcn-two-processes-3", FCN, TWO, seed=3, processes=2),
    _plain("segformer-two-processes-2", SEGFORMER, TWO, VAL, seed=2, processes=2),
    _plain("fcn-val-batch-2", FCN, VAL, seed=4),
    _plain("knet-val-batch-2", KNET, VAL, seed=4),
    _resumed("fcn-resumed", FCN, {}, seed=5),
    _resumed("segformer-resumed", SEGFORMER, {}, seed=5),
    _resumed("mask2former-resumed", MASK2FORMER, _merged(FORTY, TWO), seed=5, processes=2),
    _plain("fcn-amp", FCN, AMP),
    _plain("upernet-amp", UPERNET, AMP),
    _plain("fcn-accumulated", FCN, ACCUMULATED, seed=6),
    _plain("fcn-ema", FCN, EMA),
    _plain("fcn-epochs-0", FCN, EPOCHS),
    _plain("fcn-epochs-1", FCN, EPOCHS, seed=1),
    _resumed("fcn-epochs-resumed", FCN, EPOCHS, seed=2),
    _plain("segformer-meta-keys", SEGFORMER, _meta(), seed=6),
    _plain("deeplabv3plus-kept", DEEPLAB, KEPT, seed=6),
    _plain("upernet-repeated", UPERNET, _repeated(), seed=6),
    _plain("fcn-adamw-cosine", FCN, ADAMW),
    _plain("upernet-steps", UPERNET, STEPS),
    _plain("deeplabv3plus-constant", DEEPLAB, CONSTANT),
)
PAIRS = (
    *(Pair(f"{head}-1", f"{head}-0") for head in HEADS),
    Pair("fcn-two-processes-3", "fcn-two-processes-2"),
    Pair("fcn-two-processes-2", "fcn-0"),
    Pair("segformer-two-processes-2", "segformer-0"),
    Pair("fcn-val-batch-2", "fcn-0"),
    Pair("knet-val-batch-2", "knet-0"),
    Pair("fcn-resumed", "fcn-0"),
    Pair("segformer-resumed", "segformer-0"),
    Pair("mask2former-resumed", "mask2former-0"),
    Pair("fcn-epochs-1", "fcn-epochs-0"),
    Pair("fcn-epochs-resumed", "fcn-epochs-0"),
    Pair("segformer-meta-keys", "segformer-0"),
    Pair("deeplabv3plus-kept", "deeplabv3plus-0"),
    Pair("upernet-repeated", "upernet-0"),
)
