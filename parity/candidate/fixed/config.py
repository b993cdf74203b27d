"""What a config asks of schedule and optimizer; read, and never executed."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from parity.errors import InputError
from parity.recipe import Recipe, read
from parity.settings.items import bare


@dataclass(frozen=True)
class ConfigRecipe:
    """What a config says, in the terms of mmseg 1.x.

    optimizer: with ``type``, ``lr`` and ``weight_decay``. groups: the input of the step that
    sorts parameters into groups. scheduling: what `lr_table` takes, but for the rates.
    """

    name: str
    optimizer: Mapping[str, Any]
    groups: Mapping[str, Any]
    scheduling: Mapping[str, Any]

    @property
    def max_iters(self) -> int:
        """The length of the training."""
        length: int = self.scheduling["max_iters"]
        return length

    def schedule(self, base_lrs: list[float]) -> dict[str, Any]:
        """The input of the step that gives the rates, for groups of these rates."""
        return {"base_lrs": base_lrs, **self.scheduling}

    def __str__(self) -> str:
        kind, lr = self.optimizer["type"], self.optimizer["lr"]
        entries = self.scheduling["param_scheduler"]
        schedulers = ", ".join(_described(entry) for entry in entries) or "no scheduler"
        return f"{kind}, lr {lr:g}, {self.max_iters:,} iterations, {schedulers}"


def config_recipe(text: str) -> ConfigRecipe:
    """What the config called `text` asks: a path, a work directory, or a name of the zoo.

    Raises InputError when there is none, or it leaves open what is needed.
    """
    recipe = read(text)
    if not recipe.terms.get("train_cfg", "max_iters"):
        raise InputError(
            f"--config {text}: train_cfg has no max_iters; only trainings counted in iterations "
            f"can be compared"
        )
    if recipe.schedule is None or recipe.groups is None:
        raise InputError(f"--config {text}: {_why(recipe)}")
    optimizer = _optimizer(recipe, text)
    rates = {key: float(optimizer[key]) for key in ("lr", "weight_decay")}
    layout = replace(recipe.groups["layout"], thawed=True)
    groups = {**recipe.groups, **rates, "layout": layout}
    return ConfigRecipe(recipe.name, optimizer, groups, recipe.schedule.options)


def _why(recipe: Recipe) -> str:
    left = {one.what: one.reason for one in recipe.uncompared}
    what = next(what for what in ("the schedule", "the optimizer groups") if what in left)
    return f"{what} is not known: {left[what]}"


def _optimizer(recipe: Recipe, text: str) -> dict[str, Any]:
    given: dict[str, Any] = recipe.terms.get("optim_wrapper", "optimizer")
    kind = bare(given["type"])
    cls = getattr(torch.optim, kind, None)
    if not (inspect.isclass(cls) and issubclass(cls, torch.optim.Optimizer)):
        raise InputError(f"--config {text}: torch.optim has no {given['type']}")
    default = inspect.signature(cls).parameters["weight_decay"].default
    return {"weight_decay": default, **given, "type": kind}


def _described(entry: Mapping[str, Any]) -> str:
    begin, end = entry.get("begin", 0), entry.get("end")
    power = f" of power {entry['power']:g}" if "power" in entry else ""
    return f"{bare(entry.get('type'))}{power} from {begin} to {'the end' if end is None else end}"
