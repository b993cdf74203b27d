"""The batch changed, the learning rate did not."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import facts_evidence, intended_batch, known
from parity.causes.options import place_evidence
from parity.causes.schedule_facts import optimizer_options

_SCALED = "lr_scaled"


def _detect(context: RunContext) -> Verdict:
    settings, config = context.run.settings, context.run.config
    missing = known(settings.effective_batch, "the effective batch", "the log")
    if missing:
        return missing
    intended, _ = intended_batch(context)
    if intended is None:
        return Unchecked("which batch the rate is meant for is not known", "the zoo's config")
    if settings.effective_batch.value == intended:
        return RuledOut("the batch is the one that the learning rate is meant for")
    said = [s.notices[_SCALED] for s in context.run.segments if _SCALED in s.notices]
    if said:
        return RuledOut("the log says that the rate was scaled", context.evidence(said[0]))
    if config is None:
        return Unchecked("the config could not be read", "the config in the work directory")
    if context.expected is not None:
        mine, theirs = (
            optimizer_options(config).get("lr"),
            optimizer_options(context.expected).get("lr"),
        )
        if mine != theirs:
            return RuledOut(f"the rate was changed by hand: {mine}, zoo {theirs}")
    evidence = (
        *place_evidence(context, "auto_scale_lr"),
        *facts_evidence(context, settings.world_size),
    )
    why = "no line 'LR is set based on batch size of' is in the log"
    return Found(
        evidence, "certain", why, f"lr {optimizer_options(config).get('lr')} as configured"
    )


CAUSE = Cause(
    id="lr-unscaled",
    title="Learning rate not scaled to the batch",
    mechanism="auto_scale_lr.enable is False by default, so another batch keeps the same rate.",
    effects=(UNMEASURED,),
    fix="Sweep the rate; for AdamW there is no settled rule.",
    detect=_detect,
    part_of="effective-batch",
)
