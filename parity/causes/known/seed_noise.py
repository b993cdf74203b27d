"""The difference that two runs of the same training show."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.explain.noise import judge


def _detect(context: RunContext) -> Verdict:
    if context.gap is None:
        return Unchecked("there is no gap", "a score, and a zoo row (--against NAME)")
    verdict = judge(context.gap)
    told = f"gap {context.gap:+.2f}, noise up to {verdict.limit:.2f} (p = {verdict.p_value:.2g})"
    if verdict.outside:
        return RuledOut(told)
    last = context.run.last
    evidence = context.evidence(last.source if last else None)
    return Found(evidence, "likely", "two runs of one config differ by as much", told)


CAUSE = Cause(
    id="seed-noise",
    title="Within seed noise",
    mechanism="Seeds, data order and nondeterministic kernels make runs of one config differ.",
    effects=(
        Effect(
            "pooled standard deviation 0.37 of five-run repeats", "M#2191", low=-0.37, high=0.37
        ),
        Effect('Mask2Former: "very large variance"', "F#5", "unmeasured"),
        Effect(
            "nondeterministic bilinear backward, 0.7 on Cityscapes", "M#255", low=-0.7, high=0.7
        ),
    ),
    fix="Repeat with several seeds and test for equivalence.",
    detect=_detect,
    kind="marker",
)
