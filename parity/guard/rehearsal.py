"""The first iterations of a training, for real: the config is run, in a process of its own."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from parity.guard.doctor import ERROR, OK, WARNING, Line
from parity.guard.judging import python
from parity.guard.preflight import Flight
from parity.guard.weights import reads_weights
from parity.live import reference_module
from parity.runs import read_run
from parity.runs.console import KERNEL_LAUNCH

TIME_LIMIT = 1800.0
AMP_ITERATIONS = 4  # the first steps of mixed precision find a loss scale, and are skipped
CODE = "from parity.guard.rehearsal import main; main()"
_PARTS = ("dataloader", "cfg", "evaluator")
_LEFT_OUT = tuple(f"{split}_{part}" for split in ("val", "test") for part in _PARTS)
_HOOK = "parity.guard.hook.ParityHook"
_MEBI = 1 << 20


def rehearse(flight: Flight) -> Iterator[Line]:
    """Lines of what the first iterations of `flight` show."""
    with tempfile.TemporaryDirectory(prefix="parity-preflight-") as folder:
        result, console = Path(folder) / "result.json", Path(folder) / "console.txt"
        job = {
            "config": str(flight.found.path),
            "work_dir": folder,
            "result": str(result),
            "changes": _changes(flight),
        }
        with console.open("wb") as stream:
            command = python(CODE, json.dumps(job))
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    timeout=TIME_LIMIT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                yield Line("iterations", ERROR, f"no end after {TIME_LIMIT:.0f} seconds")
                return
        if done.returncode or not result.exists():
            text = console.read_text("utf-8", "replace").strip().splitlines() or ["nothing printed"]
            yield Line("iterations", ERROR, f"ended with {done.returncode}: {text[-1][:300]}")
            return
        yield from _kernel_lines(console)
        yield from results(flight, json.loads(result.read_text("utf-8")))


def _changes(flight: Flight) -> dict[str, Any]:
    """What the iterations are run with, as ``--cfg-options``."""
    terms = flight.terms
    counts = terms.get("optim_wrapper", "accumulative_counts") or 1
    steps = AMP_ITERATIONS if terms.item("optim_wrapper").kind == "AmpOptimWrapper" else 1
    iterations = counts * steps + 1
    hooks = flight.config.get("custom_hooks") or []
    changes: dict[str, Any] = dict.fromkeys(_LEFT_OUT)
    changes |= {
        "train_cfg.max_iters": iterations,
        "visualizer": None,
        "default_hooks.checkpoint": None,
        "custom_hooks": [*hooks, {"type": _HOOK, "zero": iterations, "every": 1}],
    }
    if flight.data is not None:
        changes["train_dataloader.dataset.data_root"] = str(flight.data)
    if flight.checkpoint is not None:
        file = str(flight.checkpoint)
        weights = {"_delete_": True, "type": "Pretrained", "checkpoint": file}
        if isinstance(terms.get("load_from"), str):
            changes["load_from"] = file
        elif reads_weights(terms):
            changes["model.backbone.weights"] = file
        else:
            changes["model.backbone.init_cfg"] = weights
    return changes


def _kernel_lines(console: Path) -> Iterator[Line]:
    for message in read_run(console).console:
        if message.kind == KERNEL_LAUNCH:
            text = f"printed {message.count} times: {message.source.text}"
            yield Line("kernel", ERROR, text, "parity ops")


def results(flight: Flight, found: Mapping[str, Any]) -> Iterator[Line]:
    """Lines of what the iterations wrote down, as `main` does."""
    losses, count = found["losses"], found["parameters"]
    shown = ", ".join(f"{loss:.4g}" for loss in losses)
    finite = all(map(math.isfinite, losses))
    yield Line("loss", OK if finite else ERROR, f"{shown} in the first {len(losses)} iterations")
    if found["zero"]:
        text = f"exactly 0 for {len(found['zero'])} of {count} parameters, {_few(found['zero'])}"
        yield Line("gradients", ERROR, text)
    else:
        yield Line(
            "gradients", OK, f"not 0 for each of {count - len(found['unreached'])} parameters"
        )
    if found["unreached"]:
        text = f"{len(found['unreached'])} parameters are not reached, {_few(found['unreached'])}"
        yield Line("unreached", WARNING, text)
    for name, text in found["alarms"]:
        if name == "keys-unmatched":
            yield Line(name, ERROR, text)
    yield from _cost_lines(flight, found)


def _few(names: list[str]) -> str:
    return ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")


def _cost_lines(flight: Flight, found: Mapping[str, Any]) -> Iterator[Line]:
    seconds, length = found["seconds"], flight.terms.get("train_cfg", "max_iters")
    text = f"{seconds:.3g} s for the last of them on {found['device']}"
    if type(length) is int:
        text += f"; {length} are {seconds * length / 3600:.1f} hours, without validation"
    yield Line("time", OK, text)
    memory = found["memory"]
    if memory is None:
        yield Line("memory", WARNING, "not measured: no GPU")
    else:
        used, there = memory[0] / 2**30, memory[1] / 2**30
        status = ERROR if used > 0.97 * there else OK
        yield Line("memory", status, f"{used:.1f} of {there:.1f} GB of the GPU at the most")
    yield Line("checkpoints", OK, f"{found['checkpoint'] / _MEBI:.0f} MB each, about")


def main() -> None:
    """Run the job ``sys.argv[1]``, JSON, and write what it showed into its file ``result``."""
    job = json.loads(sys.argv[1])
    live = reference_module("training")
    runner = live.build_runner(
        Path(job["config"]), work_dir=job["work_dir"], changes=job["changes"]
    )
    losses: list[float] = []
    times: list[float] = []
    live.call_before(
        runner, "after_train_iter", lambda outputs=None, **_: losses.append(float(outputs["loss"]))
    )
    live.call_before(runner, "before_train_iter", lambda **_: times.append(time.perf_counter()))
    live.call_before(runner, "after_train", lambda **_: times.append(time.perf_counter()))
    runner.train()
    (hook,) = [hook for hook in runner.hooks if type(hook).__name__ == "ParityHook"]
    Path(job["result"]).write_text(json.dumps(_shown(runner, hook, losses, times)), "utf-8")


def _shown(runner: Any, hook: Any, losses: list[float], times: list[float]) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - the parent has no need of it

    parameters = dict(runner.model.named_parameters())
    cuda = torch.cuda.is_available()
    memory = None
    if cuda:
        memory = [
            torch.cuda.max_memory_reserved(),
            torch.cuda.get_device_properties(0).total_memory,
        ]
    states = [t for s in runner.optim_wrapper.optimizer.state.values() for t in s.values()]
    tensors = [*runner.model.state_dict().values(), *filter(torch.is_tensor, states)]
    return {
        "losses": losses,
        "zero": hook.monitor.zero,
        "unreached": hook.monitor.unreached,
        "parameters": sum(p.requires_grad for p in parameters.values()),
        "alarms": [[alarm.id, alarm.text] for alarm in hook.alarms],
        "seconds": times[-1] - times[-2],
        "device": torch.cuda.get_device_name(0) if cuda else "the CPU",
        "memory": memory,
        "checkpoint": sum(t.numel() * t.element_size() for t in tensors),
    }
