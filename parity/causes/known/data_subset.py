"""Fewer images than the data set has."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import KNOWN_SIZES, facts_evidence
from parity.causes.options import NO_CONFIG, NO_ROW, dataset, kind_of, place_evidence
from parity.runs.record import Run


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    owner, place = dataset(config, "train")
    if owner.get("indices") is not None:
        evidence = place_evidence(context, *place, "indices")
        return Found(evidence, "certain", "the config takes a part of the data set")
    if context.other is not None:
        return _sizes(context, *_sizes_of(context.other))
    if context.row is None:
        return NO_ROW
    name = kind_of(owner)
    if name not in KNOWN_SIZES:
        return Unchecked(f"the size of {name} is not known here", "the number of training images")
    return _sizes(context, *KNOWN_SIZES[name])


def _sizes_of(run: Run) -> tuple[int, int]:
    """Training and validation images of another run; 0 where its files do not say."""
    scored = [item.samples for item in run.evaluations if item.samples is not None]
    return run.settings.dataset_size.value or 0, scored[-1] if scored else 0


def _sizes(context: RunContext, training: int, validation: int) -> Verdict:
    found = context.run.settings.dataset_size
    scored = [item for item in context.run.evaluations if item.samples is not None]
    if scored and (scored[-1].samples or 0) < validation:
        evidence = context.evidence(scored[-1].source)
        detail = f"scored on {scored[-1].samples} of {validation} images"
        return Found(evidence, "certain", "the log counts them", detail)
    if found.value is not None and found.value < training:
        detail = f"{found.value} of {training} training images"
        return Found(facts_evidence(context, found), "certain", "the files count them", detail)
    if found.source is not None and found.value is not None:
        return RuledOut(f"{found.value} training images", facts_evidence(context, found))
    return Unchecked("no log counts the training images", "the folder of the training images")


CAUSE = Cause(
    id="data-subset",
    title="Only part of the data",
    mechanism="Fewer, smaller or broken images are trained on, or scored.",
    effects=(
        Effect(
            "DINOv2-B, semi-supervised: 38.7 with 316 images, 49.8 with 2526",
            "LiheYoung/UniMatch-V2",
            low=-11.1,
            high=-11.1,
        ),
    ),
    fix="Use the whole data set.",
    detect=_detect,
)
