"""Scored with another number of views than the zoo's figure."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import facts_evidence


def _detect(context: RunContext) -> Verdict:
    fact = context.run.settings.test_time_augmentation
    if not fact.known:
        return Unchecked("how the score was made is not known", "the log of the test")
    if str(fact.value) in ("none", "off", "False", "ss", "single scale", ""):
        return RuledOut("scored on a single scale, as the zoo's mIoU column is")
    evidence = facts_evidence(context, fact)
    detail = f"{fact.value}; the zoo's mIoU column is of a single scale"
    return Found(evidence, "certain", "the files state it", detail)


CAUSE = Cause(
    id="tta",
    title="Several scales and flips for one",
    mechanism="Test-time augmentation averages over scales and flips and scores higher.",
    effects=(
        Effect("SegFormer 0.74 to 1.57", "zoo", low=0.74, high=1.57),
        Effect("K-Net Swin-L 1.19", "zoo", low=1.19, high=1.19),
        Effect("DINOv2 48.94 against 51.3", "zshn25/DINOv2_mmseg#2", low=2.36, high=2.36),
    ),
    fix="Compare scores that were made in the same way.",
    detect=_detect,
)
