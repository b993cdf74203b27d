"""Names that are typed: completed in the shell, and guessed at where they are misspelt."""

from __future__ import annotations

from collections.abc import Iterable

from parity.causes.catalogue import all_causes
from parity.check.cases import all_steps
from parity.errors import ReferenceUnavailable
from parity.zoo.installed import all_rows


def step_names() -> tuple[str, ...]:
    """Files of steps, which stand for all steps in them, then the steps, each once."""
    known = all_steps()
    return tuple(dict.fromkeys([*(s.module for s in known), *(s.name for s in known)]))


def complete_steps(incomplete: str) -> list[str]:
    """Steps that begin so."""
    return _beginning(incomplete, step_names())


def complete_zoo(incomplete: str) -> list[str]:
    """Results of the zoo that begin so; none without mmsegmentation."""
    try:
        return _beginning(incomplete, (row.name for row in all_rows()))
    except ReferenceUnavailable:
        return []


def complete_causes(incomplete: str) -> list[str]:
    """Causes that begin so."""
    return _beginning(incomplete, (cause.id for cause in all_causes()))


def _beginning(text: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(text)]
