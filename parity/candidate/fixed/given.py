"""One fixed recipe as somebody wrote it: of an optimizer, of an iteration, or of a model."""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch import nn

from parity.candidate.fixed.config import ConfigRecipe
from parity.candidate.fixed.named import GROUPS, ByName, by_name
from parity.candidate.forms import only_one
from parity.check.candidate import Candidate
from parity.errors import InputError, NotExercised
from parity.probes.natural import ITERATIONS, MODELS, OPTIMIZERS, is_torch_scheduler, parameters_of
from parity.probes.natural import by_name as operations
from parity.probes.natural.recipe import Table, groups_of

SCHEDULE, OPTIONS = "schedule", "optim_options"
# Options of optimizers that decide on the result, besides those of each group.
_DECIDING = ("momentum", "dampening", "nesterov", "betas", "eps", "amsgrad")
# Parameters without a default that the config can fill in.
_FILLED: Mapping[str, frozenset[str]] = {
    "max_iters": frozenset({"max_iters", "max_iter", "total_iters", "total_steps", "max_steps"}),
    "lr": frozenset({"lr", "base_lr", "learning_rate"}),
    "weight_decay": frozenset({"weight_decay", "wd"}),
}


def fixed_candidate(given: Any, name: str, *, asked: ConfigRecipe) -> Candidate:
    """`given` as what can be held against the config; called `name` in messages.

    given: a function of an optimizer or a class, both of which make a scheduler; a function
    of an iteration, or a sequence, of rates; a function of a model that makes an optimizer,
    groups, or a pair of optimizer and scheduler. Raises InputError for anything else.
    """
    if isinstance(given, torch.optim.Optimizer):
        raise InputError(
            f"{name}: an optimizer does not say what its parameters are called; name the "
            f"function of the model that makes it"
        )
    if is_torch_scheduler(given) and given.__module__ == torch.optim.lr_scheduler.__name__:
        made = operations()["lr_table"].runnable(given)
        return Candidate(name, {SCHEDULE: made})
    fixed = _Fixed(given, asked)
    if _is_table(given) or _is_scheduler(given):
        return Candidate(name, {SCHEDULE: fixed.schedule})
    if only := only_one(given):
        return fixed_candidate(getattr(given, only), f"{name}:{only}", asked=asked)
    if not callable(given) or isinstance(given, nn.Module):
        raise InputError(
            f"{name}: a {type(given).__name__} makes no scheduler and no optimizer; name one "
            f"function, such as file.py:make_scheduler"
        )
    steps: dict[str, Callable[..., Any]] = {SCHEDULE: fixed.schedule}
    first = _first(given)
    if first not in OPTIMIZERS | ITERATIONS | {""}:
        steps |= {GROUPS: fixed.groups, OPTIONS: fixed.options}
    return Candidate(name, steps)


@dataclass(frozen=True, eq=False)
class _Fixed:
    """What somebody gave, as the steps that it can stand for; each is called on its case."""

    given: Any
    asked: ConfigRecipe

    def schedule(self, value: Mapping[str, Any], rng: RandomState) -> Table:
        """The rate at every iteration, float64 ``(max_iters, groups)``."""
        length: int = value["max_iters"]
        if _is_scheduler(self.given):
            own = copy.deepcopy(self.given)
            return _stepped(own.optimizer, own, length)
        if _is_table(self.given):
            return _table(self.given, length)
        first = _first(self.given)
        if first == "":
            return _table(self._made(), length)
        if first in ITERATIONS:
            return _table([self._made(at) for at in range(length)], length)
        if first in MODELS:
            return self._of_model(value)
        return self._of_optimizer(value)

    def groups(self, value: Mapping[str, Any], rng: RandomState) -> ByName:
        """Rate and weight decay of every parameter."""
        model, optimizer, _ = self._optimizer()
        rates = {key: float(self.asked.optimizer[key]) for key in ("lr", "weight_decay")}
        return by_name(groups_of(optimizer, model, rates))

    def options(self, value: Mapping[str, Any], rng: RandomState) -> dict[str, Any]:
        """Type and options of the optimizer, as `parity.live.optimizer_options` has them."""
        _, optimizer, _ = self._optimizer()
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise NotExercised("gives groups and no optimizer")
        found = deciding({**optimizer.defaults, **optimizer.param_groups[0]})
        return {"type": type(optimizer).__name__, **found}

    def _made(self, *first: Any) -> Any:
        """What the function gives for its first argument; others come from the config."""
        parameters = list(parameters_of(self.given).values())
        filled = {}
        for one in parameters[1:]:
            if one.default is Parameter.empty and one.kind not in (
                Parameter.VAR_POSITIONAL,
                Parameter.VAR_KEYWORD,
            ):
                filled[one.name] = self._filled(one.name)
        if parameters and first and parameters[0].kind is Parameter.KEYWORD_ONLY:
            return self.given(**{parameters[0].name: first[0]}, **filled)
        return self.given(*first, **filled)

    def _filled(self, name: str) -> Any:
        known = {"max_iters": self.asked.max_iters, **self.asked.optimizer}
        for key, spellings in _FILLED.items():
            if name in spellings:
                return known[key]
        raise InputError(f"needs {name}, which the config does not say; give it a default")

    def _of_optimizer(self, value: Mapping[str, Any]) -> Table:
        groups = [{"params": [nn.Parameter(torch.zeros(()))], "lr": lr} for lr in value["base_lrs"]]
        optimizer = getattr(torch.optim, self.asked.optimizer["type"])(groups)
        try:
            made = self._made(optimizer)
        except (AttributeError, TypeError):
            if _first(self.given) in OPTIMIZERS:
                raise
            return self._of_model(value)  # the name of its parameter does not tell
        return _stepped(optimizer, made, value["max_iters"])

    def _of_model(self, value: Mapping[str, Any]) -> Table:
        _, optimizer, scheduler = self._optimizer()
        if scheduler is None:
            raise NotExercised("gives no scheduler beside its optimizer")
        base = [_base(group, scheduler) for group in optimizer.param_groups]
        columns = [_column(base, lr) for lr in value["base_lrs"]]
        return _stepped(optimizer, scheduler, value["max_iters"])[:, columns]

    def _optimizer(self) -> tuple[nn.Module, Any, Any]:
        """A model, and the optimizer or groups, and scheduler or None, made for it."""
        try:
            model = copy.deepcopy(self.asked.groups["layout"]())
        except InputError as error:
            raise NotExercised(
                f"needs the config's model, which cannot be built: {error}"
            ) from error
        made = self._made(model.parameters() if _first(self.given) == "params" else model)
        if isinstance(made, Mapping) and "optimizer" in made:
            scheduler = made.get("lr_scheduler", made.get("scheduler"))
            scheduler = scheduler["scheduler"] if isinstance(scheduler, Mapping) else scheduler
            return model, made["optimizer"], scheduler
        if isinstance(made, (tuple, list)) and len(made) == 2 and not isinstance(made[0], Mapping):
            pair = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in made]
            return model, pair[0], pair[1]
        if made is None or (callable(getattr(made, "step", None)) and not _has_groups(made)):
            raise NotExercised(f"gives a {type(made).__name__}, and no optimizer")
        return model, made, None


