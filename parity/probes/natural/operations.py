"""Every step as its author would write it: name, signature, and how it is run on seeded inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from numpy.random import RandomState

from parity.probes.collate import MEAN, STD
from parity.probes.natural import recipe, samples, tensors
from parity.probes.natural.signature import Caller
from parity.steps import collate as collates
from parity.steps import crop, deform_attn, flip, infer, iou, logits, loss, optim, photometric
from parity.steps import resize as resizes
from parity.steps import schedule as schedules
from parity.steps.iou.saved import format_prediction

Run = Callable[..., Any]

# What a function that takes no such option is taken to do: as mmseg's ADE20K configs have it.
_USUAL: Mapping[str, Any] = {
    "ignore_index": 255,
    "num_classes": 150,
    "mean": MEAN,
    "std": STD,
    "crop_size": (512, 512),
    "cat_max_ratio": 0.75,
    "scale": (2048, 512),
    "ratio_range": (0.5, 2.0),
    "keep_ratio": True,
    "prob": 0.5,
    "constructor": "DefaultOptimWrapperConstructor",
}


@dataclass(frozen=True, eq=False)
class Operation:
    """A step under its plain name.

    function: ours, whose signature is the documented one. stands_for: names of the
    functions that `parity check` runs in its place. run: calls a function like it,
    ``run(call, value, rng, **options)``. also: other names people give it.
    """

    name: str
    function: Callable[..., Any]
    stands_for: tuple[str, ...]
    run: Run
    also: tuple[str, ...] = ()

    @cached_property
    def usual(self) -> dict[str, Any]:
        """Options with the values that a function without them is taken to have."""
        parameters = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in parameters if p.default is not p.empty}
        return {**own, **_USUAL}

    def runnable(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, of any signature, as ``(value, rng, **options)``."""
        known = frozenset(inspect.signature(self.function).parameters)
        return Runnable(self, Caller(function, self.usual, known))


@dataclass(frozen=True, eq=False)
class Runnable:
    """A function with a signature of its own that is called as our steps are."""

    operation: Operation
    call: Caller

    def __call__(self, value: Any, rng: RandomState | None = None, **options: Any) -> Any:
        """What it gives on `value`. Raises NotExercised where it cannot be run."""
        return self.operation.run(self.call, value, rng, **options)


def _loss(name: str, *also: str) -> Operation:
    return Operation(name, getattr(loss, name), (f"{name}_with_grad",), tensors.loss, also)


def _image(name: str, function: Callable[..., Any], *stands_for: str) -> Operation:
    return Operation(name, function, stands_for, samples.augmented(function))


OPERATIONS: tuple[Operation, ...] = (
    _image("resize", resizes.random_resize_sample, "random_resize_sample", "resize_sample"),
    _image("crop", crop.crop_sample, "crop_sample"),
    _image("flip", flip.flip_sample, "flip_sample"),
    _image("photometric", photometric.photometric_sample, "photometric_sample"),
    Operation(
        "collate",
        collates.collate,
        ("collate_sample", "collate_samples"),
        samples.collated,
        ("collate_sample", "collate_samples"),
    ),
    Operation(
        "resize_logits",
        logits.resize_logits,
        ("resize_logits_case", "train_logits"),
        tensors.resized,
    ),
    Operation(
        "postprocess_logits",
        logits.postprocess_logits,
        ("postprocess_logits_case", "postprocess_batch"),
        tensors.postprocessed,
    ),
    Operation("slide_windows", infer.slide_windows, ("slide_windows_case",), tensors.keywords),
    Operation(
        "whole_inference", infer.whole_inference, ("whole_inference_case",), tensors.inferred
    ),
    Operation(
        "slide_inference", infer.slide_inference, ("slide_inference_case",), tensors.inferred
    ),
    Operation("inference", infer.inference, ("infer_batch",), tensors.inferred),
    Operation("predict", infer.predict, ("predict_case",), tensors.inferred),
    Operation("tta_views", infer.tta_views, ("tta_views",), tensors.whole("sample")),
    Operation("merge_tta", infer.merge_tta, ("merge_tta_case",), tensors.whole("predictions")),
    Operation("predict_tta", infer.predict_tta, ("predict_tta",), tensors.whole("samples")),
    _loss("cross_entropy", "cross_entropy_loss", "CrossEntropyLoss"),
    _loss("binary_cross_entropy", "binary_cross_entropy_loss", "BCEWithLogitsLoss"),
    _loss("mask_cross_entropy"),
    _loss("dice_loss", "DiceLoss"),
    _loss("focal_loss", "FocalLoss"),
    _loss("lovasz_loss", "LovaszLoss"),
    _loss("tversky_loss", "TverskyLoss"),
    _loss("boundary_loss", "BoundaryLoss"),
    _loss("ohem_cross_entropy", "OhemCrossEntropy"),
    _loss("kl_div_loss", "KLDivLoss"),
    _loss("hausdorff_loss", "HuasdorffDisstanceLoss"),
    _loss("si_log_loss", "SiLogLoss"),
    Operation("accuracy", loss.accuracy, ("accuracy_of",), tensors.measure),
    Operation("ohem_weights", loss.ohem_weights, ("ohem_weights_of",), tensors.measure),
    Operation(
        "decode_head_loss",
        loss.decode_head_loss,
        ("decode_head_loss_with_grad",),
        tensors.head,
        ("loss_by_feat",),
    ),
    Operation(
        "loss",
        loss.decode_head_loss,
        ("decode_head_loss_with_grad",),
        tensors.criterion,
        ("criterion",),
    ),
    Operation("intersect_and_union", iou.intersect_and_union, ("count_image",), recipe.counted),
    Operation("class_ratios", iou.class_ratios, ("rate_counts",), recipe.rated),
    Operation("IoUMetric", iou.IoUMetric, ("evaluate_images", "evaluate_batch"), recipe.evaluated),
    Operation("format_prediction", format_prediction, ("format_image",), tensors.whole("pred")),
    Operation(
        "lr_table", schedules.lr_table, ("lr_table_step",), recipe.scheduled, ("make_scheduler",)
    ),
    Operation("param_groups", optim.param_groups, ("param_groups_step",), recipe.grouped),
    Operation("clip_gradients", optim.clip_gradients, ("clip_gradients_step",), recipe.clipped),
    Operation(
        "accumulation_plan",
        optim.accumulation_plan,
        ("accumulation_plan_step",),
        recipe.accumulated,
    ),
    Operation("train", optim.train, ("train_step",), recipe.trained),
    Operation(
        "multi_scale_deformable_attention",
        deform_attn.multi_scale_deformable_attention,
        ("deform_attn_step",),
        tensors.attended,
    ),
    Operation(
        "initial_sampling_bias",
        deform_attn.initial_sampling_bias,
        ("initial_sampling_bias_step",),
        tensors.keywords,
    ),
)


@cache
def by_name() -> dict[str, Operation]:
    """Every operation under each of its plain names."""
    return {name: one for one in OPERATIONS for name in (one.name, *one.also)}
