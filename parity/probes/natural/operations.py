"""Every step as its author would write it: name, signature, and how it is run on seeded inputs."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from numpy.random import RandomState

from parity.pipeline import Step
from parity.probes import Probe
from parity.probes.natural import masks, recipe, samples, tensors
from parity.probes.natural.signature import Caller
from parity.steps import collate as collates
from parity.steps import (
    crop,
    deform_attn,
    dino,
    flip,
    infer,
    iou,
    load,
    logits,
    loss,
    maps,
    mask,
    mosaic,
    multiscale,
    optim,
    photometric,
    tone,
    warp,
)
from parity.steps import pad as pads
from parity.steps import resize as resizes
from parity.steps import schedule as schedules
from parity.steps.collate import MEAN, STD
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

    function: ours, whose signature is the documented one. run: calls a function like
    it, ours, the reference's or anybody's, ``run(function, value, rng, **options)``.
    meant: options that a function without them is taken to have, where these are not our defaults.
    also: other names people give it. akin: the functions of ours that it does for, where
    these are others than `function` alone.
    """

    name: str
    function: Callable[..., Any]
    run: Run
    also: tuple[str, ...] = ()
    akin: tuple[str, ...] = ()
    meant: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stands_for(self) -> tuple[str, ...]:
        """Names of the functions that `parity check` runs in its place."""
        return self.akin or (self.function.__name__,)

    @cached_property
    def usual(self) -> dict[str, Any]:
        """Options with the values that a function without them is taken to have."""
        parameters = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in parameters if p.default is not p.empty}
        return {**own, **_USUAL, **self.meant}

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


def _loss(name: str, *also: str, **meant: Any) -> Operation:
    return Operation(name, getattr(loss, name), tensors.loss, also, meant=meant)


def _image(name: str, function: Callable[..., Any], *also: str) -> Operation:
    return Operation(name, function, samples.augmented, also)


# Of heads whose class computes its loss in a way of its own.
_OWN_LOSSES = (
    *(loss.knet_loss, loss.da_head_loss, loss.enc_head_loss, loss.stdc_head_loss),
    *(loss.ddr_head_loss, loss.pid_head_loss, loss.depth_head_loss),
)

_OF_LABELS = {"reduce_zero_label": True, "label_map": None}
_POSITIONS = ("interpolate_pos_encoding", "interpolate_pos_embed")

