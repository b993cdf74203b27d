"""Stopped before the planned end."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Verdict
from parity.causes.facts import facts_evidence, known


def _detect(context: RunContext) -> Verdict:
    settings = context.run.settings
    missing = known(settings.iterations, "the number of iterations done", "the log") or known(
        settings.max_iters, "the number of iterations planned", "the config"
    )
    if missing:
        return missing
    done, planned = settings.iterations.value or 0, settings.max_iters.value or 0
    # The last log line comes up to one logging interval before the end.
    if done + _interval(context) > planned:
        return RuledOut(f"{done} of {planned} iterations are done")
    evidence = facts_evidence(context, settings.iterations, settings.max_iters)
    return Found(evidence, "certain", "the log ends there", f"{done} of {planned} iterations")


def _interval(context: RunContext) -> int:
    curve = context.run.curves.get("loss")
    if curve is None or len(curve) < 2:
        return 1
    return int(curve.steps[-1] - curve.steps[-2])


CAUSE = Cause(
    id="truncated-run",
    title="The training stopped early",
    mechanism="The last iterations, at the smallest learning rates, are missing.",
    effects=(UNMEASURED,),
    fix="Resume the run (--resume) and let it finish.",
    detect=_detect,
    kind="broken",
)
