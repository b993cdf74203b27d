"""Values of a config, which may be anything, as the type that their reader needs.

Each accessor takes a value and how to call it in the error. None, a value that
is not there, gives the empty one; any other type raises RunFormatError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parity.errors import RunFormatError
from parity.runs.facts import Unknown


def mapping(value: Any, name: str) -> Mapping[Any, Any]:
    """A dict."""
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise _odd(value, name, "a dict")


def sequence(value: Any, name: str) -> Sequence[Any]:
    """A list or a tuple."""
    if value is None or isinstance(value, (list, tuple)):
        return value or ()
    raise _odd(value, name, "a list")


def integer(value: Any, name: str) -> int | None:
    """A whole number."""
    if value is None or type(value) is int:
        return value
    raise _odd(value, name, "a whole number")


def integers(value: Any, name: str) -> tuple[int, ...] | None:
    """Whole numbers in a list or a tuple."""
    if value is None:
        return None
    found = tuple(integer(item, name) for item in sequence(value, name))
    return tuple(item for item in found if item is not None)


def text(value: Any, name: str) -> str:
    """A text."""
    if value is None or isinstance(value, str):
        return value or ""
    raise _odd(value, name, "a text")


def _odd(value: Any, name: str, wanted: str) -> RunFormatError:
    if isinstance(value, Unknown):
        return RunFormatError(value.note)
    return RunFormatError(f"{name} is a {type(value).__name__}, not {wanted}")
