"""What a config asks of schedule and optimizer; read, and never executed."""

from __future__ import annotations

import difflib
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from parity.errors import InputError
from parity.recipe.groups import DEFAULT, ModelOf
from parity.runs.config import installed_configs, read_config
from parity.runs.facts import Config
from parity.runs.merge import unknown_in
from parity.runs.read import read_run
from parity.settings.items import bare, lift, plain
from parity.settings.legacy import is_legacy, upgraded
from parity.zoo.installed import all_rows, old_name, row_config


@dataclass(frozen=True)
class Asked:
    """What a config says, in the terms of mmseg 1.x.

    optimizer: with ``type``, ``lr`` and ``weight_decay``. schedulers: its ``param_scheduler``.
    """

    name: str
    model: ModelOf
    optimizer: Mapping[str, Any]
    paramwise_cfg: Mapping[str, Any] | None
    constructor: str
    schedulers: tuple[Mapping[str, Any], ...]
    max_iters: int

    @property
    def groups(self) -> dict[str, Any]:
        """The input of the step that sorts parameters into groups."""
        rates = {key: float(self.optimizer[key]) for key in ("lr", "weight_decay")}
        chosen = {"paramwise_cfg": self.paramwise_cfg, "constructor": self.constructor}
        return {"layout": self.model, **rates, **chosen}

    def schedule(self, base_lrs: list[float]) -> dict[str, Any]:
        """The input of the step that gives the rates, for groups of these rates."""
        entries = [dict(entry) for entry in self.schedulers]
        return {"base_lrs": base_lrs, "param_scheduler": entries, "max_iters": self.max_iters}

    def __str__(self) -> str:
        kind, lr = self.optimizer["type"], self.optimizer["lr"]
        schedulers = ", ".join(_described(entry) for entry in self.schedulers) or "no scheduler"
        return f"{kind}, lr {lr:g}, {self.max_iters:,} iterations, {schedulers}"


def asked_by(text: str) -> Asked:
    """What the config called `text` asks: a path, a work directory, or a name of the zoo.

    Raises InputError when there is none, or it leaves open what is needed.
    """
    config = _config(text)
    top = lift(config.values)
    values = plain(upgraded(top)) if is_legacy(top) else dict(config.values)
    name = Path(text.rstrip("/")).name.removesuffix(".py")
    wrapper = _known(values, "optim_wrapper", text)
    optimizer = _optimizer(wrapper, text)
    constructor = str(wrapper.get("constructor") or DEFAULT)
    return Asked(
        name,
        ModelOf(pickle.dumps(_known(values, "model", text)), thawed=True),
        optimizer,
        wrapper.get("paramwise_cfg"),
        bare(constructor),
        _schedulers(values, text),
        _iterations(values, text),
    )


def _config(text: str) -> Config:
    path = Path(text)
    if path.is_dir():
        config = read_run(path, checkpoints=False).config
        if config is None:
            raise InputError(f"--config {text}: no config of the run could be read")
        return config
    if path.is_file():
        return read_config(path)
    return _zoo_config(text)


def _zoo_config(text: str) -> Config:
    wanted = text.rpartition("/")[2].removesuffix(".py")
    root = installed_configs()
    for file in [] if root is None else sorted(root.glob("*/*.py")):
        if file.stem == wanted:
            return read_config(file, configs_root=root, name=wanted)
    rows = all_rows()
    for row in rows:
        if wanted == old_name(row) and (found := row_config(row)) is not None:
            return found
    near = difflib.get_close_matches(wanted, {row.name for row in rows}, 3, 0.3)
    raise InputError(
        f"--config {text}: no file, no work directory and no config of the zoo; near: "
        f"{', '.join(near) or 'none'}"
    )


def _known(values: Mapping[str, Any], key: str, text: str) -> dict[str, Any]:
    """The dict at `key`, every value of which is known."""
    found = values.get(key)
    if not isinstance(found, Mapping):
        raise InputError(f"--config {text}: has no {key}; give a config of mmsegmentation")
    for unknown in unknown_in(found):
        raise InputError(f"--config {text}: {key} is not known: {unknown.note}")
    return dict(found)


def _optimizer(wrapper: Mapping[str, Any], text: str) -> dict[str, Any]:
    given = wrapper.get("optimizer")
    if not isinstance(given, Mapping) or not isinstance(given.get("lr"), (int, float)):
        raise InputError(f"--config {text}: optim_wrapper has no optimizer with a number as lr")
    kind = bare(given.get("type"))
    cls = getattr(torch.optim, kind, None)
    if not (inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer)):
        raise InputError(f"--config {text}: torch.optim has no {given.get('type')}")
    default = inspect.signature(cls).parameters["weight_decay"].default
    return {"weight_decay": default, **given, "type": kind}


def _schedulers(values: Mapping[str, Any], text: str) -> tuple[dict[str, Any], ...]:
    given = values.get("param_scheduler") or []
    entries = [given] if isinstance(given, Mapping) else given
    if not isinstance(entries, (list, tuple)) or not all(isinstance(e, Mapping) for e in entries):
        raise InputError(f"--config {text}: param_scheduler is no list of dicts")
    for unknown in unknown_in(list(entries)):
        raise InputError(f"--config {text}: param_scheduler is not known: {unknown.note}")
    return tuple(dict(entry) for entry in entries)


def _iterations(values: Mapping[str, Any], text: str) -> int:
    loop = values.get("train_cfg")
    found = loop.get("max_iters") if isinstance(loop, Mapping) else None
    if not isinstance(found, int) or found < 1:
        raise InputError(
            f"--config {text}: train_cfg has no max_iters; only trainings counted in iterations "
            f"can be compared"
        )
    return found


def _described(entry: Mapping[str, Any]) -> str:
    begin, end = entry.get("begin", 0), entry.get("end")
    power = f" of power {entry['power']:g}" if "power" in entry else ""
    return f"{bare(entry.get('type'))}{power} from {begin} to {'the end' if end is None else end}"
