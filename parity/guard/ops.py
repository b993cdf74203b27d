"""Whether mmcv's ops compute on this machine, forward and backward; torch and mmcv needed.

    python ops.py [--device cuda|cpu] [--limit SECONDS] [--json]

Runs on Python 3.8 and torch 1.10 upwards. Every op that a model of the zoo's ADE20K configs calls
is held against plain PyTorch in float64, each in a process of its own with a time limit, and what
it prints is read below Python: a kernel that could not be launched prints from C, leaves zeros, and
raises nothing. Exit codes: 0 every op is right, 1 one is wrong or dead, 2 wrong usage, or an op
that could not be tried.
"""

# Python 3.8: no `match`, no `X | Y` outside annotations. `parity ops --script FILE` puts what is
# imported from the doctor in the place of the import, so that it is one file.

from __future__ import annotations

import argparse
import ctypes
import importlib
import importlib.metadata
import json
import os
import re
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from parity.guard.doctor import (
    MMCV,
    NO_KERNEL,
    Environment,
    Extension,
    Gpu,
    ask,
    read_extension,
    rebuild_command,
    wrap_command,
)

FORMAT = 1
THIS = Path(__file__).resolve()
OK, WRONG, DEAD, MISSING, UNUSED = "ok", "wrong", "dead", "missing", "unused"
WIDTH = 80
TIME_LIMIT = 120.0  # seconds for each op; a first CUDA context and PTX take the most of it
# Of the largest value: a location of at most 32 cells is rounded by 32 * 2**-24 cells, in each of
# three operations on two axes, and what is sampled there changes by as much; twice, for the sums.
BOUND = 512 * 2.0**-24
# What CUDA, torch and mmcv's launchers print when a launch fails.
LAUNCH = re.compile(r"error in \w+: .*|.*CUDA error.*|.*no kernel image is available.*")
MARK = "OPS begins"


@dataclass(frozen=True)
class OpCase:
    """One call: `inputs` in float64, rounded to float32, and what gives the output from them.

    actual: mmcv's, given tensors of float32 on the device; exact: ours, given float64.
    """

    name: str
    inputs: dict[str, Any]
    actual: Callable[[dict[str, Any]], Any]
    exact: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Op:
    """An op, the folders of the zoo's ADE20K configs that call it, and its cases.

    compiled: its kernels are in mmcv/_ext. unused: why nothing calls it on the CPU.
    """

    name: str
    models: tuple[str, ...]
    compiled: bool
    cases: Callable[[Any, str], Iterator[OpCase]]
    unused: str = ""


@dataclass(frozen=True)
class Measured:
    """One tensor: the largest value it should have and has, and the largest difference."""

    what: str
    exact: float
    actual: float
    error: float


