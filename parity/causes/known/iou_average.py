"""IoU averaged per image instead of summed over the data set."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.metric import own_metric


def _detect(context: RunContext) -> Verdict:
    return own_metric(context)


CAUSE = Cause(
    id="iou-average",
    title="IoU averaged per image",
    mechanism="mmseg sums areas over the data set; others average per image or batch.",
    effects=(Effect("no figure", "torchmetrics #1693, #2558, #2866", "unmeasured"),),
    fix="Port mmseg's IoUMetric, or use it.",
    detect=_detect,
    step="iou*",
    words=(
        "per image",
        "average",
        "per batch",
    ),
)
