"""The schedule ends at another iteration than the training."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.options import NO_CONFIG, place_evidence

_DECAYS = ("PolyLR", "PolyLRRatio", "CosineAnnealingLR")


def _detect(context: RunContext) -> Verdict:
    config, planned = context.run.config, context.run.settings.max_iters.value
    if config is None:
        return NO_CONFIG
    entries = config.get("param_scheduler")
    entries = [entries] if isinstance(entries, dict) else entries
    ends = [
        (index, item["end"])
        for index, item in enumerate(entries if isinstance(entries, (list, tuple)) else ())
        if _decays(item)
    ]
    if not ends:
        return RuledOut("no schedule in the config decays to an end of its own")
    if planned is None:
        return Unchecked("the planned iterations are not known", "the run's config or log")
    index, end = max(ends, key=lambda pair: pair[1])
    if abs(end - planned) <= max(1, planned // 1000):
        return RuledOut(f"the schedule ends at {end} of {planned} iterations")
    evidence = (
        *place_evidence(context, "param_scheduler", index, "end"),
        *place_evidence(context, "train_cfg", "max_iters"),
        *_final_rate(context),
    )
    return Found(evidence, "certain", "the config states both", f"end {end}, max_iters {planned}")


def _decays(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and str(item.get("type", "")).rpartition(".")[2] in _DECAYS
        and isinstance(item.get("end"), int)
        and item.get("by_epoch") is False
    )


def _final_rate(context: RunContext) -> tuple[Any, ...]:
    curve = context.run.curves.get("lr")
    if curve is None or not len(curve):
        return ()
    return context.evidence(curve.source(len(curve) - 1), f"last logged lr {curve.values[-1]:g}")


CAUSE = Cause(
    id="schedule-end",
    title="The learning rate schedule does not end with the training",
    mechanism="max_iters was changed without the schedule's end, so the rate never gets small, or "
    "stands at its floor for long.",
    effects=(UNMEASURED,),
    fix="Change max_iters and the schedule's end together.",
    detect=_detect,
    step="schedule",
)
