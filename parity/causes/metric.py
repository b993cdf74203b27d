"""Whether a run was scored by mmseg's own metric."""

from __future__ import annotations

from parity.causes.cause import RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, kind_of, place_evidence


def own_metric(context: RunContext) -> Verdict:
    """Ruled out when mmseg's IoUMetric made the score."""
    config = context.run.config
    if config is None:
        return NO_CONFIG
    for place in (("val_evaluator",), ("val_evaluator", 0), ("test_evaluator",)):
        found = config.get(*place)
        if isinstance(found, dict) and kind_of(found) == "IoUMetric":
            by = "mmseg's IoUMetric made the score"
            return RuledOut(by, place_evidence(context, *place))
    if isinstance(config.get("evaluation"), dict):
        by = "mmseg 0.x's own evaluation made the score"
        return RuledOut(by, place_evidence(context, "evaluation"))
    return Unchecked(
        "another metric, or none that the config names, made the score",
        "a parity check of it (parity check iou), given by --parity FILE",
    )
