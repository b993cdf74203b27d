"""The compiled op of deformable attention never ran: zeros forward and backward."""

import re

import torch

from parity.causes import fingerprint
from parity.causes.cause import (
    UNMEASURED,
    Cause,
    Confidence,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.extension import capability_of, read_architectures
from parity.causes.facts import environment, gpu_names, without_cuda
from parity.causes.fingerprint import Layer, Prediction
from parity.errors import InputError
from parity.runs.record import CheckpointFile, Message
from parity.runs.tensors import load_tensors
from parity.settings.items import bare, walk

LAUNCH = "kernel-launch"
OLDEST_PYTHON = (3, 8)  # that the script of parity ops runs on
_OPS = ("MultiScaleDeformableAttention", "MSDeformAttnPixelDecoder")
NEEDS = (
    "a checkpoint of the run (*.pth), or the captured console (--console FILE); "
    "the line is printed by C code and is in no log file"
)


@Cause(
    id="dead-kernel",
    seen="the console's line, or tensors of a checkpoint that only this op trains, or the "
    "compiled extension",
    title="The CUDA kernel of deformable attention failed to launch",
    mechanism="mmcv's ms_deform_attn starts from a zero output and only prints when its launch "
    "fails, forward and backward, so the pixel decoder mixes no levels and its attention gets no "
    "gradient.",
    effects=(
        UNMEASURED,
        Effect(
            "a tiny Mask2Former on the CPU, three seeds each: mean 25.77 healthy, 26.26 dead, no "
            "difference that seeds so far apart could show; nothing about ADE20K",
            "fixtures/runs/measured.json",
            "measured here",
        ),
    ),
    fix="Rebuild mmcv with TORCH_CUDA_ARCH_LIST set to the GPU's compute capability: "
    "TORCH_CUDA_ARCH_LIST=X.Y MMCV_WITH_OPS=1 FORCE_CUDA=1 pip install --no-binary mmcv mmcv",
    kind="broken",
    step="deform_attn*",
    on_machine=True,
    test="parity ops --script ops.py, and in the training's environment python ops.py --device "
    "cuda (a minute); then evaluate the zoo's checkpoint there (minutes); then retrain with only "
    "the op fixed",
)
def _detect(context: RunContext) -> Verdict:
    console = [m for m in context.run.console if m.kind == LAUNCH]
    found = _latest(context)
    layers, trouble = _layers(found) if found else ((), "")
    trained = [layer for layer in layers if layer.trained]
    dead = [layer for layer in trained if layer.untouched]
    still = [layer for layer in dead if fingerprint.frozen(context.mine, layer.name)]
    if dead and found is not None and not still:
        return _dead(context, found, dead, trained, console)
    if console:
        return _printed(context, console, trained, trouble)
    if still:
        why = "its tensors are untouched, and the config gives them a learning rate of 0, so a "
        return Unchecked(f"{why}healthy op would leave them so as well", NEEDS)
    if trained and found is not None:
        return _trained(context, found, trained)
    return _from_extension(context) or _without_evidence(context, layers, trouble)


def _trained(context: RunContext, found: CheckpointFile, layers: list[Layer]) -> Verdict:
    """Tensors have moved: the op ran for some time. Only a console could show for how long."""
    moved = _tensor_evidence(found, layers[0])
    if context.run.consoles:
        by = "the console holds no failed launch, and tensors that only this op trains have moved"
        return RuledOut(by, moved)
    largest = max(layer.largest["value_proj.bias"] for layer in layers)
    return Unchecked(
        f"not dead throughout: in {found.file}, tensors that only this op trains have left their "
        f"initial 0 (value_proj.bias up to {largest:.3g}); dead for a part of the training it may "
        "have been",
        "the captured console (--console FILE)",
    )


def _latest(context: RunContext) -> CheckpointFile | None:
    """The last checkpoint that holds layers of deformable attention."""
    files = [
        c for c in context.run.checkpoints if c.content and fingerprint.layers_in(c.content.tensors)
    ]
    regular = [c for c in files if c.kind in ("iter", "epoch", "last")] or files
    return max(regular, key=lambda c: c.step or 0) if regular else None


def _layers(found: CheckpointFile) -> tuple[tuple[Layer, ...], str]:
    """The measured layers, and why there are none."""
    content = found.content
    assert content is not None
    layers = []
    for name in sorted(fingerprint.layers_in(content.tensors), key=fingerprint.layer_index):
        try:
            read = load_tensors(content, [f"{name}.{part}" for part in fingerprint.NEEDED])
        except InputError as error:
            return (), f"{found.file} cannot be read: {error}"
        tensors = {k.removeprefix(f"{name}."): v.double().numpy() for k, v in read.items()}
        kinds = [v.dtype for v in read.values() if v.dtype.is_floating_point]
        precision = (
            max(torch.finfo(kind).eps for kind in kinds) / 2 if kinds else fingerprint.ROUNDING
        )
        layers.append(fingerprint.analyse(name, tensors, precision))
    return tuple(layers), ""


def _dead(
    context: RunContext,
    found: CheckpointFile,
    dead: list[Layer],
    trained: list[Layer],
    console: list[Message],
) -> Verdict:
    steps = found.step or context.run.settings.iterations.value or 0
    predicted = fingerprint.predictions(context.run, context.mine, dead[0].name, steps)
    on_grid = all(layer.on_grid(steps) for layer in dead)
    factors = "; ".join(_factors(dead[0], predicted, steps))
    bias = Evidence(found.file, tensor=f"{dead[0].name}.sampling_offsets.bias", value=factors)
    evidence = (*_console_evidence(context, console), *_tensor_evidence(found, dead[0]), bias)
    agrees = all(item.agrees(dead[0]) for item in predicted)
    which = f"all {len(dead)} layers"
    if len(dead) < len(trained):
        numbers = ", ".join(str(fingerprint.layer_index(layer.name)) for layer in dead)
        which = f"{len(dead)} of {len(trained)} layers ({numbers})"
    why = f"in {found.file}, {', '.join(fingerprint.UNTOUCHED)} of {which} are exactly 0"
    why += ", their initial value, while output_proj.bias of the same layers has trained"
    if not on_grid:
        why += "; sampling_offsets.bias is no longer its initial grid, which this does not explain"
    elif not agrees:
        why += "; the factor is not the predicted one, so the rates were not the configured ones"
    detail = f"dead in {which}; {factors}"
    sure: Confidence = "certain" if on_grid and agrees else "likely"
    return Found(evidence, sure, why, detail, 0.9, fix=_fix(context), test=_test(context))


def _factors(layer: Layer, predicted: tuple[Prediction, ...], steps: int) -> list[str]:
    texts = [f"sampling_offsets.bias is its initial grid times {layer.factor:.6f}"]
    for item in predicted:
        texts.append(f"weight decay alone predicts {item.factor:.6f} from {item.how}")
    if not predicted:
        texts.append("no prediction: the optimizer is not AdamW or its rates are not known")
    return [*texts, f"after {steps} iterations"]


def _printed(
    context: RunContext, console: list[Message], trained: list[Layer], trouble: str
) -> Verdict:
    count = sum(message.count for message in console)
    lines = f"the console holds {count} such line{'s' if count > 1 else ''}"
    evidence = _console_evidence(context, console)
    checkpoint = trouble or "no checkpoint with these layers is in the run"
    why = f"{lines}; mmcv prints it when a launch has failed, and goes on with zeros"
    detail = f"whether every launch failed is not known: {checkpoint}"
    if trained:
        why = f"{lines}; the checkpoint's tensors have trained, so the op failed part of the time"
        detail = "dead for a part of the training"
    sure: Confidence = "likely" if trained else "certain"
    return Found(evidence, sure, why, detail, 0.9, fix=_fix(context), test=_test(context))


def _test(context: RunContext) -> str:
    """The cheapest test, for the Python that the log names; "" for the usual one."""
    version = re.match(r"(\d+)\.(\d+)", environment(context, "Python").value or "")
    if version is None or (int(version[1]), int(version[2])) >= OLDEST_PYTHON:
        return ""
    return (
        f"on the machine that trained, in an environment of Python {OLDEST_PYTHON[0]}."
        f"{OLDEST_PYTHON[1]} or later (the training's is {version[0]}) with the same mmcv, run "
        "parity ops --device cuda; then evaluate the zoo's checkpoint there; then "
        "retrain with only the op fixed"
    )


def _fix(context: RunContext) -> str:
    """The command for the GPU and the mmcv that the log names; "" where it names none."""
    capability = capability_of(gpu_names(context).value or "")
    if capability is None:
        return ""
    mmcv = environment(context, "MMCV").value
    version = f"mmcv=={mmcv}" if mmcv else "mmcv"
    return (
        f"Rebuild mmcv for this GPU (sm_{capability}): TORCH_CUDA_ARCH_LIST="
        f"{capability // 10}.{capability % 10} MMCV_WITH_OPS=1 FORCE_CUDA=1 "
        f"pip install --force-reinstall --no-deps --no-binary mmcv {version}"
    )


def _console_evidence(context: RunContext, console: list[Message]) -> tuple[Evidence, ...]:
    return tuple(item for message in console for item in context.evidence(message.source))


def _tensor_evidence(found: CheckpointFile, layer: Layer) -> tuple[Evidence, ...]:
    said = {part: f"largest absolute value {value:g}" for part, value in layer.largest.items()}
    return tuple(Evidence(found.file, tensor=f"{layer.name}.{p}", value=said[p]) for p in said)


def _from_extension(context: RunContext) -> Verdict | None:
    """Whether the compiled extension holds code for the GPU that the log names."""
    gpu = gpu_names(context)
    capability = capability_of(gpu.value or "")
    if not context.extensions or capability is None:
        return None
    compiled = [read_architectures(path) for path in context.extensions]
    told = [item for item in compiled if item.sm or item.ptx]
    listed = "; ".join(f"{item.file}: {item}" for item in told)
    evidence = (*context.of_fact(gpu), *(Evidence(i.file, value=str(i)) for i in told))
    if not told or any(item.runs_on(capability) for item in told):
        return None
    why = f"the GPU needs sm_{capability}, and the extension was compiled for {listed}"
    return Found(evidence, "likely", why)


def _without_evidence(context: RunContext, layers: tuple[Layer, ...], trouble: str) -> Verdict:
    if context.mine is not None and not _uses_op(context):
        return RuledOut("the model has no deformable attention")
    if layers:
        return Unchecked("the checkpoint's deformable attention has not been trained at all", NEEDS)
    silent = _uses_op(context) and not without_cuda(context)
    if context.run.consoles:
        why = "the console holds no failed launch; whether it is whole is not known"
        return Unchecked(trouble or why, "a checkpoint of the run (*.pth)")
    return Unchecked(trouble or "neither a checkpoint nor a console is in the run", NEEDS, silent)


def _uses_op(context: RunContext) -> bool:
    if context.mine is None:
        return False
    items = [item for _, item in walk(context.mine.item("model"))]
    kinds = {item.kind for item in items}
    kinds |= {bare(item.get("self_attn_cfg", "type").value) for item in items}
    return any(name in kinds for name in _OPS)
