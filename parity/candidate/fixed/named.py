"""Parameter groups by the names of their parameters: how they are grouped is left out."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from numpy.random import RandomState

from parity.pipeline import Step
from parity.probes.catalogue import PROBES
from parity.suspects.catalogue import suspects_of
from parity.suspects.suspect import Suspect, replaced_by

GROUPS = "optim_groups"
ByName = dict[str, dict[str, float]]


def probed(name: str) -> Step:
    """The step that is checked on seeded inputs under `name`."""
    return next(probe.step for probe in PROBES if probe.step.name == name)


def by_name(groups: Iterable[Any]) -> ByName:
    """Rate and weight decay of every parameter."""
    return {
        name: {key: float(group[key]) for key in ("lr", "weight_decay")}
        for group in groups
        for name in group["names"]
    }


def named_groups(value: Any, rng: RandomState | None = None) -> ByName:
    """Our own step, by name."""
    return by_name(probed(GROUPS)(value, rng))


@cache
def named_suspects() -> tuple[Suspect, ...]:
    """What people get wrong when they sort parameters into groups, by name."""
    step, here = probed(GROUPS), replaced_by(Step(GROUPS, named_groups))
    return tuple(
        replace(one, functions={here: _named(one.instead_of(step))}) for one in suspects_of(step)
    )


def _named(function: Callable[..., Any]) -> Callable[..., ByName]:
    step = probed(GROUPS).doing(function)
    return lambda value, rng=None: by_name(step(value, rng))
