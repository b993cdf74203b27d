"""A known mistake, as code that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Suspect:
    """One known mistake in one step.

    id: kebab-case and unique, such as "hue-modulo-256". step: name of the file
    of the step, such as "photometric". summary: one sentence that tells a user
    what is done wrongly and what the reference does instead. function: has
    the mistake and the signature of the step's own function, whose name is in
    `replaces` (such as "cross_entropy").
    """

    id: str
    step: str
    replaces: str
    summary: str
    function: Callable[..., Any]


def mistakes(suspects: Iterable[Suspect]) -> int:
    """How many mistakes they are: one that several functions can hold is one."""
    return len({one.summary for one in suspects})
