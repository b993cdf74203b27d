"""Versions, precision and workers of the machine that trained."""

import re

from parity.causes.cause import Cause, Effect, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.causes.extension import capability_of
from parity.causes.facts import environment, gpu_names, without_cuda

_FIRST_TF32 = 80  # compute capability of the first GPUs with TF32
# mmseg 1.2.2 refuses mmcv from here on (mmseg/__init__.py).
_REFUSED = (2, 2)
_SEEDED = (1, 9)  # the first torch whose workers seed NumPy apart


@Cause(
    id="cuda-mismatch",
    seen="torch's CUDA and mmcv's CUDA compiler in the log's environment block",
    title="mmcv built for another CUDA than torch runs",
    mechanism="Ops built for another CUDA version may fail to launch.",
    fix="Install matching builds of torch and mmcv.",
    kind="marker",
)
def _cuda_mismatch(context: RunContext) -> Verdict:
    if without_cuda(context):
        by = "no CUDA was there"
        return RuledOut(by, context.of_fact(environment(context, "CUDA available")))
    torch = environment(context, "PyTorch compiling details", "PyTorch")
    compiled = environment(context, "MMCV CUDA Compiler")
    runs = re.search(r"CUDA Runtime (\d+)\.(\d+)|\+cu(\d{2,3})(\d)\b", torch.value or "")
    built = re.search(r"(\d+)\.(\d+)", compiled.value or "")
    if runs is None or built is None:
        why = "the log does not name the CUDA of torch and of mmcv (NVCC of the machine is another)"
        return Unchecked(why, "python -m mmcv.utils.collect_env in the training's environment")
    major = runs[1] or runs[3]
    evidence = context.of_facts(torch, compiled)
    if major == built[1]:
        return RuledOut(f"torch and mmcv are both of CUDA {major}", evidence)
    detail = f"torch runs CUDA {major}, mmcv was built for CUDA {built[1]}.{built[2]}"
    return Found(evidence, "likely", "the log names both", detail)


@Cause(
    id="mmcv-guard-edited",
    seen="the versions in the log's environment block",
    title="mmseg's version guard was edited",
    mechanism="mmcv 2.2 and later are refused at import unless the installed file was changed.",
    fix="Not a cause in itself; reference.compat accepts mmcv 2.2 without editing a file.",
    kind="marker",
)
def _guard_edited(context: RunContext) -> Verdict:
    mmcv, mmseg = environment(context, "MMCV"), environment(context, "MMSegmentation")
    version = re.match(r"(\d+)\.(\d+)", mmcv.value or "")
    if version is None or not (mmseg.value or "").startswith("1."):
        why = "the log does not name the versions of mmcv and mmseg"
        return Unchecked(why, "mmseg/__init__.py of the machine that trained")
    if (int(version[1]), int(version[2])) < _REFUSED:
        return RuledOut(f"mmcv {mmcv.value} is inside the window", context.of_fact(mmcv))
    detail = f"mmcv {mmcv.value} with mmseg {mmseg.value}, which refuses it unless edited"
    return Found(context.of_facts(mmcv, mmseg), "likely", "the log names both", detail)


@Cause(
    id="tf32",
    seen="never found: no file of a run states it; ruled out by an older GPU",
    title="TF32 matrix products",
    mechanism="GPUs from sm_80 on may round the inputs of products to a 10-bit mantissa.",
    effects=(Effect('"same convergence", in general', "PyTorch notes", "unmeasured"),),
    fix="Switch it off for parity.",
)
def _tf32(context: RunContext) -> Verdict:
    if without_cuda(context):
        by = "no CUDA was there"
        return RuledOut(by, context.of_fact(environment(context, "CUDA available")))
    gpu = gpu_names(context)
    capability = capability_of(gpu.value or "")
    if capability is not None and capability < _FIRST_TF32:
        return RuledOut(f"sm_{capability} has no TF32", context.of_fact(gpu))
    why = "no log states torch.backends.cuda.matmul.allow_tf32"
    return Unchecked(why, "the training script, and torch's version")


@Cause(
    id="worker-seed",
    seen="framework and torch's version",
    title="Workers share NumPy's seed",
    mechanism="Forked workers start from one state and draw the same crops and flips.",
    fix="Seed each worker apart.",
)
def _worker_seed(context: RunContext) -> Verdict:
    framework = context.run.settings.framework
    if (framework.value or "").startswith(("mmengine", "mmseg", "mmcv")):
        return RuledOut(f"{framework.value} seeds its workers itself")
    version = environment(context, "PyTorch")
    number = re.match(r"(\d+)\.(\d+)", version.value or "")
    if number is None:
        return Unchecked("torch's version is not known", "the code of the data loader")
    if (int(number[1]), int(number[2])) >= _SEEDED:
        by = f"torch {version.value} seeds NumPy in its workers"
        return RuledOut(by, context.of_fact(version))
    evidence = context.of_fact(version)
    return Found(evidence, "possible", "whether its loader seeds them is not in the files")