@dataclass(frozen=True)
class OpResult:
    """What came of an op. printed: what it wrote to standard output and standard error."""

    name: str
    status: str
    models: tuple[str, ...]
    text: str
    fix: str = ""
    printed: str = ""
    measured: tuple[Measured, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Machine:
    """Where the ops run, as torch and mmcv say. trouble: why nothing can be tried."""

    device: str = ""
    torch: str = ""
    cuda: str = ""
    gpu: str = ""
    capability: int = 0
    package: str = ""
    mmcv: str = ""
    path: str = ""
    extension: Extension | None = None
    trouble: str = ""

    def fix(self) -> str:
        """The command that builds mmcv's ops for this machine."""
        packages = {self.package: self.mmcv} if self.package else {}
        gpus = (Gpu(self.gpu, self.capability),) if self.capability else ()
        return rebuild_command(Environment(packages=packages, gpus=gpus))

    def lacks_code(self) -> str:
        """The GPU's architecture and those compiled, where there is no code for it; else ""."""
        if self.device != "cuda" or self.extension is None:
            return ""
        if self.extension.runs_on(self.capability):
            return ""
        return f"the GPU needs sm_{self.capability}, mmcv's ops are compiled for {self.extension}"


# The ops in plain PyTorch ------------------------------------------------------------------------


def bilinear(image: Any, points: Any) -> Any:
    """(n, c, h, w) read at (n, p, 2), x first, 0 to 1 from edge to edge; zeros outside."""
    count, channels, height, width = image.shape
    x, y = points[..., 0] * width - 0.5, points[..., 1] * height - 0.5
    total = 0
    for down in (0, 1):
        for right in (0, 1):
            row, column = y.detach().floor() + down, x.detach().floor() + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            weight = (1 - (y - row).abs()) * (1 - (x - column).abs()) * inside
            index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            index = index.long()[:, None].expand(count, channels, -1)
            total = total + image.flatten(2).gather(2, index) * weight[:, None]
    return total


def deform_attn(value: Any, shapes: Sequence[Any], locations: Any, weights: Any) -> Any:
    """Values (n, cells, heads, c) read at (n, queries, heads, levels, points, 2) and weighted."""
    count, queries, heads, _, points, _ = locations.shape
    levels = value.split([height * width for height, width in shapes], 1)
    total: Any = 0
    for level, (height, width) in enumerate(shapes):
        image = levels[level].permute(0, 2, 3, 1).reshape(count * heads, -1, height, width)
        where = locations[:, :, :, level].transpose(1, 2).reshape(count * heads, -1, 2)
        read = bilinear(image, where).view(count * heads, -1, queries, points)
        share = weights[:, :, :, level].transpose(1, 2).reshape(count * heads, 1, queries, points)
        total = total + (read * share).sum(3)
    return total.reshape(count, -1, queries).transpose(1, 2)


def psa_mask(torch: Any, scores: Any, size: tuple[int, int], collect: bool) -> Any:
    """(n, mask, h, w), a window around each cell, as (n, h * w, h, w); zero outside of it."""
    _, _, height, width = scores.shape
    cells = torch.arange(height * width)
    rows = cells[:, None] // width - cells // width + (size[0] - 1) // 2  # (there, here)
    columns = cells[:, None] % width - cells % width + (size[1] - 1) // 2
    inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    index = (rows * size[1] + columns).clamp(0, size[0] * size[1] - 1)
    spread = scores.flatten(2).gather(1, index.expand(len(scores), -1, -1)) * inside
    spread = spread if collect else spread.transpose(1, 2)
    return spread.reshape(len(scores), -1, height, width)


def focal_loss(torch: Any, logits: Any, target: Any, gamma: float, alpha: float) -> Any:
    """Of (n, classes) logits and (n,) labels, where label `classes` is none of them."""
    hit = target[:, None] == torch.arange(logits.shape[1])
    log = torch.nn.functional.logsigmoid
    p = logits.sigmoid()
    missed = -(1 - alpha) * p**gamma * log(-logits)
    return torch.where(hit, -alpha * (1 - p) ** gamma * log(logits), missed)


def criss_cross(torch: Any, inputs: dict[str, Any]) -> Any:
    """Attention over the cells in the row and the column of each, itself counted once."""
    x = inputs["x"]
    cells = torch.arange(x.shape[2] * x.shape[3])
    rows, columns = cells // x.shape[3], cells % x.shape[3]
    crossing = (rows[:, None] == rows) | (columns[:, None] == columns)
    query, key, value = (
        torch.nn.functional.conv2d(x, inputs[f"{name}_conv.weight"]).flatten(2)
        for name in ("query", "key", "value")
    )
    scores = (query.transpose(1, 2) @ key).masked_fill(~crossing, -float("inf"))
    return inputs["gamma.scale"] * (value @ scores.softmax(2).transpose(1, 2)).view_as(x) + x


# The same ops of mmcv, on the sizes of the zoo's models ------------------------------------------


def _locations(torch: Any, shape: Sequence[int], sizes: Sequence[Any]) -> Any:
    """Points between cells, some outside: (*shape, levels, points, 2), x first, 0 to 1.

    At a cell's centre the gradient jumps; rounding must not carry a point across it.
    """
    levels = []
    for height, width in sizes:
        size = torch.tensor([width, height], dtype=torch.float64)
        cell = (torch.rand(*shape, 2, dtype=torch.float64) * (size + 1)).floor() - 1
        levels.append((cell + 0.6 + 0.8 * torch.rand(*shape, 2, dtype=torch.float64)) / size)
    return torch.stack(levels, -3)


def deform_attn_cases(torch: Any, device: str) -> Iterator[OpCase]:
    """Mask2Former's pixel decoder: eight heads of 32 channels, three levels, four points."""
    ops = importlib.import_module("mmcv.ops.multi_scale_deform_attn")
    shapes = [(4, 6), (8, 12), (16, 24)]
    cells = sum(height * width for height, width in shapes)
    weights = torch.randn(2, cells, 8, 12, dtype=torch.float64).softmax(-1)
    inputs = {
        "value": torch.randn(2, cells, 8, 32, dtype=torch.float64),
        "locations": _locations(torch, (2, cells, 8, 4), shapes),
        "weights": weights.view(2, cells, 8, 3, 4),
    }
    sizes = torch.tensor(shapes, device=device)
    starts = torch.tensor([0, 24, 120], device=device)

    def actual(given: dict[str, Any]) -> Any:
        value, where, share = given["value"], given["locations"], given["weights"]
        if device == "cpu":  # as mmcv's module does
            return ops.multi_scale_deformable_attn_pytorch(value, sizes, where, share)
        function = ops.MultiScaleDeformableAttnFunction
        return function.apply(value, sizes, starts, where, share, 64)

    def exact(given: dict[str, Any]) -> Any:
        return deform_attn(given["value"], shapes, given["locations"], given["weights"])

    yield OpCase("", inputs, actual, exact)


def point_sample_cases(torch: Any, device: str) -> Iterator[OpCase]:
    """Masks read at random points."""
    ops = importlib.import_module("mmcv.ops")
    inputs = {
        "image": torch.randn(2, 5, 24, 32, dtype=torch.float64),
        "points": _locations(torch, (2, 500), [(24, 32)])[..., 0, :],
    }
    yield OpCase(
        "",
        inputs,
        lambda given: ops.point_sample(given["image"], given["points"]),
        lambda given: bilinear(given["image"], given["points"]),
    )


def focal_loss_cases(torch: Any, device: str) -> Iterator[OpCase]:
    """MaskFormer's masks: one class, and label 1 for what is none."""
    ops = importlib.import_module("mmcv.ops")
    target = torch.randint(0, 2, (5000,))
    there = target.to(device)
    yield OpCase(
        "",
        # Its kernel takes 1 - p in float32, which far from 0 leaves few digits: seen on an H100,
        # 4.7e-05 of the largest value for logits three times as large.
        {"logits": torch.randn(5000, 1, dtype=torch.float64)},
        lambda given: ops.sigmoid_focal_loss(given["logits"], there, 2.0, 0.25, None, "none"),
        lambda given: focal_loss(torch, given["logits"], target, 2.0, 0.25),
    )


def psa_mask_cases(torch: Any, device: str) -> Iterator[OpCase]:
    """Both directions, the window larger than the map in one axis and smaller in the other."""
    ops = importlib.import_module("mmcv.ops")
    scores = torch.randn(2, 13 * 5, 6, 8, dtype=torch.float64)
    for kind in ("collect", "distribute"):
        module = ops.PSAMask(kind, (13, 5))
        yield OpCase(
            kind,
            {"scores": scores},
            lambda given, module=module: module(given["scores"]),  # type: ignore[misc]
            lambda given, kind=kind: psa_mask(  # type: ignore[misc]
                torch, given["scores"], (13, 5), kind == "collect"
            ),
        )


def criss_cross_cases(torch: Any, device: str) -> Iterator[OpCase]:
    """As a module whose share of attention is not 0, as it is before a training."""
    ops = importlib.import_module("mmcv.ops")
    module = ops.CrissCrossAttention(32).to(device)
    inputs = {"x": torch.randn(2, 32, 7, 9, dtype=torch.float64)}
    for name, value in module.named_parameters():
        if name.endswith("bias"):  # one for the keys changes nothing, and has no gradient
            value.data.zero_()
        else:
            inputs[name] = 0.3 * torch.randn(value.shape, dtype=torch.float64)

    def actual(given: dict[str, Any]) -> Any:
        for name, value in given.items():
            if name != "x":
                owner, _, own = name.rpartition(".")
                holder = module.get_submodule(owner)
                del holder._parameters[own]
                setattr(holder, own, value)
        return module(given["x"])

    yield OpCase("", inputs, actual, lambda given: criss_cross(torch, given))


_ON_CPU = "not called on the CPU, where mmdet's FocalLoss is plain PyTorch"
OPS = (
    Op("ms_deform_attn", ("mask2former",), True, deform_attn_cases),
    Op("sigmoid_focal_loss", ("maskformer",), True, focal_loss_cases, _ON_CPU),
    Op("PSAMask", ("psanet",), True, psa_mask_cases),
    Op("point_sample", ("mask2former", "point_rend"), False, point_sample_cases),
    Op("CrissCrossAttention", ("ccnet",), False, criss_cross_cases),
)
NAMES = {
    "mask2former": "Mask2Former",
    "maskformer": "MaskFormer",
    "psanet": "PSANet",
    "point_rend": "PointRend",
    "ccnet": "CCNet",
}


# In a process of its own -------------------------------------------------------------------------


class Answer:
    """What the child says, line by line, so that a crash leaves what came before."""

    def __init__(self, path: str) -> None:
        self._path = path

    def say(self, **values: Any) -> None:
        """Add a line."""
        with Path(self._path).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")

    def read(self) -> dict[str, Any]:
        """All lines as one; the later ones win, `measured` is collected."""
        found: dict[str, Any] = {}
        measured = []
        for line in Path(self._path).read_text("utf-8").splitlines():
            values = json.loads(line)
            measured += values.pop("measured", [])
            found.update(values)
        return {**found, "measured": [Measured(**one) for one in measured]}


def child(name: str, device: str, answer: Answer) -> int:
    """Look at the machine (`name` is empty) or run an op; everything is said in the answer."""
    os.dup2(1, 2)  # one order of what is printed
    _unbuffer()
    if sys.path[:1] == [str(THIS.parent)]:
        del sys.path[0]
    try:
        answer.say(stage="when torch is imported")
        torch = importlib.import_module("torch")
        if not name:
            _look(torch, device, answer)
            return 0
        answer.say(stage="when mmcv.ops is imported")
        importlib.import_module("mmcv.ops")
        _run(torch, next(op for op in OPS if op.name == name), device, answer)
    except Exception as error:
        answer.say(error=f"{type(error).__name__}: {str(error).strip() or 'says nothing'}")
    return 0


def _unbuffer() -> None:
    """C's standard output goes out at once, so that a crash takes nothing with it."""
    try:
        libc = ctypes.CDLL(None)
        libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 2, 0)  # _IONBF of glibc
    except (AttributeError, OSError, TypeError, ValueError):
        pass  # another C library: what it holds back is written when the process ends well


