"""A known mistake, as code that makes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from parity.pipeline import Step

# File of a step, such as "loss", and name of a function in it, such as "cross_entropy".
Replaced = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Suspect:
    """One known mistake, in every function that can hold it.

    id: kebab-case and unique, such as "hue-modulo-256". summary: one sentence that tells a
    user what is done wrongly and what the reference does instead. functions: what has the
    mistake, and the signature of the step's own function in whose place it is. needs: what
    an input must have for the mistake to show, "" when any does.
    """

    id: str
    summary: str
    functions: Mapping[Replaced, Callable[..., Any]]
    needs: str = ""

    def instead_of(self, step: Step) -> Callable[..., Any]:
        """What has the mistake and takes the place of the step's own function."""
        return self.functions[replaced_by(step)]


def replaced_by(step: Step) -> Replaced:
    """What a suspect of `step` takes the place of."""
    return step.module, step.function.__name__


def one_a_mistake(suspects: Iterable[Suspect]) -> tuple[Suspect, ...]:
    """Suspects of one id as one, with the functions of all; ValueError for unlike sentences."""
    found: dict[str, Suspect] = {}
    for one in suspects:
        before = found.setdefault(one.id, one)
        if before.summary != one.summary:
            raise ValueError(f"two mistakes are called {one.id}")
        found[one.id] = replace(before, functions={**before.functions, **one.functions})
    return tuple(found.values())
