"""Inputs for the `optim` steps."""

from typing import Any

import numpy as np
import torch

from parity.probes import Probe
from parity.probes.natural import probe, step_of
from parity.steps.optim import accumulation_plan, clip_gradients, param_groups, train

# Every kind of parameter the rules tell apart, with names in which several keys occur.
SEGMENTOR: dict[str, Any] = {
    "query_embed": ("Embedding", 3, 4),
    "gamma": ("Parameter", 4),
    "backbone": {
        "pos_embed": ("Parameter", 1, 3, 4),
        "patch_embed": {"projection": ("Conv2d", 3, 4, 1), "norm": ("LayerNorm", 4)},
        "stages": {
            "0": {"attn": ("Linear", 4, 4), "norm": ("LayerNorm", 4)},
            "1": {"dwconv": ("Conv2d", 4, 4, 3, 1, 1, 1, 4), "norm": ("BatchNorm2d", 4)},
        },
        "frozen_stem": {"frozen": True, "conv": ("Conv2d", 3, 4, 1), "bn": ("BatchNorm2d", 4)},
    },
    "decode_head": {
        "norm": ("GroupNorm", 2, 4),
        "instance": ("InstanceNorm2d", 4, 1e-5, 0.1, True),
        "conv_seg": ("Conv2d", 1, 4, 1),
        "prompt": ("Conv1d", 4, 4, 1),
    },
}
SHARED: dict[str, Any] = {**SEGMENTOR, "auxiliary_head": {"norm": "decode_head.norm"}}
CONVNEXT: dict[str, Any] = {
    "backbone": {
        "class": "ConvNeXt",
        "downsample_layers": {str(at): {"0": ("Conv2d", 2, 2, 1)} for at in range(4)},
        "stages": {
            str(stage): {
                str(block): {"gamma": ("Parameter", 2), "conv": ("Conv2d", 2, 2, 1)}
                for block in range(blocks)
            }
            for stage, blocks in enumerate((3, 3, 9, 3))
        },
        "norm3": ("LayerNorm", 2),
    },
    "decode_head": {"conv": ("Conv2d", 2, 3, 1)},
}
TRANSFORMER: dict[str, Any] = {
    "backbone": {
        "class": "BEiT",
        "cls_token": ("Parameter", 1, 1, 2),
        "pos_embed": ("Parameter", 1, 4, 2),
        "patch_embed": {"projection": ("Conv2d", 3, 2, 1)},
        "layers": {
            str(at): {"ln1": ("LayerNorm", 2), "attn": ("Linear", 2, 2)} for at in range(12)
        },
    },
    "neck": {"conv": ("Conv2d", 2, 2, 1)},
}
# Sequential, so that it can be run; BatchNorm sees each batch apart.
NETWORK: dict[str, Any] = {
    "backbone": {"fc": ("Linear", 6, 8), "norm": ("LayerNorm", 8), "act": ("GELU",)},
    "head": {"bn": ("BatchNorm1d", 8), "fc": ("Linear", 8, 3)},
}
KEYS = ("backbone", "norm", "head", "stages.1", ".bias", "pos_embed", "embed", "patch_embed.norm")
MULTIPLIERS = (
    "norm_decay_mult",
    "bias_lr_mult",
    "bias_decay_mult",
    "dwconv_decay_mult",
    "flat_decay_mult",
    "dcn_offset_lr_mult",
)