def _look(torch: Any, device: str, answer: Answer) -> None:
    seen = torch.cuda.is_available()
    device = device or ("cuda" if seen else "cpu")
    answer.say(device=device, torch=str(torch.__version__), cuda=torch.version.cuda or "")
    if device == "cuda" and not seen:
        answer.say(error="torch sees no GPU")
        return
    if device == "cuda":
        answer.say(stage="when the GPU is first used")
        major, minor = torch.cuda.get_device_capability()
        answer.say(gpu=torch.cuda.get_device_name(), capability=10 * major + minor)
        torch.ones(1, device=device).cpu()
    for package in MMCV:
        try:
            answer.say(package=package, mmcv=importlib.metadata.version(package))
            break
        except importlib.metadata.PackageNotFoundError:
            continue
    answer.say(stage="when mmcv.ops is imported")
    importlib.import_module("mmcv.ops")
    extension = sys.modules.get("mmcv._ext")
    answer.say(path=getattr(extension, "__file__", None) or "")


def _run(torch: Any, op: Op, device: str, answer: Answer) -> None:
    """Forward and backward of every case, each tensor held against float64."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    os.write(1, f"\n{MARK}\n".encode())
    for case in op.cases(torch, device):
        given = {name: value.float() for name, value in case.inputs.items()}
        wide = {name: value.double().requires_grad_() for name, value in given.items()}
        exact = case.exact(wide)
        weight = torch.randn(exact.shape)
        answer.say(stage="forward")
        narrow = {name: value.to(device).requires_grad_() for name, value in given.items()}
        actual = case.actual(narrow)
        found = [("output", actual.detach().cpu(), exact.detach())]
        answer.say(stage="backward")
        theirs = torch.autograd.grad(
            actual, list(narrow.values()), weight.to(device).view_as(actual), allow_unused=True
        )
        theirs = [one if one is None else one.cpu() for one in theirs]
        ours = torch.autograd.grad(exact, list(wide.values()), weight.double())
        for index, name in enumerate(given):
            found.append((f"gradient of {name}", theirs[index], ours[index]))
        label = f"{case.name}: " if case.name else ""
        answer.say(measured=[asdict(_measure(label + name, a, e)) for name, a, e in found])
    answer.say(stage="done")


def _measure(what: str, actual: Any, exact: Any) -> Measured:
    if actual is None:
        actual = exact * 0
    if actual.shape != exact.shape:
        raise ValueError(f"{what} is {tuple(actual.shape)}, not {tuple(exact.shape)}")
    error = (actual.double() - exact).abs().max().item()
    largest = actual.double().abs().max().item()
    return Measured(what, exact.abs().max().item(), largest, error)


# Asking ------------------------------------------------------------------------------------------


def _ask_child(name: str, device: str, limit: float) -> tuple[dict[str, Any], str, str]:
    """The child's answer, what it printed, and why it did not end well."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "answer")
        Path(path).touch()
        command = [sys.executable, "-u", str(THIS), "--child", path]
        command += ["--op", name] + (["--device", device] if device else [])
        text, reason = ask(command, limit)
        return Answer(path).read(), text, reason


