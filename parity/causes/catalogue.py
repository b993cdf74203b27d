"""All known causes."""

from __future__ import annotations

from functools import cache

from parity.causes import table
from parity.causes.cause import Cause
from parity.causes.known import (
    batch,
    data,
    dead_kernel,
    evaluation,
    labels,
    machine,
    norms,
    schedule,
    symptoms,
    weights,
)
from parity.errors import InputError
from parity.text import did_you_mean

_MODULES = (
    batch,
    data,
    dead_kernel,
    evaluation,
    labels,
    machine,
    norms,
    schedule,
    symptoms,
    table,
    weights,
)


@cache
def all_causes() -> tuple[Cause, ...]:
    """By id."""
    found = [item for module in _MODULES for item in module.CAUSES]
    return tuple(sorted(found, key=lambda item: item.id))


@cache
def _by_id() -> dict[str, Cause]:
    return {item.id: item for item in all_causes()}


def named_cause(name: str) -> Cause:
    """The cause that somebody asks for. Raises InputError, with those of a like name."""
    if name not in _by_id():
        hint = did_you_mean(name, _by_id(), "parity cause lists them all")
        raise InputError(f"{name}: no such cause; {hint}")
    return cause(name)


def cause(name: str) -> Cause:
    """The cause with this id. Raises KeyError."""
    return _by_id()[name]
