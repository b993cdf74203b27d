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


def cause(name: str) -> Cause:
    """The cause with this id. Raises KeyError."""
    return _by_id()[name]
