"""The best of several scores held against a last one."""

from __future__ import annotations

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict


def _detect(context: RunContext) -> Verdict:
    best, last = context.run.best, context.run.last
    if best is None or last is None:
        return Unchecked("the run has no score", "the log of a validation")
    difference = best.value - last.value
    if context.gap is None or difference < 0.005 or context.gap >= 0:
        return RuledOut(f"the last score, {last.value:.2f}, is the one compared")
    evidence = (
        *context.evidence(best.source, best.value),
        *context.evidence(last.source, last.value),
    )
    detail = (
        f"the best, {best.value:.2f} at iteration {best.step}, is {difference:.2f} above the last; "
        "a maximum over several validations is higher than a score fixed beforehand"
    )
    return Found(evidence, "possible", "which of its scores the zoo reports is not stated", detail)


CAUSE = Cause(
    id="best-vs-last",
    title="Best score against last score",
    mechanism="save_best reports a maximum over all validations.",
    effects=(UNMEASURED,),
    fix="Report both, and compare like with like.",
    detect=_detect,
    kind="marker",
)
