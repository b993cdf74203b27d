"""Compared with the result of another training."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, NO_ROW, place_evidence
from parity.zoo.models import model_signature


def _detect(context: RunContext) -> Verdict:
    row, own = context.row, context.own
    if context.other is not None:
        return RuledOut("compared with a run, not with a row")
    if row is None:
        return NO_ROW
    if own is not None and own.name != row.name:
        detail = f"the run's config is that of {own.name} ({own.miou:.2f}), not of {row.name}"
        evidence = place_evidence(context, "model", "backbone")
        return Found(evidence, "certain", f"compared with {row.miou:.2f}", detail)
    if context.run.config is None:
        return NO_CONFIG
    if context.expected is None:
        return Unchecked("the row's config cannot be read", "mmsegmentation, installed")
    mine, theirs = model_signature(context.run.config), model_signature(context.expected)
    if mine == theirs:
        return RuledOut(f"decode head and backbone are those of {row.name}")
    evidence = place_evidence(context, "model", "backbone")
    detail = f"{mine} here, {theirs} in {row.name}"
    return Found(evidence, "certain", "both configs state it", detail)


CAUSE = Cause(
    id="wrong-row",
    title="Compared with another row than its own",
    mechanism="Another backbone, crop or test, or a paper's figure instead of the zoo's.",
    effects=(
        Effect("Mask2Former Swin-S 512 is 51.24; 52.44 is Swin-B 640", "zoo", low=-1.2, high=1.2),
    ),
    fix="Compare with the row of the same config.",
    detect=_detect,
)
