"""A fact and the place it was read from; a config; and what is unknown or could not be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from parity.errors import RunFormatError

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A place in a file. file: relative to the run where it lies inside. line: from 1."""

    file: str
    line: int | None = None
    text: str = ""

    @property
    def place(self) -> str:
        """``file:line``, as far as it is known."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A value and where it was read; value None means not known, and `note` says why.

    note: also how a value was derived when no single line states it.
    """

    value: T | None = None
    source: Source | None = None
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


@dataclass(frozen=True, eq=False)
class Unknown:
    """A value of a config that only running it could tell; equal to nothing, itself included.

    text: the expression as written. reason: what in it needs execution.
    """

    text: str
    source: Source
    reason: str = ""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    @property
    def note(self) -> str:
        """What is not known and why, for a reader."""
        line = "" if self.source.line is None else f":{self.source.line}"
        return (
            f"{self.source.file}{line}: needs execution: {self.reason} is not a literal; "
            f"the value `{self.text}` is not known"
        )


@dataclass(frozen=True)
class Unread:
    """Something that could not be read, or not to its end. count: how often in that file."""

    file: str
    reason: str
    line: int | None = None
    count: int = 1


@dataclass(frozen=True)
class Config:
    """A config as plain dicts, lists, tuples, scalars and Unknown; nothing in it was executed.

    file: what was read. origins: the place of each key, by its path. notes:
    what could only be taken over as it stands.
    """

    values: Mapping[str, Any]
    file: str
    origins: Mapping[tuple[str | int, ...], Source] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def get(self, *path: str | int) -> Any:
        """The value at `path`, e.g. ``"model", "decode_head", 0``; None when there is none.

        Below an Unknown value everything is that one.
        """
        value: Any = self.values
        for key in path:
            if isinstance(value, Unknown):
                return value
            if isinstance(value, Mapping) and key in value:
                value = value[key]
            elif _indexes(value, key):
                value = value[int(key)]
            else:
                return None
        return value

    def source(self, *path: str | int) -> Source:
        """Where `path` is written, or the innermost part of it that has a place of its own."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return Source(self.file)

    def fact(self, *path: str | int) -> Fact[Any]:
        """The value at `path` with its place; not known where only running could tell it."""
        value = self.get(*path)
        if isinstance(value, Unknown):
            return Fact(None, value.source, value.note)
        return Fact(value, self.source(*path) if value is not None else None)


def _indexes(value: Any, key: str | int) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and isinstance(key, int) and -len(value) <= key < len(value)


def first_known(facts: Iterable[Fact[T]]) -> Fact[T]:
    """The first that is known."""
    return next((fact for fact in facts if fact.known), Fact())


# Values of a config, which may be anything, as the type that their reader needs. Each takes a value
# and how to call it in the error. None, a value that is not there, gives the empty one; any other
# type raises RunFormatError.


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
