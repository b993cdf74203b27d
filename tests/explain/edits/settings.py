"""Edits of single settings: every leaf that a person might change, each to a likely value."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.explain.edits.edit import ABSENT, Edit, Kind, Place, leaves, named, value_at

ROOTS = (
    "model",
    "train_dataloader",
    "val_dataloader",
    "test_dataloader",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "val_evaluator",
    "default_hooks",
    "custom_hooks",
    "env_cfg",
    "auto_scale_lr",
    "load_from",
)
# What must fit together, so that nobody changes one alone; and what names code.
_FIXED = re.compile(
    r"(in_channels|out_channels|feat_channels|embed_dims|num_feats|num_heads|in_index|out_indices"
    r"|num_outs|num_fcs|num_mask_fcs|num_ffn_fcs|num_transformer_feat_level|arch|depths?|strides"
    r"|feature_strides|block|num_blocks|num_branches|num_modules|num_channels|batch_first|prefix"
    r"|input_transform|norm_type|by_epoch|backend|mp_start_method|requires_grad|pool_scales"
    r"|return_intermediate|num_levels|patch_sizes?|pretrain_img_size|img_size|mlp_ratios?|sr_ratios"
    r"|attention_kernel_\w+|channels|c1_channels|c1_in_channels|ham_channels|ocr_channels"
    r"|\w+_channels|use_sigmoid|num_stages|stdc_type|bottleneck_type|with_cls_token|loss_name"
    r"|inplace|binary_input|pred_act|add_identity|resize_type|coarse_pred_each_layer|reduction"
    r"|betas|class_weight|enforce_\w+|gap_before_final_norm|num_classes|with_ffn|init_cfg"
    r"|log_metric_by_epoch|data_root|num_convs|num_layers|kernel_size|contract_dilation|dilations"
    r"|boundary_threshold|scale_factor|opencv_num_threads|begin|use_abs_pos_embed|patch_norm"
    r"|qkv_bias|window_size|norm_cfg|act_cfg|dropout_layer|up_scale|concat_input|shuffle|mode"
    r"|iou_metrics|seg_map_path|max_size|size|size_divisor|decay_type|imports|allow_failed_imports"
    r"|with_final_conv|final_norm|qk_scale|style|loss_scale|eval_steps|conv_kernel_size)$"
)
_BOOKKEEPING = re.compile(
    r"num_workers$|persistent_workers$|^default_hooks\.|^train_cfg\.val_interval$|^env_cfg\."
    r"|^auto_scale_lr\.|\.with_cp$|^val_dataloader\.batch_size$|\.im2col_step$|^test_dataloader\."
)
_COMPARABILITY = re.compile(r"^val_dataloader\.|^val_evaluator|^model\.test_cfg\.")
_STRINGS = {
    "SyncBN": "BN",
    "BN": "SyncBN",
    "ReLU": "LeakyReLU",
    "GELU": "ReLU",
    "bilinear": "nearest",
    "bicubic": "bilinear",
    "mIoU": "mDice",
    "images/training": "images/training_part",
    "annotations/training": "annotations/training_part",
    "leftImg8bit/train": "leftImg8bit/train_extra",
    "images/validation": "images/validation_part",
    "leftImg8bit/val": "leftImg8bit/test",
}
_FACTORS = {"lr": (10, 0.1), "weight_decay": (10, 0.1), "loss_weight": (2,), "eta_min": (10,)}


def setting_edits(config: Mapping[str, Any]) -> Iterator[Edit]:
    """Each leaf below the keys that the Runner uses, changed by itself."""
    for path, before in leaves({key: config[key] for key in ROOTS if key in config}):
        keys = [key for key in path if isinstance(key, str)]
        if _FIXED.match(keys[-1]) or _second(path):
            continue
        for after in _likely(keys[-1], before):
            yield single(config, path, after)


def _second(path: Place) -> bool:
    """Whether it is of a second data set, which is edited with the first."""
    return any(a == "datasets" and b != 0 for a, b in itertools.pairwise(path))


def single(
    config: Mapping[str, Any], path: Place, after: Any, what: str = "", kind: Kind | None = None
) -> Edit:
    """`path` set to `after`, in every concatenated data set alike."""
    before = value_at(config, path)
    shown = named(config, path)
    places = [place for place in _alike(config, path) if value_at(config, place) == before]
    return Edit(
        path=path,
        named=shown,
        before=before,
        after=after,
        what=what or f"{shown}: {before!r} -> {after!r}",
        kind=kind or kind_of(path),
        changes=tuple((place, after) for place in places),
    )


def _alike(config: Mapping[str, Any], path: Place) -> Iterator[Place]:
    at = path.index("datasets") if "datasets" in path else None
    if at is None or len(path) < at + 2:
        yield path
        return
    for index in range(len(value_at(config, path[: at + 1]))):
        yield (*path[: at + 1], index, *path[at + 2 :])


def kind_of(path: Sequence[str | int]) -> Kind:
    """What an edit of this setting changes."""
    dotted = ".".join(map(str, path))
    if _BOOKKEEPING.search(dotted):
        return "bookkeeping"
    return "comparability" if _COMPARABILITY.search(dotted) else "score"


def _likely(key: str, before: Any) -> tuple[Any, ...]:
    """Values that a person might put there instead."""
    if key == "type" and before not in _STRINGS:
        return ()
    if isinstance(before, bool):
        return (not before,)
    if isinstance(before, str):
        return _strings(key, before)
    if isinstance(before, (int, float)):
        return _numbers(key, before)
    if isinstance(before, (list, tuple)) and before and all(map(_is_number, before)):
        return _sequences(key, before)
    return ()


def _strings(key: str, before: str) -> tuple[str, ...]:
    if key in {"checkpoint", "pretrained"}:
        return ("https://example.org/pretrain/other_backbone_in22k-0123abcd.pth",)
    if key == "ann_file":
        return (before.replace("train", "trainval").replace("val.txt", "test.txt"),)
    if key == "img_path" and before == "JPEGImages":
        return ("JPEGImages_512",)
    return (_STRINGS[before],) if before in _STRINGS else ()


def _numbers(key: str, before: float) -> tuple[float, ...]:
    if key in _FACTORS:
        found = tuple(float(f"{before * factor:.6g}") for factor in _FACTORS[key])
        return found if before else (0.01,)
    if key == "frozen_stages":
        return (1,)
    if key in {"max_iters", "val_interval", "end", "interval", "milestones"}:
        return (before // 2,)
    if key in {"seg_pad_val", "pad_val"}:
        return (0 if before else 114,)
    if key == "momentum":
        return (0.8,)
    if isinstance(before, int):
        return (before * 2,) if before > 0 else (before + 1,)
    if before == 0:
        return (0.1,)
    return (float(f"{before / 2:.6g}"),)


def _sequences(key: str, before: Any) -> tuple[Any, ...]:
    kind = type(before)
    if key == "ratio_range":
        return (kind((0.75, 1.25)), kind((1.0, 1.0)))
    if key == "stride":
        return (kind(value // 2 for value in before),)
    if key in {"mean", "std"}:
        return (kind([0.0, 0.0, 0.0] if key == "mean" else [1.0, 1.0, 1.0]),)
    if key == "scales":
        return (kind(before[: len(before) // 2]),)
    if all(isinstance(value, int) for value in before):
        return (kind(value * 3 // 4 for value in before),)
    return ()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not ABSENT
