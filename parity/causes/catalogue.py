"""All known causes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from parity.causes import known
from parity.causes.cause import Cause


@cache
def all_causes() -> tuple[Cause, ...]:
    """One per file in ``known``, by id."""
    names = sorted(module.name for module in pkgutil.iter_modules(known.__path__))
    found = [importlib.import_module(f"{known.__name__}.{name}").CAUSE for name in names]
    return tuple(sorted(found, key=lambda cause: str(cause.id)))


def cause(name: str) -> Cause:
    """The cause with this id. Raises KeyError."""
    return {item.id: item for item in all_causes()}[name]
