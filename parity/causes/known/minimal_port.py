"""A port that left most of the training pipeline out."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Verdict
from parity.causes.options import NO_CONFIG, NO_ROW, dataset, kind_of, place_evidence, transforms

_AUGMENTS = {
    "random resize": ("RandomResize", "RandomChoiceResize"),
    "random crop": ("RandomCrop",),
    "flip": ("RandomFlip",),
    "photometric distortion": ("PhotoMetricDistortion",),
}
FEW = 2  # this many augmentations fewer than the zoo's config is another training


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    if context.expected is None:
        return NO_ROW
    mine = {kind_of(item) for item, _ in transforms(config, "train")}
    theirs = {kind_of(item) for item, _ in transforms(context.expected, "train")}
    left_out = [
        what
        for what, names in _AUGMENTS.items()
        if theirs.intersection(names) and not mine.intersection(names)
    ]
    if len(left_out) < FEW:
        return RuledOut("the training pipeline has the zoo's augmentations")
    evidence = place_evidence(context, *dataset(config, "train")[1], "pipeline")
    return Found(evidence, "certain", "the config states it", f"without {', '.join(left_out)}")


CAUSE = Cause(
    id="minimal-port",
    title="A minimal port of the training",
    mechanism="A linear head and flips alone stand in for the whole pipeline.",
    effects=(
        Effect(
            "DINOv2-S 0.33 instead of 0.44", "facebookresearch/dinov2#385", low=-11.0, high=-11.0
        ),
    ),
    fix="Port the whole pipeline.",
    detect=_detect,
)
