"""Gradient accumulation without longer iterations."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Verdict
from parity.causes.options import NO_CONFIG, NO_ROW, place_evidence, setting


def _detect(context: RunContext) -> Verdict:
    config = context.run.config
    if config is None:
        return NO_CONFIG
    count = config.get("optim_wrapper", "accumulative_counts") or 1
    if count == 1:
        return RuledOut("no gradients are accumulated")
    place = place_evidence(context, "optim_wrapper", "accumulative_counts")
    if bool(config.get("auto_scale_lr", "enable")):
        detail = f"auto_scale_lr is on and does not count the {count} accumulated steps"
        return Found(place, "certain", "the config states both", detail)
    if context.expected is None:
        return NO_ROW
    mine = context.run.settings.max_iters.value
    theirs = setting("train_cfg", "max_iters")(context.expected)[0]
    if mine is None or not isinstance(theirs, int) or mine >= 0.95 * theirs * count:
        return RuledOut(f"max_iters {mine} counts the {count} micro-batches of each step", place)
    detail = (
        f"max_iters {mine} are micro-batches: {mine // count} steps, the zoo's row has {theirs}"
    )
    return Found(place, "certain", "the config states both", detail)


CAUSE = Cause(
    id="accumulation-trap",
    title="Accumulated gradients, but too few iterations or a wrongly scaled rate",
    mechanism="scale_lr ignores accumulative_counts, and max_iters counts micro-batches.",
    effects=(UNMEASURED,),
    fix="Multiply max_iters and the schedule by accumulative_counts, and set lr by hand.",
    detect=_detect,
    step="optim_accumulate",
)
