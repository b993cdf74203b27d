"""mmcv, or the compiler, of another CUDA than torch's."""

from __future__ import annotations

import re

from parity.causes.cause import UNMEASURED, Cause, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.facts import environment, facts_evidence, without_cuda


def _detect(context: RunContext) -> Verdict:
    if without_cuda(context):
        fact = environment(context, "CUDA available")
        return RuledOut("no CUDA was there", facts_evidence(context, fact))
    torch = environment(context, "PyTorch compiling details", "PyTorch")
    compiled = environment(context, "MMCV CUDA Compiler", "NVCC")
    runs = re.search(r"CUDA Runtime (\d+)\.(\d+)|\+cu(\d{2,3})(\d)\b", torch.value or "")
    built = re.search(r"[Vv]?(\d+)\.(\d+)", compiled.value or "")
    if runs is None or built is None:
        return Unchecked(
            "the log does not name the CUDA of torch and of the compiler",
            "the environment block of the .log, or python -m mmcv.utils.collect_env",
        )
    major = runs[1] or runs[3]
    evidence = facts_evidence(context, torch, compiled)
    if major == built[1]:
        return RuledOut(f"torch and the compiler are both of CUDA {major}", evidence)
    detail = f"torch runs CUDA {major}, the compiler is of CUDA {built[1]}.{built[2]}"
    return Found(
        evidence, "possible", "the compiler may not be the one mmcv was built with", detail
    )


CAUSE = Cause(
    id="cuda-mismatch",
    title="mmcv built for another CUDA than torch runs",
    mechanism="Ops built for another CUDA version may fail to launch.",
    effects=(UNMEASURED,),
    fix="Install matching builds of torch and mmcv.",
    detect=_detect,
)
