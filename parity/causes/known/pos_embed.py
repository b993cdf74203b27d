"""A ViT's position table of another size than the crop needs."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, kind_of

_VITS = ("VisionTransformer", "ViT", "BEiT", "MAE", "EVA02", "DinoVisionTransformer")


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    backbone = kind_of(config.get("model", "backbone") or {})
    if not any(name.lower() in backbone.lower() for name in _VITS):
        return RuledOut(f"the backbone, {backbone}, has no absolute position table of its own")
    for load in context.run.weights:
        named = [key for key in (*load.mismatched, *load.missing) if "pos_embed" in key]
        if named:
            evidence = (*context.evidence(load.listed), *context.evidence(load.source))
            return Found(evidence, "certain", "the loader lists it", f"{named[0]} was not loaded")
    if context.run.weights:
        return Unchecked(
            "the table was loaded; whether it was resized to the right grid is not in the log",
            "the pretrained file, to compare the table with the checkpoint's",
        )
    return Unchecked("the log loads no weights", "the .log of the start")


CAUSE = Cause(
    id="pos-embed",
    title="Position table not interpolated to the crop",
    mechanism="The table of another image size is dropped, or resized by a rounded scale factor.",
    effects=(
        Effect("iBOT 18 to 20 instead of 38.3", "bytedance/ibot#18", low=-20.3, high=-18.3),
        Effect("no figure", "facebookresearch/dinov2#378", "unmeasured"),
    ),
    fix="Interpolate to an explicit size.",
    detect=_detect,
    kind="broken",
)
