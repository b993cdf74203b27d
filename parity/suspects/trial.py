"""Make every suspect of a step, and pairs of them, perform it on the same input."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from itertools import permutations
from typing import Any

import numpy as np

from parity.compare.leaf import Leaf, as_leaf, blocks
from parity.compare.rng import Draw, draws_from_other_range
from parity.compare.trace import StepRecord, run_step
from parity.compare.tree import children
from parity.errors import InputError
from parity.pipeline import Step
from parity.suspects.mistake import Function, bound, places_of
from parity.suspects.shelf import let_go
from parity.suspects.suspect import Suspect
from parity.suspects.values import other_values

_PLAIN = (bool, int, str, type(None))
# One suspect, or two of which the first is made around the second.
Combination = tuple[Suspect, ...]


class NotDefined(Exception):
    """The two suspects cannot be made together: the first never gets to the step."""


def together(outer: Suspect, inner: Suspect, step: Step) -> Function:
    """The step's function with two mistakes: `outer`, and where that calls it, `inner`.

    Calls raise NotDefined where `outer` performs the step without calling it.
    """
    function = step.function

    @wraps(function)
    def both(*args: Any, **options: Any) -> Any:
        places = places_of(function)
        reached = False

        def inside(*args: Any, **options: Any) -> Any:
            nonlocal reached
            reached = True
            with bound(places, function):
                return inner.instead_of(step)(*args, **options)

        with bound(places, inside):
            output = outer.instead_of(step)(*args, **options)
        if not reached:
            raise NotDefined
        return output

    return both


@dataclass(frozen=True)
class RecordDigest:
    """What tells one record from another.

    output: the same exactly when outputs and errors are equal. state: digest of the
    generator state afterwards.
    """

    output: str
    state: str
    draws: tuple[Draw, ...]

    @classmethod
    def of(cls, record: StepRecord) -> RecordDigest:
        """The digest of a record."""
        digest = hashlib.blake2b(record.error.encode(), digest_size=16)
        _feed(digest, record.output)
        return cls(digest.hexdigest(), record.state_after.digest, record.draws)

    def same_values(self, other: RecordDigest) -> bool:
        """Equal outputs and generator states."""
        return (self.output, self.state) == (other.output, other.state)

    def fits(self, other: RecordDigest) -> bool:
        """The same values, not drawn from another range."""
        return self.same_values(other) and not draws_from_other_range(self.draws, other.draws)


class Trial:
    """The suspects of one step on the input of one record of the reference."""

    def __init__(self, step: Step, expected: StepRecord, suspects: Sequence[Suspect]) -> None:
        self.step = step
        self.expected = expected
        self.suspects = tuple(suspects)
        self._prints: dict[tuple[str, ...], RecordDigest | None] = {}

    def without(self, absent: Container[Suspect]) -> Trial:
        """The same with fewer suspects; what was made already is kept."""
        left = Trial(self.step, self.expected, [o for o in self.suspects if o not in absent])
        left._prints = self._prints
        return left

    @cached_property
    def reference(self) -> RecordDigest:
        """Of the reference's record."""
        return RecordDigest.of(self.expected)

    @cached_property
    def clean(self) -> RecordDigest:
        """Of our own step without a mistake."""
        return RecordDigest.of(self._run(self.step.function))

    def record(self, made: Combination) -> StepRecord | None:
        """What one suspect, or two, give here; None when they cannot be made together."""
        if len(made) == 1:
            record = self._run(made[0].instead_of(self.step))
        else:
            record = self._run(together(made[0], made[1], self.step))
        defined = not record.error.startswith(NotDefined.__name__)
        if _key(made) not in self._prints:
            self._prints[_key(made)] = RecordDigest.of(record) if defined else None
        return record if defined else None

    def print(self, made: Combination) -> RecordDigest | None:
        """Of the record of `made`; kept, unlike records."""
        if _key(made) not in self._prints:
            self.record(made)
        return self._prints[_key(made)]

    def singles(self) -> list[Combination]:
        """Every suspect alone."""
        return [(suspect,) for suspect in self.suspects]

    def alone(self) -> list[Combination]:
        """Every suspect alone, then every option at every usual value."""
        return [*self.singles(), *((suspect,) for suspect in other_values(self.step))]

    def pairs(self) -> list[Combination]:
        """Every two suspects, in both orders."""
        return list(permutations(self.suspects, 2))

    def _run(self, function: Function) -> StepRecord:
        step = self.step.doing(function)
        let_go()
        return run_step(step.name, step, self.expected.input, self.expected.state_before)


def _key(made: Combination) -> tuple[str, ...]:
    return tuple(suspect.id for suspect in made)


def _feed(digest: hashlib.blake2b, value: Any) -> None:
    if type(value) in _PLAIN:
        digest.update(f"{type(value).__name__} {value!r}".encode())
        return
    parts = children(value)
    if parts is None:
        for part in _leaf_bytes(value):
            digest.update(part)
        return
    digest.update(f"{_kind(value)}{len(parts)}".encode())
    for key in sorted(parts):  # the order of keys is not compared either
        digest.update(key.encode())
        _feed(digest, parts[key])


def _leaf_bytes(value: Any) -> Iterator[bytes]:
    try:
        leaf = as_leaf(value)
    except InputError:  # nothing that can be compared: equal to itself only
        yield str(id(value)).encode()
        return
    if leaf.values is None:
        yield f"{leaf.kind} {value!r}".encode()
        return
    yield f"{leaf.kind} {leaf.dtype} {leaf.values.shape}".encode()
    for (part,) in blocks(leaf):
        yield _plain_bytes(part)


def _plain_bytes(leaf: Leaf) -> bytes:
    if leaf.bits is None:
        return leaf.array.tobytes()
    # Any NaN equals any other, as in the comparison; -1 is the bits of one.
    return np.where(np.isnan(leaf.array), -1, leaf.bits).tobytes()


def _kind(value: Any) -> str:
    """As the comparison sees containers: every tuple is a tuple, every mapping a mapping."""
    for kind in (list, tuple, Mapping):
        if isinstance(value, kind):
            return kind.__name__
    return type(value).__name__
