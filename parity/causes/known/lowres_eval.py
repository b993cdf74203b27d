"""Scored on label maps that were resized."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, place_evidence, transforms

_RESIZES = ("Resize", "RandomResize", "ResizeShortestEdge", "ResizeToMultiple", "CenterCrop")


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    items = transforms(config, "val")
    names = [str(item.get("type", "")).rpartition(".")[2] for item, _ in items]
    if "LoadAnnotations" not in names:
        return Unchecked("the validation pipeline loads no labels", "the code that scores")
    at = names.index("LoadAnnotations")
    later = [index for index, name in enumerate(names) if name in _RESIZES and index > at]
    if not later:
        return RuledOut("labels are loaded after the image is resized, at their own size")
    evidence = (
        *place_evidence(context, *items[at][1]),
        *place_evidence(context, *items[later[0]][1]),
    )
    return Found(evidence, "certain", "the config loads labels first, then resizes both")


CAUSE = Cause(
    id="lowres-eval",
    title="Scored on reduced label maps",
    mechanism="Labels are resized with the image, so the score is not of the original size.",
    effects=(Effect("DINOv2-L 41.8 instead of 47.7", "valeoai/Franca#2", low=-5.9, high=-5.9),),
    fix="Load labels after resizing, and score at the original size.",
    detect=_detect,
    step="load_annotation",
    words=("size", "resize"),
)
