"""Label 0 left in, taken out twice, or taken out on one side only."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, Path, dataset, kind_of, place_evidence, transform
from parity.runs.datasets import KNOWN
from parity.runs.facts import Config


def _reads(config: Config, split: str) -> tuple[bool | None, Path]:
    """Whether the split's labels are reduced, and what decides it."""
    owner, place = dataset(config, split)
    item, at = transform(config, split, "LoadAnnotations")
    option: Any = item.get("reduce_zero_label") if item is not None else None
    if isinstance(option, bool):
        return option, (*at, "reduce_zero_label")
    given = owner.get("reduce_zero_label")
    if isinstance(given, bool):
        return given, (*place, "reduce_zero_label")
    listed = KNOWN.get(kind_of(owner))  # the default of the data set's class
    return (listed.reduces if listed is not None else None), place


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    (train, train_at), (val, val_at) = _reads(config, "train"), _reads(config, "val")
    if train is None or val is None:
        return Unchecked(
            "whether both sides reduce label 0 is not in the config", "both LoadAnnotations options"
        )
    evidence = (*place_evidence(context, *train_at), *place_evidence(context, *val_at))
    if train != val:
        detail = f"reduce_zero_label is {train} in training and {val} in validation"
        why = "the config states both; every class is then off by one between them"
        return Found(evidence, "certain", why, detail)
    if context.expected is not None:
        expected = _reads(context.expected, "train")[0]
        if expected is not None and expected != train:
            detail = f"reduce_zero_label is {train}, {expected} in the zoo's config"
            return Found(evidence, "certain", "both configs state it", detail)
    return RuledOut(f"reduce_zero_label is {train} in training and in validation", evidence)


CAUSE = Cause(
    id="reduce-zero",
    title="Labels off by one: label 0 handled in two ways",
    mechanism=(
        "ADE20K's label 0 becomes 255 and every other is lowered by one; left out, done twice, or "
        "done on one side only, the model is scored on other classes than it learnt."
    ),
    effects=(Effect("IoU stays constant; no figure", "M#2050, M#1609", "unmeasured"),),
    fix="Set reduce_zero_label alike, as the zoo's config does, in data sets and pipelines.",
    detect=_detect,
    kind="broken",
    step="load*",
    words=("zero", "reduce", "254", "255"),
)
