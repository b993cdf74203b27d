"""Make a mistake inside a step: wrap one of the functions that the step calls.

A mistake is a function ``wrong(proceed, *args, **kwargs)`` around another one;
`proceed` is the function it stands around, which it may call with other
arguments, change the result of, or leave out. Mistakes around the same function
stack, so that any two suspects written this way can be made together.

One whose only fault are options has no body: ``@mistake(focal_loss, gamma=1.0)``.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from inspect import Signature, isclass, signature
from threading import RLock
from types import ModuleType
from typing import Any, TypeVar

from parity.pipeline import Step
from parity.suspects.suspect import Suspect, replaced_by

Function = Callable[..., Any]
Wrong = TypeVar("Wrong", bound=Function)
Pairs = tuple[tuple[Function, Function], ...]
# A module and a name in it.
Place = tuple[ModuleType, str]
# Every mistake by the module it is written in, in the order of that.
REGISTERED: defaultdict[str, list[Suspect]] = defaultdict(list)

_PACKAGES = ("parity.steps.", "parity.suspects.")
# Names of modules are exchanged for all threads, so one suspect runs at a time.
_LOCK = RLock()


@dataclass(frozen=True)
class WithMistakes:
    """A step's function with mistakes around functions it calls; called as that is.

    Functions are looked up by name at each call: what already stands around one
    stays in place.
    """

    step: Function
    mistakes: Pairs

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


@dataclass(frozen=True)
class MadeIn:
    """Registers mistakes that can be made in each of `steps`: in what they stand around, if none.

    A mistake is written once: its name gives the id, its docstring the summary.
    """

    steps: tuple[Function, ...]

    def __call__(
        self, function: Function | None = None, *, needs: str = "", also: Pairs = (), **others: Any
    ) -> Callable[[Wrong], Wrong]:
        """Register what is decorated, which stands around `function`, or the step itself.

        needs: what an input must have for it to show, "" when any does. also: further
        (function, mistake) pairs that belong to it. others: options that `function` gets,
        whatever it is given; where there are some, they are the mistake.
        """

        def register(wrong: Wrong) -> Wrong:
            made = partial(with_others, others) if others else wrong
            places = {
                replaced_by(Step("", step)): WithMistakes(step, ((function or step, made), *also))
                for step in self.steps or filter(None, [function])
            }
            name = wrong.__name__.replace("_", "-")
            summary = " ".join((wrong.__doc__ or "").split())
            REGISTERED[wrong.__module__].append(Suspect(name, summary, places, needs))
            return wrong

        return register


def made_in(*steps: Function) -> MadeIn:
    """A decorator of mistakes that can be made in each of `steps`."""
    return MadeIn(steps)


mistake = made_in()


def with_others(others: Mapping[str, Any], proceed: Function, *given: Any, **options: Any) -> Any:
    """What `proceed` gives with `others` for what it is given."""
    return proceed(*given, **{**options, **others})


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
