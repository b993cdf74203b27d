"""Checkpoints of our loop: all that decides what comes next, written whole or not at all.

Of the form of ``Runner.save_checkpoint`` and ``EMAHook.before_save_checkpoint`` (mmengine
0.10.7 runner/runner.py, hooks/ema_hook.py), so that mmengine and mmseg load the weights,
with what mmengine leaves out under ``parity``: the generators of the training and of its
workers, gradients that wait for an update, and the scale of the loss.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from parity.errors import InputError
from parity.files import write_atomically
from parity.train.observe import Values, generators, set_generators

if TYPE_CHECKING:
    from parity.train.loop import Loop

_NAME = re.compile(r"iter_(\d{1,12})\.pth")
_LAST = "last_checkpoint"


@dataclass(frozen=True)
class LoopState:
    """Of the end of an iteration. workers: states of generators, by number of the worker.

    epoch: those that are over before it, in a loop by epoch.
    """

    iteration: int
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Any]
    average: Mapping[str, Tensor]
    generators: Values
    workers: Mapping[int, Values]
    gradients: Mapping[str, Tensor]
    scaler: Mapping[str, Any]
    epoch: int = 0


def snapshot(loop: Loop, iteration: int) -> LoopState:
    """What `loop` is at the end of `iteration`; the tensors are its own."""
    named = loop.model.named_parameters()
    return LoopState(
        iteration,
        loop.model.state_dict(),
        loop.optimizer.state_dict(),
        {} if loop.average is None else loop.average.state(),
        generators(loop.device),
        dict(loop.worker_states),
        {name: param.grad for name, param in named if param.grad is not None},
        loop.precision.scaler.state_dict(),
        (iteration - 1) // loop.plan.epoch_length if loop.plan.by_epoch else 0,
    )


def restore(loop: Loop, found: LoopState) -> None:
    """Make `loop` what it was at the end of the iteration of `found`."""
    loop.model.load_state_dict(dict(found.weights))
    loop.optimizer.load_state_dict(dict(found.optimizer))
    for name, param in loop.model.named_parameters():
        if name in found.gradients:
            param.grad = found.gradients[name].to(param.device)
    if loop.average is not None:
        loop.average.load(found.average)
    loop.precision.scaler.load_state_dict(dict(found.scaler))
    set_generators(found.generators)


def write_checkpoint(folder: Path, found: LoopState, meta: Mapping[str, Any]) -> Path:
    """``iter_N.pth`` and ``last_checkpoint``. Raises InputError; what was there stays."""
    path = folder / f"iter_{found.iteration}.pth"
    weights, average = _exchanged(found.weights, found.average)
    content = {
        "meta": {**meta, "iter": found.iteration, "epoch": found.epoch},
        "state_dict": {name: value.cpu() for name, value in weights.items()},
        "optimizer": found.optimizer,
        **({"ema_state_dict": average} if average else {}),
        "parity": {
            "generators": _plain(found.generators),
            "workers": {number: _plain(states) for number, states in found.workers.items()},
            "gradients": found.gradients,
            "scaler": found.scaler,
        },
    }
    save_whole(path, content)
    write_atomically(folder / _LAST, str(path).encode())
    return path


def read_checkpoint(path: Path, device: str = "cpu") -> LoopState:
    """What `write_checkpoint` wrote. Raises InputError for anything else."""
    content = load_plain(path, device)
    try:
        own = content["parity"]
        weights, average = _exchanged(content["state_dict"], content.get("ema_state_dict", {}))
        workers = {number: _states(states) for number, states in own["workers"].items()}
        return LoopState(
            content["meta"]["iter"],
            weights,
            content["optimizer"],
            average,
            _states(own["generators"]),
            workers,
            own["gradients"],
            own["scaler"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no checkpoint of this loop: {error!r}") from error


def meta_of(path: Path) -> Mapping[str, Any]:
    """What a checkpoint says of itself; empty where it says nothing. Raises InputError."""
    content = load_plain(path)
    meta = content.get("meta") if isinstance(content, Mapping) else None
    return meta if isinstance(meta, Mapping) else {}


def save_whole(path: Path, content: Any) -> None:
    """``torch.save`` to `path`, which holds all of it or what it held before. Raises InputError."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: cannot be written: {reason}; make room, and go on with --resume"
        ) from error


def load_plain(path: Path, device: str = "cpu") -> Any:
    """A file of ``torch.save`` that holds tensors and plain values. Raises InputError."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        told = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read: {told}") from error
    except Exception as error:  # pickle.UnpicklingError, and what damaged files make of it
        raise InputError(f"{path}: holds other things than weights, or is damaged") from error


def kept_iterations(folder: Path) -> set[int]:
    """Of which iterations `folder` holds checkpoints, up to the one named as the last."""
    try:
        last = _NAME.fullmatch(Path((folder / _LAST).read_text("utf-8").strip()).name)
    except (OSError, ValueError):
        return set()
    found = (_NAME.fullmatch(path.name) for path in folder.glob("iter_*.pth"))
    numbers = {int(match[1]) for match in found if match is not None}
    return {number for number in numbers if last is not None and number <= int(last[1])}


def _exchanged(
    weights: Mapping[str, Tensor], average: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Each in the place of the other: in a file the averaged weights are those to be used."""
    used, kept = dict(weights), dict(average)
    for key in [key for key in average if key.startswith("module.")]:
        name = key.removeprefix("module.")
        used[name], kept[key] = average[key], weights[name]
    return used, kept


def _plain(states: Values) -> dict[str, Any]:
    """With a tensor for NumPy's array, which a file of plain values cannot hold."""
    key, *rest = states["NumPy"]
    return {**states, "NumPy": (torch.from_numpy(key.astype(np.int64)), *rest)}


def _states(plain: Values) -> dict[str, Any]:
    key, *rest = plain["NumPy"]
    states = {name: value.cpu() for name, value in plain.items() if isinstance(value, Tensor)}
    return {**plain, **states, "NumPy": (key.cpu().numpy().astype(np.uint32), *rest)}
