"""The compiled op of deformable attention never ran: zeros forward and backward."""

from __future__ import annotations

from parity.causes.cause import (
    UNMEASURED,
    Cause,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.extension import capability_of, read_architectures
from parity.causes.facts import facts_evidence, gpu_names
from parity.causes.fingerprint import (
    NEEDED,
    UNTOUCHED,
    Layer,
    Prediction,
    analyse,
    layer_index,
    layers_in,
    predictions,
)
from parity.causes.options import walk
from parity.errors import InputError
from parity.runs.record import CheckpointFile, Message
from parity.runs.tensors import load_tensors

LAUNCH = "kernel-launch"
_OPS = ("MultiScaleDeformableAttention", "MSDeformAttnPixelDecoder")
NEEDS = (
    "a checkpoint of the run (*.pth), or the captured console (--console FILE); "
    "the line is printed by C code and is in no log file"
)


def _detect(context: RunContext) -> Verdict:
    console = [m for m in context.run.console if m.kind == LAUNCH]
    found = _latest(context)
    layers, trouble = _layers(found) if found else ((), "")
    trained = [layer for layer in layers if layer.trained]
    if trained and found is not None and all(layer.untouched for layer in trained):
        return _dead(context, found, trained, console)
    if console:
        return _printed(context, console, trained, trouble)
    if trained and found is not None:
        moved = _tensor_evidence(found, [layer for layer in trained if not layer.untouched])
        return RuledOut("tensors that only this op trains have left their initial 0", moved)
    return _from_extension(context) or _without_evidence(context, layers, trouble)


def _latest(context: RunContext) -> CheckpointFile | None:
    """The last checkpoint that holds layers of deformable attention."""
    files = [c for c in context.run.checkpoints if c.content and layers_in(c.content.tensors)]
    regular = [c for c in files if c.kind in ("iter", "epoch", "last")] or files
    return max(regular, key=lambda c: c.step or 0) if regular else None


def _layers(found: CheckpointFile) -> tuple[tuple[Layer, ...], str]:
    """The measured layers, and why there are none."""
    content = found.content
    assert content is not None
    layers = []
    for name in sorted(layers_in(content.tensors), key=layer_index):
        try:
            read = load_tensors(content, [f"{name}.{part}" for part in NEEDED])
        except InputError as error:
            return (), f"{found.file} cannot be read: {error}"
        tensors = {k.removeprefix(f"{name}."): v.double().numpy() for k, v in read.items()}
        layers.append(analyse(name, tensors))
    return tuple(layers), ""


def _dead(
    context: RunContext, found: CheckpointFile, layers: list[Layer], console: list[Message]
) -> Verdict:
    steps = found.step or context.run.settings.iterations.value or 0
    predicted = predictions(context.run, layers[0].name, steps)
    on_grid = all(layer.on_grid(steps) for layer in layers)
    bias = Evidence(
        found.file,
        tensor=f"{layers[0].name}.sampling_offsets.bias",
        value="; ".join(_factors(layers[0], predicted, steps)),
    )
    evidence = (*_console_evidence(context, console), *_tensor_evidence(found, layers), bias)
    agrees = all(item.agrees(layers[0].factor) for item in predicted)
    why = f"in {found.file}, {', '.join(UNTOUCHED)} of all {len(layers)} layers are exactly 0"
    why += ", their initial value, while output_proj.bias of the same layers has trained"
    detail = "; ".join(_factors(layers[0], predicted, steps))
    if not on_grid:
        why += "; sampling_offsets.bias is no longer its initial grid, which this does not explain"
    elif not agrees:
        why += "; the factor is not the predicted one, so the rates were not the configured ones"
    return Found(evidence, "certain" if on_grid and agrees else "likely", why, detail)


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
    if trained:
        return Found(
            evidence,
            "likely",
            f"{lines}, but the checkpoint's tensors have trained: "
            "the op failed part of the time, or the console is of another process",
        )
    why = f"{lines}; mmcv prints it when a launch has failed, and goes on with zeros"
    checkpoint = trouble or "no checkpoint with these layers is in the run"
    return Found(
        evidence, "certain", why, f"whether every launch failed is not known: {checkpoint}"
    )


def _console_evidence(context: RunContext, console: list[Message]) -> tuple[Evidence, ...]:
    return tuple(item for message in console for item in context.evidence(message.source))


def _tensor_evidence(found: CheckpointFile, layers: list[Layer]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            found.file, tensor=f"{layer.name}.{part}", value=f"largest absolute value {value:g}"
        )
        for layer in layers[:1]
        for part, value in layer.largest.items()
    )


def _from_extension(context: RunContext) -> Verdict | None:
    """Whether the compiled extension holds code for the GPU that the log names."""
    gpu = gpu_names(context)
    capability = capability_of(gpu.value or "")
    if not context.extensions or capability is None:
        return None
    compiled = [read_architectures(path) for path in context.extensions]
    told = [item for item in compiled if item.sm or item.ptx]
    listed = "; ".join(f"{item.file}: {item}" for item in told)
    evidence = (*facts_evidence(context, gpu), *(Evidence(i.file, value=str(i)) for i in told))
    if not told or any(item.runs_on(capability) for item in told):
        return None
    why = f"the GPU needs sm_{capability}, and the extension was compiled for {listed}"
    return Found(evidence, "likely", why)


def _without_evidence(context: RunContext, layers: tuple[Layer, ...], trouble: str) -> Verdict:
    config = context.run.config
    types = (
        {str(i.get("type", "")).rpartition(".")[2] for i, _ in walk(config.values)}
        if config
        else ()
    )
    if config is not None and not any(name in types for name in _OPS):
        return RuledOut("the model has no deformable attention")
    if layers:
        return Unchecked("the checkpoint's deformable attention has not been trained at all", NEEDS)
    return Unchecked(trouble or "neither a checkpoint nor a console is in the run", NEEDS)


CAUSE = Cause(
    id="dead-kernel",
    title="The CUDA kernel of deformable attention failed to launch",
    mechanism=(
        "mmcv's ms_deform_attn starts from a zero output and only prints when its launch fails, "
        "forward and backward, so the pixel decoder mixes no levels and its attention gets no "
        "gradient."
    ),
    effects=(
        UNMEASURED,
        Effect(
            "a tiny Mask2Former on the CPU, three seeds each: mean 25.77 healthy, 26.26 dead, no "
            "difference that seeds so far apart could show; nothing about ADE20K",
            "fixtures/runs/measured.json",
            "measured here",
        ),
    ),
    fix=(
        "Rebuild mmcv with TORCH_CUDA_ARCH_LIST set to the GPU's compute capability, and run "
        "parity check deform_attn on that device."
    ),
    detect=_detect,
    kind="broken",
    step="deform_attn*",
    on_machine=True,
    test=(
        "run parity check deform_attn --device cuda in the training's environment (seconds); then "
        "evaluate the zoo's checkpoint there (minutes); then retrain with only the op fixed"
    ),
)
