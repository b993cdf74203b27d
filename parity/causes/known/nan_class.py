"""Absent classes counted as 0."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.metric import own_metric


def _detect(context: RunContext) -> Verdict:
    return own_metric(context)


CAUSE = Cause(
    id="nan-class",
    title="Absent classes counted as 0",
    mechanism="mmseg leaves classes that do not occur out of the mean; others count them as 0.",
    effects=(Effect("no figure", "torchmetrics #1693, #2558, #2866", "unmeasured"),),
    fix="Port mmseg's IoUMetric, or use it.",
    detect=_detect,
    step="iou*",
    words=(
        "nan",
        "absent",
    ),
)
