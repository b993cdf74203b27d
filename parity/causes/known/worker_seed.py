"""Forked workers that share NumPy's seed."""

from __future__ import annotations

import re

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import environment, facts_evidence

_SEEDED = (1, 9)  # the first torch whose workers seed NumPy apart


def _detect(context: RunContext) -> Verdict:
    framework = context.run.settings.framework
    if (framework.value or "").startswith(("mmengine", "mmseg", "mmcv")):
        return RuledOut(f"{framework.value} seeds its workers itself")
    version = environment(context, "PyTorch")
    number = re.match(r"(\d+)\.(\d+)", version.value or "")
    if number is None:
        return Unchecked("torch's version is not known", "the code of the data loader")
    if (int(number[1]), int(number[2])) >= _SEEDED:
        by = f"torch {version.value} seeds NumPy in its workers"
        return RuledOut(by, facts_evidence(context, version))
    evidence = facts_evidence(context, version)
    return Found(evidence, "possible", "whether its loader seeds them is not in the files")


CAUSE = Cause(
    id="worker-seed",
    title="Workers share NumPy's seed",
    mechanism="Forked workers start from one state and draw the same crops and flips.",
    effects=(UNMEASURED,),
    fix="Seed each worker apart.",
    detect=_detect,
)