def make_groups(seed: int) -> dict[str, Any]:
    """Give a layout, rates and a ``paramwise_cfg``.

    Every constructor is among them, with random keys and multipliers.
    """
    rng = np.random.RandomState(seed)
    lr, weight_decay = float(10 ** rng.uniform(-5, -2)), float(rng.choice([0.05, 5e-4]))
    value: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay}
    kind = seed % 6
    if kind == 0:
        return value | {"layout": SEGMENTOR}
    if kind == 1:
        types = ("layer_wise", "stage_wise")
        options = {"num_layers": 6, "decay_rate": 0.9, "decay_type": types[seed // 6 % 2]}
        name = "LearningRateDecayOptimizerConstructor"
        return value | {"layout": CONVNEXT, "paramwise_cfg": options, "constructor": name}
    if kind == 2:
        options = {"num_layers": 12, "layer_decay_rate": float(rng.choice([0.65, 0.9]))}
        name = "LayerDecayOptimizerConstructor"
        return value | {"layout": TRANSFORMER, "paramwise_cfg": options, "constructor": name}
    value["paramwise_cfg"] = _paramwise(rng) | {"bypass_duplicate": kind == 3}
    if kind == 4:
        value["constructor"] = "ForceDefaultOptimWrapperConstructor"
        value["paramwise_cfg"]["force_default_settings"] = bool(seed // 6 % 2)
    return value | {"layout": SHARED if kind == 3 else SEGMENTOR}


def make_gradients(seed: int) -> dict[str, Any]:
    """Give float32 gradients of any shape, some None, and how to clip; NaN in every eighth."""
    rng = np.random.RandomState(seed)
    scale = 10.0 ** rng.randint(-6, 5)
    gradients: list[torch.Tensor | None] = []
    for _ in range(rng.randint(1, 8)):
        shape = tuple(rng.randint(1, 40, rng.randint(0, 3)))
        array = (rng.standard_normal(shape) * scale).astype(np.float32)
        gradients.append(torch.from_numpy(np.asarray(array)))
    if seed % 3 == 0:
        gradients.insert(int(rng.randint(0, len(gradients))), None)
    if seed % 8 == 7:
        odd = float(rng.choice([np.nan, np.inf]))
        gradients.append(torch.tensor([1.0, odd, -0.0]))
    clips: list[dict[str, Any] | None] = [
        {"max_norm": 0.01, "norm_type": 2},
        {"max_norm": 1, "norm_type": 2},
        {"type": "value", "clip_value": 0.2},
        {"type": "norm", "max_norm": 35.0, "norm_type": "inf"},
        {"max_norm": 0.5, "norm_type": 1},
        None,
    ]
    return {"gradients": gradients, "clip_grad": clips[seed % len(clips)]}


def make_counts(seed: int) -> dict[str, int]:
    """Give counts of batches: rounds of one to six, a last one not full, resumed in the middle."""
    rng = np.random.RandomState(seed)
    length = int(rng.randint(1, 30))
    start = int(rng.randint(0, length)) if seed % 3 == 0 else 0
    counts = int(rng.randint(1, 7))
    return {"accumulative_counts": counts, "max_counts": length, "init_counts": start}


def make_training(seed: int) -> dict[str, Any]:
    """Give seven batches, float32 ``(7, 4, 6)``, for a small network, and all that trains it."""
    rng = np.random.RandomState(seed)
    # Each decides for some parameter: the longest key in a name counts.
    keys = {"backbone": {"lr_mult": 0.1}, "head.bn": {"decay_mult": 0.0}}
    adamw = {"type": "AdamW", "lr": 1e-3, "weight_decay": 0.05, "betas": (0.9, 0.999)}
    sgd = {"type": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
    clip = ({"max_norm": 0.01, "norm_type": 2}, {"type": "value", "clip_value": 0.02}, None)
    return {
        "layout": NETWORK,
        "seed": seed,
        "inputs": torch.from_numpy(rng.standard_normal((7, 4, 6)).astype(np.float32)),
        "optimizer": adamw if seed % 2 else sgd,
        "paramwise_cfg": {"custom_keys": keys} if seed % 3 else None,
        "clip_grad": clip[seed % len(clip)],
        "accumulative_counts": 1 + seed % 4,
        "max_counts": 7 if seed % 5 else -1,
    }


def _paramwise(rng: np.random.RandomState) -> dict[str, Any]:
    chosen = rng.choice(KEYS, rng.randint(0, 5), replace=False)
    keys: dict[str, dict[str, float]] = {}
    for key in chosen:
        mults = {"lr_mult": float(rng.choice([0.1, 10.0])), "decay_mult": float(rng.rand())}
        keys[str(key)] = {name: mults[name] for name in mults if rng.rand() < 0.7}
    config: dict[str, Any] = {"custom_keys": keys}
    for name in MULTIPLIERS:
        if rng.rand() < 0.5:
            config[name] = float(rng.choice([0.0, 0.5, 2.0]))
    return config


GROUPS = step_of("optim_groups", param_groups)
PROBES = (
    Probe(GROUPS, make_groups),
    probe("optim_clip", clip_gradients, make_gradients),
    probe("optim_accumulate", accumulation_plan, make_counts),
    probe("optim_train", train, make_training),
)
