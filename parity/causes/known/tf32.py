"""Matrix products with a 10-bit mantissa."""

from __future__ import annotations

from parity.causes.cause import Cause, Effect, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.extension import capability_of
from parity.causes.facts import environment, facts_evidence, gpu_names, without_cuda

_FIRST = 80  # compute capability of the first GPUs with TF32


def _detect(context: RunContext) -> Verdict:
    if without_cuda(context):
        fact = environment(context, "CUDA available")
        return RuledOut("no CUDA was there", facts_evidence(context, fact))
    gpu = gpu_names(context)
    capability = capability_of(gpu.value or "")
    if capability is not None and capability < _FIRST:
        return RuledOut(f"sm_{capability} has no TF32", facts_evidence(context, gpu))
    return Unchecked(
        "no log states torch.backends.cuda.matmul.allow_tf32",
        "the training script, and torch's version",
    )


CAUSE = Cause(
    id="tf32",
    title="TF32 matrix products",
    mechanism="GPUs from sm_80 on may round the inputs of products to a 10-bit mantissa.",
    effects=(Effect('"same convergence", in general', "PyTorch notes", "unmeasured"),),
    fix="Switch it off for parity.",
    detect=_detect,
)
