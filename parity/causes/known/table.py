"""Causes whose whole body is that some settings differ."""

from functools import partial

from parity.causes.cause import (
    NO_CONFIG,
    NO_ROW,
    UNMEASURED,
    Cause,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.settings import SettingDifference

SHOWN = 4
_ALIGNING = (
    "scale", "keep_ratio", "size_divisor", "scale_factor", "interpolation", "position", "max_size"
)  # fmt: skip


def nothing_to_compare(context: RunContext) -> Unchecked | None:
    """Why settings cannot be held against expected ones; None when they can."""
    if context.mine is None:
        return NO_CONFIG
    return NO_ROW if context.expected is None else None


def listed(items: tuple[SettingDifference, ...]) -> str:
    """The first few differences, and how many more."""
    text = "; ".join(item.text for item in items[:SHOWN])
    return text + (f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def evidence_of(context: RunContext, items: tuple[SettingDifference, ...]) -> tuple[Evidence, ...]:
    """Where the run's config writes each difference, none twice."""
    found = [e for item in items for e in context.evidence(item.source, item.here)]
    return tuple({(e.file, e.line): e for e in found}.values())


def settings_differ(what: str, paths: tuple[str, ...], context: RunContext) -> Verdict:
    """Found when any setting that `paths` fit differs."""
    found = context.differing(*paths)
    if found:
        evidence = evidence_of(context, found)
        return Found(evidence, "certain", "both configs state it", listed(found))
    return nothing_to_compare(context) or RuledOut(f"{what}: as in {context.expected_name}")


def _row(
    name: str,
    what: str,
    title: str,
    mechanism: str,
    fix: str,
    *,
    paths: tuple[str, ...],
    along: tuple[str, ...] = (),
    effects: tuple[Effect, ...] = (UNMEASURED,),
    step: str = "",
    words: tuple[str, ...] = (),
) -> None:
    """along: settings that come with it, but are not it by themselves."""
    seen = f"{what} in the run's config, held against the zoo's or the other run's"
    known = Cause(name, title, mechanism, fix, seen, effects, paths=(*paths, *along), step=step,
                  words=words, is_setting=True)  # fmt: skip
    known(partial(settings_differ, what, paths))


_row(
    "align-corners",
    "align_corners",
    "align_corners flipped",
    "Resizing logits with align_corners the other way shifts every prediction by a fraction "
    "of a cell.",
    "Set align_corners of each head as the zoo's config does.",
    paths=("model.*.align_corners",),
    effects=(Effect("COCO-Stuff: 0 to 0.2; the thread is not recorded", "", "unmeasured"),),
    step="logits_resize*",
    words=("align",),
)
_row(
    "alt-pretrain",
    "weights to start from",
    "Other weights to start from",
    "Weights pretrained on ImageNet-1k stand in for ImageNet-22k ones, or come from another "
    "training.",
    "Use the file that the zoo's config names; compare its checksum.",
    paths=("model.*.checkpoint", "load_from"),
    effects=(
        Effect.within(2.5, "Segmenter-L 48.8 -> 51.3, partly the decoder", "rstrudel/segmenter#7"),
    ),
)
_row(
    "amp",
    "precision",
    "Precision differs",
    "Mixed precision rounds activations and gradients to 16 bits and scales the loss; the "
    "zoo's figure was made with another setting.",
    "Use the optim_wrapper type, dtype and loss_scale of the zoo's config.",
    paths=("optim_wrapper.type", "optim_wrapper.dtype", "optim_wrapper.loss_scale*"),
    effects=(
        Effect(
            "HRNet + OCR: a difference called significant, without a figure", "M#1584", "unmeasured"
        ),
    ),
)
_row(
    "avg-non-ignore",
    "avg_non_ignore of the losses",
    "Loss averaged over other pixels",
    "avg_non_ignore divides by the valid pixels alone (torch's default); mmseg by default "
    "divides by all pixels, ignored ones too.",
    "Set avg_non_ignore as the zoo's config does.",
    paths=("model.*.avg_non_ignore",),
    effects=(
        Effect.within(0.99, "VOC DeepLabV3+ 75.93 -> 76.92 with avg_non_ignore, one run", "M#1057"),
    ),
    step="loss_ce*",
    words=("non-ignore", "avg", "average"),
)
_row(
    "cat-max-ratio",
    "cat_max_ratio of the crop",
    "cat_max_ratio differs",
    "mmseg draws a crop again when one class covers more than 0.75 of it; the official "
    "Mask2Former uses 1.0.",
    "Set cat_max_ratio as the zoo's config does.",
    paths=("train_dataloader.*.RandomCrop.cat_max_ratio",),
    step="crop",
    words=("ratio",),
)
_row(
    "channel-order",
    "normalisation",
    "Channel order or normalisation differs",
    "Mean and deviation are in RGB order and images are BGR; without bgr_to_rgb, or with "
    "other numbers, pretrained weights see other inputs.",
    "Copy mean, std and bgr_to_rgb of the data_preprocessor.",
    paths=tuple(
        f"model.data_preprocessor.{key}" for key in ("mean", "std", "bgr_to_rgb", "rgb_to_bgr")
    ),
    step="collate*",
    words=("bgr", "rgb", "channel", "mean", "std"),
)
_row(
    "crop-size",
    "size of the training crop",
    "Crop size differs",
    "A larger crop shows more context per step; zoo rows of 512 and 640 are different results.",
    "Compare with the row of the same crop, or train with its crop.",
    paths=("train_dataloader.*.RandomCrop.crop_size",),
    along=("model.data_preprocessor.size",),
    effects=(
        Effect.within(0.16, "K-Net 640 for 512: +0.16", "zoo"),
        Effect.within(0.49, "SegFormer-B5 640 for 512: +0.49", "zoo"),
    ),
)
_row(
    "grad-clip",
    "gradient clipping",
    "Gradient clipping differs",
    "Mask2Former clips the whole model's gradient norm to 0.01; without it, or with another "
    "limit, every step differs.",
    "Copy clip_grad from the zoo's config.",
    paths=("optim_wrapper.clip_grad*",),
    step="optim_clip",
)
_row(
    "test-align",
    "resizing before the test",
    "Test resizing differs",
    "An input that is no multiple of the stride is scored otherwise than one resized to a "
    "multiple.",
    "Use the zoo's test pipeline.",
    paths=(
        "val_dataloader.*Resize",
        "val_dataloader.*ResizeToMultiple",
        "val_dataloader.*ResizeShortestEdge",
        *(f"val_dataloader.*Resize*.{key}" for key in _ALIGNING),
    ),
    effects=(
        Effect.within(0.56, "K-Net Swin-L 52.05 -> 52.61 when aligned", "M#1607"),
        Effect.within(0.47, "OCRNet +0.47", "M#1607"),
        Effect.within(0.06, "DeepLabV3+ +0.06", "M#1607"),
        Effect.within(0.96, "SegFormer AlignedResize +0.64 to +0.96", "M#1607"),
    ),
    step="resize",
    words=("multiple", "align"),
)
_row(
    "paramwise",
    "parameter groups",
    "Parameter groups differ",
    "lr_mult, decay_mult or the layer decay are missing or differ, so parts of the model "
    "train with other rates.",
    "Copy paramwise_cfg and the optimizer's constructor from the zoo's config, and compare "
    "the groups.",
    paths=("optim_wrapper.paramwise_cfg*", "optim_wrapper.constructor"),
    effects=(Effect.within(2.0, "MAE loses about 2 points", "facebookresearch/mae#52"),),
    step="optim_groups",
)
_row(
    "photometric",
    "PhotoMetricDistortion",
    "Photometric distortion differs",
    "mmseg turns hue by +-18 of 180 in OpenCV's HSV and draws whether contrast comes early "
    "or late; ports differ in range, order or colour space.",
    "Use PhotoMetricDistortion with the zoo's options, or port it literally.",
    paths=("train_dataloader.*.PhotoMetricDistortion*",),
    step="photometric",
)
_row(
    "resize-backend",
    "reading and resizing",
    "Another library reads or resizes the images",
    "PIL antialiases when it shrinks, OpenCV does not, tensors vary.",
    "Read and resize with OpenCV.",
    paths=("*.pipeline.*.backend", "*.pipeline.*.imdecode_backend"),
    effects=(
        Effect(
            "ImageNet ResNet-50: 0.1 to 0.3 points of top-1 accuracy",
            "open-mmlab/mmpretrain#94",
            low=-0.3,
            high=-0.1,
            metric="top-1",
        ),
    ),
    step="resize",
    words=("pil", "antialias", "backend", "bicubic", "area"),
)
_row(
    "slide-whole",
    "test_cfg",
    "Sliding window or whole image",
    "Scores of sliding windows and of whole images are not directly comparable.",
    "Use the zoo's test_cfg.",
    paths=("model.test_cfg*",),
    effects=(
        Effect(
            "called not directly comparable, without a figure",
            "facebookresearch/ConvNeXt#1",
            "unmeasured",
        ),
    ),
    step="infer_slide*",
)
_row(
    "warm-up",
    "warm-up",
    "Warm-up differs",
    "Without a warm-up, or with another one, the first updates of a pretrained transformer "
    "are made at the full rate.",
    "Copy the first scheduler of the zoo's config.",
    paths=("param_scheduler.LinearLR*", "param_scheduler.ConstantLR*"),
    along=("param_scheduler.*.begin",),
)
