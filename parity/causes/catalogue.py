"""All known causes."""

import parity.causes.known  # noqa: F401 - fills KNOWN
from parity.causes.cause import KNOWN, Cause
from parity.errors import InputError
from parity.text import did_you_mean


def all_causes() -> tuple[Cause, ...]:
    """By id."""
    return tuple(sorted(KNOWN.values(), key=lambda item: item.id))


def named_cause(name: str) -> Cause:
    """The cause that somebody asks for. Raises InputError, with those of a like name."""
    if name not in KNOWN:
        hint = did_you_mean(name, sorted(KNOWN), "parity cause lists them all")
        raise InputError(f"{name}: no such cause; {hint}")
    return cause(name)


def cause(name: str) -> Cause:
    """The cause with this id. Raises KeyError."""
    return KNOWN[name]
