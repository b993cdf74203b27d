"""The weights that a training starts from, or that are scored."""

import re

from parity.causes.cause import (
    NO_CONFIG,
    Cause,
    Effect,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import logged_start
from parity.runs.record import WeightLoad
from parity.settings.terms import Terms

_PLACES: tuple[tuple[str, ...], ...] = (
    ("model", "backbone", "init_cfg", "checkpoint"),
    ("model", "init_cfg", "checkpoint"),
    ("model", "backbone", "checkpoint"),
    ("load_from",),
)
_NO_PRETRAINED = "no_pretrained"
# What Swin's and classifiers' files rightly hold more or less (M#2509), and a bookkeeping tensor.
_MISSING_ALLOWED = re.compile(r"(?:.*\.)?norm[0-3]\.(?:weight|bias)|.*num_batches_tracked")
_SURPLUS_ALLOWED = re.compile(r".*attn_mask|.*relative_position_index|(?:head|fc|norm)\..*")
# The heads of a segmentor are new when a file of a backbone initialises it.
_HEADS = re.compile(r"(?:decode_head|auxiliary_head|neck|conv_seg)\b.*")
_CLASSIFIERS = re.compile(
    r"(?:\w+_head|head)\b.*(?:conv_seg|cls_seg|cls_embed|class_embed|fc_cls|classifier|conv_mask)"
    r"\.(?:weight|bias)"
)
# Backbones of mmseg 1.2.2 whose init_weights loads non-strictly and lists nothing.
_SILENT = ("SwinTransformer", "BEiT", "MAE", "PIDNet")
# These list it on standard output alone.
_PRINTED = ("VisionTransformer",)
_MMENGINE = re.compile(r"mmengine (\d+)\.(\d+)")
# Logs of mmengine 0.7 exist of trainings that started from weights and do not say so.
_LOGGED = (0, 8)
_VITS = ("VisionTransformer", "ViT", "BEiT", "MAE", "EVA02", "DinoVisionTransformer")


@Cause(
    id="pretrain-absent",
    seen="the log's lines that load weights, and what the config names",
    title="No pretrained weights were loaded",
    mechanism="The backbone starts from random numbers; the early loss is high.",
    effects=(
        Effect.of(
            -18.12,
            "SeMask-T 11.88, 30 or more expected",
            "Picsart-AI-Research/SeMask-Segmentation#15",
        ),
    ),
    fix="Pass the pretrained weights, and look for the line that loads them.",
    kind="broken",
    paths=("model.backbone.init_cfg", "model.init_cfg", "model.*.checkpoint", "load_from"),
)
def _pretrain_absent(context: RunContext) -> Verdict:
    run, terms = context.run, context.mine
    said = [s.notices[_NO_PRETRAINED] for s in run.segments if _NO_PRETRAINED in s.notices]
    if run.weights:
        source = run.weights[0].source
        return RuledOut(f"weights were loaded from {run.weights[0].path}", context.evidence(source))
    if terms is None:
        return NO_CONFIG
    if said:
        return Found(context.evidence(said[0]), "certain", "the log says so")
    named = _named(terms)
    if not named:
        return _not_named(context)
    if not logged_start(context) or "loss" not in run.curves:
        return Unchecked("no log of a training's start is in the run", "the .log of the run")
    version = _MMENGINE.match(run.settings.framework.value or "")
    if version is None or (int(version[1]), int(version[2])) < _LOGGED:
        return Unchecked(
            "the config names weights; mmseg 0.x and early mmengine may load them without a line "
            "in their log",
            "the console of the start",
        )
    evidence = context.of_setting(*named[0])
    return Found(evidence, "likely", "the config names weights, and the log loads none")


def _named(terms: Terms | None) -> list[tuple[str, ...]]:
    if terms is None:
        return []
    return [path for path in _PLACES if isinstance(terms.get(*path), str)]


def _not_named(context: RunContext) -> Verdict:
    if context.expected is None:
        why = "the config names no weights; whether it should is not known"
        return Unchecked(why, "the name of the zoo's config (--against NAME)")
    wanted = _named(context.expected)
    if not wanted:
        return RuledOut(f"{context.expected_name} names no weights either")
    evidence = context.of_setting("model", "backbone", "init_cfg")
    detail = f"{context.expected_name} starts from {context.expected.get(*wanted[0])}"
    return Found(evidence, "certain", "the config names no weights and the log loads none", detail)


@Cause(
    id="keys-unmatched",
    seen="the loader's list of keys that did not match, in the log or the console",
    title="Weights were loaded whose names did not match",
    mechanism="Loading is not strict: what does not match is warned about once and stays random.",
    fix="Convert the keys to the names of the model; the log must list none that matter.",
    kind="broken",
)
def _keys_unmatched(context: RunContext) -> Verdict:
    loads = context.run.weights
    if not loads:
        return Unchecked("the log loads no weights", "the .log of the start; see pretrain-absent")
    for load in loads:
        found = _mismatch(context, load)
        if found is not None:
            return found
    hidden = [why for load in loads if load.listed is None for why in _unlisted(context, load)]
    if hidden:
        return Unchecked(hidden[0], "the captured console (--console FILE), or the file itself",
                         silent=_scored_alone(context))  # fmt: skip
    listed = [load for load in loads if load.listed is not None]
    by = "the log lists no key that did not match"
    by = by if not listed else "only keys that may differ are listed as not matching"
    return RuledOut(by, tuple(e for load in loads for e in context.evidence(load.source)))


def _unlisted(context: RunContext, load: WeightLoad) -> list[str]:
    """Why no listed mismatch does not mean that there was none."""
    if load.purpose != "init":
        if context.run.consoles:
            return []
        return [f"what of {load.path} did not match is printed to the console alone"]
    backbone = "" if context.mine is None else context.mine.item("model", "backbone").kind
    if backbone in _SILENT:
        return [f"{backbone} loads non-strictly and lists nothing, in no file"]
    if backbone in _PRINTED and not context.run.consoles:
        return [f"{backbone} lists what did not match on the console alone"]
    return []


def _scored_alone(context: RunContext) -> bool:
    """Nothing was trained: the weights are all there is to a score."""
    loads = any(load.purpose == "load" for load in context.run.weights)
    return loads and "loss" not in context.run.curves


def _mismatch(context: RunContext, load: WeightLoad) -> Found | None:
    # The last layer of a model for other classes is new, as it should be.
    mismatched = [key for key in load.mismatched if not _CLASSIFIERS.fullmatch(key)]
    missing = [key for key in load.missing if not _MISSING_ALLOWED.fullmatch(key)]
    surplus = [key for key in load.unexpected if not _SURPLUS_ALLOWED.fullmatch(key)]
    backbone = [key for key in missing if not _HEADS.fullmatch(key)]
    if not mismatched and not backbone and not (missing and surplus):
        return None
    detail = (
        f"{len(missing)} missing, {len(surplus)} unexpected, {len(mismatched)} of another "
        f"shape; first missing: {(missing or ['none'])[0]}; "
        f"first unexpected: {(surplus or ['none'])[0]}"
    )
    sure = bool(mismatched or (missing and surplus))
    evidence = (*context.evidence(load.listed), *context.evidence(load.source))
    why = "the loader lists what did not match, and goes on"
    return Found(evidence, "certain" if sure else "likely", why, detail)


@Cause(
    id="pos-embed",
    seen="pos_embed among the keys that did not match",
    title="Position table not interpolated to the crop",
    mechanism="The table of another image size is dropped, or resized by a rounded scale factor.",
    effects=(
        Effect("iBOT 18 to 20 instead of 38.3", "bytedance/ibot#18", low=-20.3, high=-18.3),
        Effect("no figure", "facebookresearch/dinov2#378", "unmeasured"),
    ),
    fix="Interpolate to an explicit size.",
    kind="broken",
    needs_config=True,
)
def _pos_embed(context: RunContext, terms: Terms) -> Verdict:
    backbone = terms.item("model", "backbone").kind
    if not any(name.lower() in backbone.lower() for name in _VITS):
        return RuledOut(f"the backbone, {backbone}, has no absolute position table of its own")
    for load in context.run.weights:
        named = [key for key in (*load.mismatched, *load.missing) if "pos_embed" in key]
        if named:
            evidence = (*context.evidence(load.listed), *context.evidence(load.source))
            return Found(evidence, "certain", "the loader lists it", f"{named[0]} was not loaded")
    if context.run.weights:
        why = "the table was loaded; whether it was resized to the right grid is not in the log"
        return Unchecked(why, "the pretrained file, to compare the table with the checkpoint's")
    return Unchecked("the log loads no weights", "the .log of the start")