def deciding(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an optimizer's options that decide on its result; a list as a tuple."""
    found = {key: options[key] for key in _DECIDING if key in options}
    return {key: tuple(one) if isinstance(one, list) else one for key, one in found.items()}


def _has_groups(made: Any) -> bool:
    return hasattr(made, "param_groups")


def _first(given: Any) -> str:
    """Name of the first parameter; "" where there is none, "*" where none is told."""
    try:
        names = list(inspect.signature(given).parameters)
    except (TypeError, ValueError):
        return "*"
    return names[0] if names else ""


def _is_scheduler(given: Any) -> bool:
    """Whether it is a scheduler that was made already, for an optimizer of its own."""
    if inspect.isclass(given) or not hasattr(given, "optimizer"):
        return False
    return hasattr(given, "step") or hasattr(given, "step_update")


def _is_table(given: Any) -> bool:
    if isinstance(given, (np.ndarray, torch.Tensor)):
        return True
    numbers = isinstance(given, Sequence) and not isinstance(given, (str, bytes))
    return numbers and all(isinstance(one, (int, float)) for one in given)


def _table(rates: Any, length: int) -> Table:
    """Rates as one column; raises InputError unless there is one for each iteration."""
    found = np.array([float(rate) for rate in rates], np.float64)
    if len(found) != length:
        raise InputError(f"gives {len(found):,} rates for {length:,} iterations")
    return found[:, None]


def _base(group: Mapping[str, Any], scheduler: Any) -> float:
    """The rate of a group before any scheduler; timm's multiply by its lr_scale."""
    scale = group.get("lr_scale", 1.0) if hasattr(scheduler, "step_update") else 1.0
    return float(group.get("initial_lr", group["lr"]) * scale)


def _column(base: Sequence[float], lr: float) -> int:
    """The group whose rate is `lr`."""
    found = [at for at, one in enumerate(base) if abs(one - lr) <= 1e-9 * lr]
    if not found:
        told = ", ".join(f"{rate:g}" for rate in sorted(set(base)))
        raise InputError(f"has no group with the rate {lr:g} of the config; its rates are {told}")
    return found[0]


def _stepped(optimizer: Any, scheduler: Any, length: int) -> Table:
    """The rates of all groups before each update, with every scheduler stepped after it."""
    several = scheduler if isinstance(scheduler, (tuple, list)) else [scheduler]
    advance = [_advance(one) for one in several]
    table = np.empty((length, len(optimizer.param_groups)))
    with warnings.catch_warnings():  # no update is made, of which torch would warn
        warnings.simplefilter("ignore")
        for iteration in range(length):
            table[iteration] = [group["lr"] for group in optimizer.param_groups]
            for step in advance:
                step(iteration + 1)
    return table


def _advance(scheduler: Any) -> Callable[[int], Any]:
    """How a scheduler goes on to the next iteration, which it may want to be told."""
    if callable(getattr(scheduler, "step_update", None)):
        update: Callable[[int], Any] = scheduler.step_update
        return update
    step = getattr(scheduler, "step", None)
    if not callable(step):
        raise InputError(f"gives a {type(scheduler).__name__}, which has no step()")
    parameters = parameters_of(step).values()
    needed = [one for one in parameters if one.default is Parameter.empty]
    needed = [one for one in needed if one.kind is Parameter.POSITIONAL_OR_KEYWORD]
    if any(one.name == "metrics" for one in needed):
        raise InputError(f"{type(scheduler).__name__} follows scores, not iterations")
    return step if needed else partial(_without_argument, step)


def _without_argument(step: Callable[[], Any], iteration: int) -> Any:
    return step()
