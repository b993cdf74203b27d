"""Every step in words: its signature, what goes in and comes out, and an example that runs."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from parity.probes.natural.operations import OPERATIONS
from parity.steps import load

_LOGITS = "pred float (N, C, H, W); label int64 (N, H, W), 255 ignored"
_LOSS = f"{_LOGITS}; gives a float tensor () or, unreduced, one number a pixel"
_IMAGE = "image uint8 (H, W, 3) BGR; seg uint8 (H, W), 255 ignored; rng RandomState; gives both"
_TONE = "image uint8 (H, W, 3) BGR; gives the same,"
_COST = "pred float (Q, P), logits; target float (G, P), 0 to 1; gives float (Q, G)"
_MATCH = (
    "scores float (Q, C + 1); masks float (Q, h, w), logits; labels int64 (G,); targets int64 "
    "(G, H, W); gives (queries, segments) int64"
)
_QUERIES = "cls_scores float (N, Q, C + 1) and mask_preds float (N, Q, h, w) a layer"
_IMAGES = "model: images to logits; images float (N, 3, H, W)"
# What goes in and comes out, by plain name.
_SCALED = ("random_choice_resize", "resize_shortest_edge", "resize_to_multiple")
_WARPED = ("rotate", "rot_flip", "cut_out")
_TONED = ("adjust_gamma", "clahe", "rerange", "to_gray")
_SHAPES: Mapping[str, str] = {
    "load": "info: img_path, seg_map_path, label_map, reduce_zero_label; gives a Sample",
    "load_image": "path str; gives uint8 (H, W, 3) BGR",
    "load_annotation": "path str; gives uint8 (H, W), 255 ignored",
    **dict.fromkeys((*_SCALED, *_WARPED, "resize", "pad", "crop", "flip"), _IMAGE),
    **dict.fromkeys(("adjust_gamma", "clahe"), f"{_TONE} uint8"),
    "rerange": f"{_TONE} float64 from min_value to max_value",
    "to_gray": f"{_TONE} float64 (H, W, out_channels)",
    "generate_edge": "seg uint8 (H, W), 255 ignored; gives uint8 (H, W), 1 at edges",
    "depth_mix": "sample: Sample with a depth map float32 (H, W); rng RandomState; gives a Sample",
    "concat_images": "sample: Sample with the second image; gives a Sample",
    "mosaic": "sample: Sample; rng RandomState; pool: len(pool) and pool.fetch(index, rng) give "
    "the other three; gives a Sample",
    "photometric": "image uint8 (H, W, 3) BGR; rng RandomState; gives the same",
    "collate": "samples: list of Sample; gives a Batch: images float32 (N, 3, H, W) RGB, "
    "segs int64 (N, H, W), metas",
    "resize_logits": "logits float (N, C, h, w); size (height, width); gives (N, C, height, width)",
    "postprocess_logits": "seg_logits float (N, C, H, W); metas: a mapping an image, or None; "
    "gives (logits (C, h, w), prediction (1, h, w) int64) an image",
    "slide_windows": "height, width int; gives (top, bottom, left, right) a window",
    **dict.fromkeys(
        ("whole_inference", "slide_inference", "inference"),
        f"{_IMAGES}; gives logits float (N, C, H, W)",
    ),
    "predict": f"{_IMAGES}; gives (logits (C, h, w), prediction (1, h, w) int64) an image",
    "tta_views": "sample: Sample; gives a list of Sample",
    "merge_tta": "predictions: (logits, prediction) by image and view; gives one an image",
    "predict_tta": "samples: list of Sample; gives (logits, prediction) a sample",
    "mask_cross_entropy": "pred float (N, C, H, W); label float (N, H, W); mask_class int64 (N,); "
    "gives a float tensor (1,)",
    "focal_loss": "pred float (N, C, H, W); label int64, one-hot (N, C, H, W) or (N, H, W); "
    "gives a float tensor",
    "boundary_loss": "pred float (N, 1, H, W); label int64 (N, H, W) of 0, 1, 255; "
    "gives a float tensor ()",
    "kl_div_loss": "pred, label float (N, C, H, W); gives a float tensor",
    "si_log_loss": "pred, label float (N, 1, H, W) in metres, 0 unknown; gives a float tensor",
    "accuracy": f"{_LOGITS}; gives percent, float tensor (1,), one for each of topk",
    "ohem_weights": f"{_LOGITS}; gives float (N, H, W)",
    "decode_head_loss": "pred float (N, C, h, w); label int64 (N, H, W); gives tensors by name",
    **dict.fromkeys(
        ("knet_loss", "da_head_loss"),
        "preds float (N, C, h, w) a stage or branch; label int64 (N, H, W); gives tensors by name",
    ),
    "enc_head_loss": "pred float (N, C, h, w); se_pred float (N, C); label int64 (N, H, W); "
    "gives tensors by name",
    "stdc_head_loss": "pred float (N, C, h, w); label int64 (N, H, W); gives tensors by name",
    "ddr_head_loss": "context, spatial float (N, C, h, w); label int64 (N, H, W); gives tensors "
    "by name",
    "pid_head_loss": "detail, pred float (N, C, h, w); boundary float (N, 1, h, w); label, edge "
    "int64 (N, H, W); gives tensors by name",
    "depth_head_loss": "pred float (N, 1, h, w); label float (N, 1, H, W), 0 unknown; gives "
    "tensors by name",
    "point_head_inference": "pred, features float (N, C, h, w); metas: a mapping an image; gives "
    "float (N, C, H, W)",
    "point_head_loss": "pred float (N, C, h, w), logits before; features float (N, C, h, w); label "
    "int64 (N, H, W); gives tensors by name",
    "loss": f"{_LOGITS}, resized before; gives a float tensor () or tensors by name",
    "mask_targets": "label int64 (N, H, W), 255 ignored; gives (labels (G,), masks int64 "
    "(G, H, W)) an image",
    "class_cost": "scores float (Q, C + 1), the last for no object; labels int64 (G,); gives float "
    "(Q, G)",
    **dict.fromkeys(("mask_cross_entropy_cost", "mask_focal_cost", "dice_cost"), _COST),
    "assign_queries": "cost float (Q, G); gives (queries, segments) int64, by rising query",
    "sample_points": "maps float (N, H, W); points float (N, P, 2), x and y from 0 to 1; gives "
    "float (N, P)",
    "draw_uncertain_points": "masks float (N, h, w), logits; gives float32 (N, num_points, 2), "
    "drawn from torch's generator",
    **dict.fromkeys(("mask2former_match", "maskformer_match"), _MATCH),
    **dict.fromkeys(
        ("mask2former_loss", "maskformer_loss", "san_loss"),
        f"{_QUERIES}; label int64 (N, H, W), 255 ignored; gives tensors by name",
    ),
    **dict.fromkeys(
        ("mask2former_inference", "maskformer_inference"),
        f"{_QUERIES}; metas: a mapping an image; gives float (N, C, H, W)",
    ),
    "intersect_and_union": "pred, label int (H, W); gives intersect, union, pred and label, "
    "each int64 (num_classes,)",
    "class_ratios": "counts: the four int64 (num_classes,); gives float32 ratios by name",
    "IoUMetric": "update(pred, label) int (H, W), then compute(); or a metric object",
    "format_prediction": "pred int (H, W); gives uint8 (H, W)",
    "lr_table": "base_lrs: float a group; param_scheduler as in a config; "
    "gives float64 (max_iters, groups)",
    "param_groups": "model: nn.Module; gives groups, an optimizer, or the dicts it is made of",
    "clip_gradients": "gradients: float tensors or None; gives these and their norm",
    "accumulation_plan": "gives (loss factor, whether to update) a batch",
    "train": "model: nn.Module; inputs float (batches, N, 6); gives gradients and parameters "
    "by name a batch",
    "multi_scale_deformable_attention": "value float (N, keys, heads, channels); spatial_shapes "
    "int64 (levels, 2); sampling_locations float (N, queries, heads, levels, points, 2); "
    "attention_weights without the last; gives (N, queries, heads * channels)",
    "interpolate_positions": "table float (1, 1 + N * N, C), the class token first; height, width "
    "int, in patches; gives float (1, 1 + height * width, C)",
    "dinov2": "images float (N, 3, H, W); weights: tensors by the original's names; heads int; "
    "gives maps (N, C, H / patch, W / patch), one for each of out_layers",
    "initial_sampling_bias": "gives float32 (heads * levels * points * 2,)",
}
# Their examples are in the form of our steps, ``(sample, rng)``, which is the shorter one.
_DRAWING = frozenset({*_SCALED, *_WARPED, "resize", "pad", "crop", "flip", "photometric"})


@dataclass(frozen=True)
class Described:
    """One step as its author would write it."""

    name: str
    step: str
    signature: str
    shapes: str
    example: str


def described() -> tuple[Described, ...]:
    """Every step, in the order of a training."""
    named: dict[str, Callable[..., Any]] = {
        **{"load": load.load_sample, "load_image": load.load_image},
        **{"load_annotation": load.load_annotation},
        **{operation.name: operation.function for operation in OPERATIONS},
    }
    return tuple(_described(name, function) for name, function in named.items())


def _described(name: str, function: Callable[..., Any]) -> Described:
    shapes = _SHAPES.get(name, _LOSS)
    module = function.__module__.partition(".steps.")[2].partition(".")[0]
    return Described(name, module, _signature(name, function), shapes, _example(name, function))


def _signature(name: str, function: Callable[..., Any]) -> str:
    """As it is written in a file, without types."""
    parameters = [
        one.replace(annotation=inspect.Parameter.empty, default=_default(function, one.default))
        for one in inspect.signature(function).parameters.values()
    ]
    text = str(inspect.Signature(parameters))
    if name == "loss":  # what a head adds to it is the head's
        return "loss(pred, label)"
    if name in ("photometric", *_TONED, "generate_edge"):
        array = "seg" if name == "generate_edge" else "image"
        return f"{name}{text.replace('sample', array).replace(', rng=None', '')}"
    return f"{name}{text.replace('(sample,', '(image, seg,')}" if name in _DRAWING else name + text


class _ByName(NamedTuple):
    """A default that is written as its name."""

    name: str

    def __repr__(self) -> str:
        return self.name


def _default(function: Callable[..., Any], value: Any) -> Any:
    """`value`, or the name that the file of `function` has for one of losses or for a function."""
    if inspect.isbuiltin(value):
        return _ByName(f"torch.{value.__name__}")
    if "LossTerm" not in repr(value):
        return value
    known = getattr(inspect.unwrap(function), "__globals__", {})
    return _ByName(next(name for name, one in known.items() if one is value))


def _example(name: str, function: Callable[..., Any]) -> str:
    """Three lines of a file that is a right candidate; the body is where yours goes."""
    ours = function.__name__
    origin = f"from {function.__module__} import {ours} as ours"
    if inspect.isclass(function):
        return f"{origin}\nclass {name}(ours):\n    pass\n"
    if name == "resize":
        origin = (
            "from parity.steps.resize import random_resize_sample as train, resize_sample as val"
        )
        return (
            f"{origin}\ndef resize(sample, rng, **options):\n"
            f'    return (train if "ratio_range" in options else val)(sample, rng, **options)\n'
        )
    if name == "loss":
        return (
            "from torch.nn.functional import cross_entropy\ndef loss(pred, label):\n"
            '    return cross_entropy(pred, label, ignore_index=255, reduction="none").mean()\n'
        )
    names = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    given = ", ".join((*names[: 1 if len(names) > 3 else 3], "**options"))
    return f"{origin}\ndef {name}({given}):\n    return ours({given})\n"