def look(device: str, limit: float) -> Machine:
    """The machine; with `trouble` where no op can be tried on it. device: "" for the best."""
    found, _, reason = _ask_child("", device, limit)
    stage, _ = found.pop("stage", ""), found.pop("measured")
    error = found.pop("error", "")
    if reason:
        error = f"{reason}, {stage}"
    elif error and "import" in stage:
        error = f"{error} ({stage})"
    machine = Machine(**{"device": device or "cpu", **found}, trouble=error)
    if not machine.path.endswith((".so", ".pyd")):  # none, or a stand-in in Python
        return machine
    try:
        return Machine(**{**vars(machine), "extension": read_extension(Path(machine.path))})
    except (OSError, ValueError):
        return machine


def try_op(op: Op, machine: Machine, limit: float) -> OpResult:
    """Run one op in a process of its own, and judge it."""
    if machine.trouble:
        return OpResult(op.name, MISSING, op.models, "not tried", machine.fix())
    if op.unused and machine.device == "cpu":
        return OpResult(op.name, UNUSED, op.models, op.unused)
    start = time.monotonic()
    found, text, reason = _ask_child(op.name, machine.device, limit)
    printed = text.partition(MARK)[2].strip()[:2000]
    measured = tuple(found["measured"])
    status, said = judge(found, measured, printed, reason)
    fix = ""
    if status != OK:
        plain = machine.torch.partition("+")[0]
        again = f"pip install --force-reinstall torch=={plain}"
        fix = machine.fix() if op.compiled or status == MISSING else again
        lacks = machine.lacks_code() if op.compiled else ""
        said += f"; {lacks}" if lacks else ""
    seconds = round(time.monotonic() - start, 1)
    return OpResult(op.name, status, op.models, said, fix, printed, measured, seconds)