OPERATIONS: tuple[Operation, ...] = (
    Operation("load", load.load_sample, samples.loaded, meant=_OF_LABELS),
    Operation(
        "resize",
        resizes.random_resize_sample,
        samples.resized,
        akin=("random_resize_sample", "resize_sample"),
    ),
    _image("random_choice_resize", multiscale.random_choice_resize_sample),
    _image("resize_shortest_edge", multiscale.resize_shortest_edge_sample),
    _image("resize_to_multiple", multiscale.resize_to_multiple_sample),
    _image("pad", pads.pad_sample),
    _image("crop", crop.crop_sample),
    _image("flip", flip.flip_sample),
    _image("photometric", photometric.photometric_sample),
    _image("rotate", warp.rotate_sample, "random_rotate", "RandomRotate"),
    _image("rot_flip", warp.rot_flip_sample, "random_rot_flip", "RandomRotFlip"),
    _image("cut_out", warp.cut_out_sample, "cutout", "random_cutout", "RandomCutOut"),
    _image("adjust_gamma", tone.adjust_gamma_sample, "AdjustGamma"),
    _image("clahe", tone.clahe_sample, "CLAHE"),
    _image("rerange", tone.rerange_sample, "Rerange"),
    _image("to_gray", tone.to_gray_sample, "rgb_to_gray", "RGB2Gray"),
    Operation("generate_edge", maps.generate_edge_sample, samples.edged, ("GenerateEdge",)),
    Operation("depth_mix", maps.depth_mix_sample, tensors.Whole("sample"), ("RandomDepthMix",)),
    Operation("concat_images", maps.concat_images_sample, tensors.Whole("sample")),
    Operation("mosaic", mosaic.mosaic_sample, tensors.Whole("sample"), ("RandomMosaic",)),
    Operation("collate", collates.collate, samples.collated, ("collate_sample", "collate_samples")),
    Operation("resize_logits", logits.resize_logits, tensors.resized),
    Operation("postprocess_logits", logits.postprocess_logits, tensors.postprocessed),
    Operation("slide_windows", infer.slide_windows, tensors.keywords),
    Operation("whole_inference", infer.whole_inference, tensors.inferred),
    Operation("slide_inference", infer.slide_inference, tensors.inferred),
    Operation("inference", infer.inference, tensors.inferred),
    Operation("predict", infer.predict, tensors.inferred),
    Operation("tta_views", infer.tta_views, tensors.Whole("sample")),
    Operation("merge_tta", infer.merge_tta, tensors.Whole("predictions")),
    Operation("predict_tta", infer.predict_tta, tensors.Whole("samples")),
    _loss("cross_entropy", "cross_entropy_loss", "CrossEntropyLoss"),
    _loss("binary_cross_entropy", "binary_cross_entropy_loss", "BCEWithLogitsLoss"),
    _loss("mask_cross_entropy"),
    _loss("dice_loss", "DiceLoss"),
    _loss("focal_loss", "FocalLoss"),
    # The reference's default, "mean", is refused where per_image is not given.
    _loss("lovasz_loss", "LovaszLoss", reduction="none"),
    _loss("tversky_loss", "TverskyLoss"),
    _loss("boundary_loss", "BoundaryLoss"),
    _loss("ohem_cross_entropy", "OhemCrossEntropy"),
    _loss("kl_div_loss", "KLDivLoss"),
    _loss("hausdorff_loss", "HuasdorffDisstanceLoss"),
    _loss("si_log_loss", "SiLogLoss"),
    Operation("accuracy", loss.accuracy, tensors.measure),
    Operation("ohem_weights", loss.ohem_weights, tensors.measure),
    Operation("decode_head_loss", loss.decode_head_loss, tensors.head, ("loss_by_feat",)),
    Operation("loss", loss.decode_head_loss, tensors.criterion, ("criterion",)),
    Operation("mask_targets", mask.mask_targets, masks.segmented),
    Operation("class_cost", mask.class_cost, tensors.keywords),
    Operation("mask_cross_entropy_cost", mask.mask_cross_entropy_cost, tensors.keywords),
    Operation("mask_focal_cost", mask.mask_focal_cost, tensors.keywords),
    Operation("dice_cost", mask.dice_cost, tensors.keywords),
    Operation("assign_queries", mask.assign_queries, masks.matched, ("hungarian_match",)),
    Operation("sample_points", mask.sample_points, tensors.keywords, ("point_sample",)),
    Operation("draw_uncertain_points", mask.draw_uncertain_points, masks.pointed),
    Operation("mask2former_match", mask.mask2former_match, masks.matched),
    Operation("maskformer_match", mask.maskformer_match, masks.matched),
    Operation("mask2former_loss", mask.mask2former_loss, masks.headed),
    Operation("maskformer_loss", mask.maskformer_loss, masks.headed),
    Operation("san_loss", mask.san_loss, masks.headed),
    Operation("point_head_inference", mask.point_head_inference, tensors.keywords),
    Operation("point_head_loss", mask.point_head_loss, masks.headed),
    *(Operation(one.__name__, one, masks.headed) for one in _OWN_LOSSES),
    Operation("mask2former_inference", mask.mask2former_inference, tensors.keywords),
    Operation("maskformer_inference", mask.maskformer_inference, tensors.keywords),
    Operation("intersect_and_union", iou.intersect_and_union, recipe.counted),
    Operation("class_ratios", iou.class_ratios, recipe.rated),
    Operation("IoUMetric", iou.IoUMetric, recipe.evaluated),
    Operation("format_prediction", format_prediction, tensors.Whole("pred")),
    Operation("lr_table", schedules.lr_table, recipe.scheduled, ("make_scheduler",)),
    Operation("param_groups", optim.param_groups, recipe.grouped),
    Operation("clip_gradients", optim.clip_gradients, recipe.clipped),
    Operation("accumulation_plan", optim.accumulation_plan, recipe.accumulated),
    Operation("train", optim.train, recipe.trained),
    Operation(
        "multi_scale_deformable_attention",
        deform_attn.multi_scale_deformable_attention,
        tensors.attended,
    ),
    Operation("initial_sampling_bias", deform_attn.initial_sampling_bias, tensors.keywords),
    Operation("interpolate_positions", dino.interpolate_positions, tensors.positioned, _POSITIONS),
    Operation("dinov2", dino.dinov2, tensors.backbone),
)


def step_of(
    name: str, function: Callable[..., Any], options: Mapping[str, Any] | None = None
) -> Step:
    """A step called `name` of one of our functions, run like any function in its place."""
    run = next(one.run for one in OPERATIONS if one.function is function)
    return Step(name, function, options or {}, run)


def probe(
    name: str, function: Callable[..., Any], make: Callable[[int], Any], /, **options: Any
) -> Probe:
    """A probe of the step called `name` of one of our functions, with these options."""
    return Probe(step_of(name, function, options), make)


@cache
def by_name() -> dict[str, Operation]:
    """Every operation under each of its plain names."""
    return {name: one for one in OPERATIONS for name in (one.name, *one.also)}
