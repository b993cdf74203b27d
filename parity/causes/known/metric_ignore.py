"""Ignored pixels counted in the metric."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.metric import own_metric


def _detect(context: RunContext) -> Verdict:
    return own_metric(context)


CAUSE = Cause(
    id="metric-ignore",
    title="Ignored pixels in the metric",
    mechanism="mmseg masks prediction and label where the label is ignored.",
    effects=(Effect("disputed; no figure", "huggingface/evaluate#421, M#2655", "unmeasured"),),
    fix="Port mmseg's IoUMetric, or use it.",
    detect=_detect,
    step="iou*",
    words=(
        "ignore",
        "255",
    ),
)