def judge(
    found: dict[str, Any], measured: Sequence[Measured], printed: str, reason: str
) -> tuple[str, str]:
    """The status of an op and why, from what its process said, printed and left."""
    error, stage = found.get("error", ""), found.get("stage", "before it began")
    launch = LAUNCH.search(printed)
    shown = f": {launch.group().strip()}" if launch else ""
    if reason or error:
        if "implementation for device" in error or "has no attribute" in error:
            return MISSING, first_line(error)
        return DEAD, f"{first_line(reason or error)} ({stage})" + shown
    zero = [one.what for one in measured if one.exact > 0 and one.actual == 0]
    if zero:
        return DEAD, f"all zero: {', '.join(zero)}" + shown
    off = [one for one in measured if not one.error <= BOUND * one.exact]
    if off:
        worst = max(off, key=lambda one: one.error / one.exact if one.error == one.error else 1e30)
        share = f"{worst.error / worst.exact:.1e}"
        text = f"{worst.what} differs by {share} of its largest value, {BOUND:.1e} is rounding"
        return WRONG, text + shown
    if launch:
        return WRONG, f"the values are right, and it printed{shown}"
    largest = max(one.error / one.exact for one in measured)
    return OK, f"within {largest:.1e} of the largest value" if largest else "exact"


def first_line(text: str) -> str:
    """The first line, cut."""
    return text.strip().splitlines()[0][:300]


