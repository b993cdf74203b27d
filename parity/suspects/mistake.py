"""Make a mistake inside a step: wrap one of the functions that the step calls.

A mistake is a function ``mistake(proceed, *args, **kwargs)`` around another one;
`proceed` is the function it stands around, which it may call with other
arguments, change the result of, or leave out. Mistakes around the same function
stack, so that any two suspects written this way can be made together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from inspect import Signature, isclass, signature
from threading import RLock
from types import ModuleType
from typing import Any

from parity.suspects.suspect import Suspect

Function = Callable[..., Any]
# A module and a name in it.
Place = tuple[ModuleType, str]

_PACKAGES = ("parity.steps.", "parity.suspects.")
# Names of modules are exchanged for all threads, so one suspect runs at a time.
_LOCK = RLock()


@dataclass(frozen=True)
class Mistake:
    """A mistake to be made in each step that calls `function`.

    needs: what an input must have for it to show, "" when any does. also: further
    (function, mistake) pairs that belong to it.
    """

    id: str
    summary: str
    function: Function
    mistake: Function
    needs: str = ""
    also: tuple[tuple[Function, Function], ...] = ()


@dataclass(frozen=True)
class WithMistakes:
    """A step's function with mistakes around functions it calls; called as that is.

    Functions are looked up by name at each call: what already stands around one
    stays in place.
    """

    step: Function
    mistakes: tuple[tuple[Function, Function], ...]

    @property
    def __signature__(self) -> Signature:
        return signature(self.step)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The step's result with the mistakes made; of a class, an object that makes them."""
        with self.made():
            result = current(self.step)(*args, **options)
        return _Within(self, result) if isclass(self.step) else result

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the mistakes inside."""
        with ExitStack() as stack:
            for function, mistake in self.mistakes:
                places = places_of(function)
                proceed = current(function)
                stack.enter_context(bound(places, partial(mistake, proceed)))
            yield


@dataclass(frozen=True)
class _Within:
    """An object whose methods run with the mistakes made."""

    around: WithMistakes
    made_of: Any

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            with self.around.made():
                return getattr(self.made_of, name)(*args, **options)

        return call


def mistake(
    function: Function, *, needs: str = "", also: tuple[tuple[Function, Function], ...] = ()
) -> Callable[[Function], Mistake]:
    """Make a Mistake of what is decorated: its name gives the id, its docstring the summary."""

    def make(wrong: Function) -> Mistake:
        name = wrong.__name__.replace("_", "-")
        return Mistake(name, " ".join((wrong.__doc__ or "").split()), function, wrong, needs, also)

    return make


def made_in(step: Function, *mistakes: Mistake) -> tuple[Suspect, ...]:
    """One suspect per mistake, made in `step`; the catalogue joins those of several steps."""
    module = step.__module__.partition(".steps.")[2].partition(".")[0]
    return tuple(
        Suspect(
            id=one.id,
            summary=one.summary,
            functions={
                (module, step.__name__): WithMistakes(
                    step, ((one.function, one.mistake), *one.also)
                )
            },
            needs=one.needs,
        )
        for one in mistakes
    )


def current(function: Function) -> Function:
    """What the name of `function` is bound to in its module now."""
    found: Function = getattr(sys.modules[function.__module__], function.__name__)
    return found


@cache
def places_of(function: Function) -> list[Place]:
    """Every module-level name of the steps and suspects that is bound to `function`.

    Looked up once, while nothing stands around it.
    """
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(_PACKAGES)]
    return [
        (module, name)
        for module in modules
        for name, meant in list(vars(module).items())
        if meant is function
    ]


@contextmanager
def bound(places: list[Place], function: Function) -> Iterator[None]:
    """Let `places` mean `function` inside, and what they meant before afterwards.

    Not for steps that run in other threads meanwhile: they would see `function` too.
    """
    with _LOCK:
        before = [getattr(module, name) for module, name in places]
        try:
            for module, name in places:
                setattr(module, name, function)
            yield
        finally:
            for (module, name), meant in zip(places, before, strict=True):
                setattr(module, name, meant)