def exit_code(lines: Sequence[OpResult]) -> int:
    """1 for an op that is wrong or dead, else 2 for one that could not be tried, else 0."""
    statuses = {line.status for line in lines}
    if statuses & {WRONG, DEAD}:
        return 1
    return 2 if MISSING in statuses or OK not in statuses else 0


# Showing -----------------------------------------------------------------------------------------


def render_json(machine: Machine, lines: Sequence[OpResult]) -> str:
    """Everything, for programs."""
    document = {
        "format": FORMAT,
        "exit_code": exit_code(lines),
        "bound": BOUND,
        "machine": asdict(machine),
        "ops": [asdict(line) for line in lines],
    }
    return json.dumps(document, indent=2)


def render_text(machine: Machine, lines: Sequence[OpResult]) -> str:
    """A line for the machine, one for each op, the fixes, and the count."""
    shown = _wrapped(_where(machine), "  ")
    if machine.trouble:
        shown += _wrapped(f"no op was tried: {machine.trouble}", "  ")
    fixes: list[str] = []
    for line in lines:
        models = ", ".join(NAMES[one] for one in line.models)
        shown += _wrapped(f"{line.status:<8}{line.name:<20}{models}: {line.text}", " " * 28)
        if line.fix and line.fix not in fixes:
            fixes.append(line.fix)
    for fix in fixes:
        first, *rest = wrap_command(fix, WIDTH - 9)
        shown += [f"  fix: {first}", *(f"       {part}" for part in rest)]
    if any(line.status == DEAD for line in lines) and machine.lacks_code():
        shown.append(f"  see {NO_KERNEL}")
    counts = Counter(line.status for line in lines)
    total = ", ".join(f"{status}: {count}" for status, count in counts.items())
    rest_of_zoo = "the other models of the zoo for ADE20K (K-Net, UPerNet, ...) call no op of mmcv"
    return "\n".join([*shown, *_wrapped(f"{total}; {rest_of_zoo}", "  ")])


def _where(machine: Machine) -> str:
    place = "the CPU, which says nothing of a GPU" if machine.device == "cpu" else "CUDA"
    if machine.gpu:
        place = f"{machine.gpu} (sm_{machine.capability})"
    mmcv = f"{machine.package} {machine.mmcv}" if machine.package else "no mmcv package"
    code = ""
    if machine.extension:
        names = str(machine.extension)
        code = f", compiled for {'the CPU alone' if names == 'none' else names}"
    return f"on {place}; torch {machine.torch or '?'}; {mmcv}{code}"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(
        description="Whether mmcv's ops compute on this machine, forward and backward.",
        epilog="Exit codes: 0 every op is right, 1 one is wrong or dead, 2 wrong usage, or an op "
        "that could not be tried.",
    )
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="", help="CUDA where torch sees a GPU"
    )
    parser.add_argument(
        "--limit", type=float, default=TIME_LIMIT, metavar="SECONDS", help="for each op"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--op", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        return child(options.op, options.device, Answer(options.child))
    machine = look(options.device, options.limit)
    lines = [try_op(op, machine, options.limit) for op in OPS]
    text = render_json(machine, lines) if options.json else render_text(machine, lines)
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())
