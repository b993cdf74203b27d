"""One call of the reference, run by our step and by the original from the same state."""

from __future__ import annotations

import copy
import os
import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import NonCallableMock, patch

import numpy as np
import torch
from numpy.random import RandomState

from parity.compare.compare import Verdict, worst_verdict
from parity.compare.rng import DRAW_METHODS, GeneratorState
from parity.compare.tolerance import EXACT
from parity.compare.trace import StepRecord, StepResult, compare_records, run_step
from parity.compare.tree import compare_tree
from parity.errors import NotExercised
from parity.live import reference_module
from parity.suspects.suspect import Suspect

Function = Callable[..., Any]
# Characters of a plain value in a report.
SHOWN = 60


@dataclass(frozen=True, eq=False)
class Call:
    """A call of the reference, before it is made.

    kind: class or function. obj: what it is a method of, or None. made, usual: what `obj`
    was constructed with, and the defaults among that. args: its arguments by name, those
    of ``**keywords`` among them. original: the method, on any object and arguments.
    planted: makes its mistake where ours would run, or None.
    """

    kind: str
    obj: Any
    made: Mapping[str, Any]
    usual: Mapping[str, Any]
    args: Mapping[str, Any]
    original: Function
    planted: Suspect | None = None

    def ours(self, function: Function) -> Function:
        """`function` of our steps, or the planted one in its place."""
        one = self.planted
        module = function.__module__.partition(".steps.")[2].partition(".")[0]
        key = (module, function.__name__)
        return function if one is None else one.functions.get(key, function)


@dataclass(frozen=True)
class Twin:
    """What both sides do with copies of the arguments, in one form that can be compared.

    step: as tolerances and reports call it. ours: takes the stream of NumPy. theirs: draws
    from the global generators.
    """

    step: str
    ours: Callable[[RandomState], Any]
    theirs: Callable[[], Any]


@dataclass
class ClassCalls:
    """What came of one class or function. first: the first difference. left: why not compared."""

    kind: str
    tests: set[str] = field(default_factory=set)
    calls: int = 0
    equal: int = 0
    different: int = 0
    first: str = ""
    left: Counter[str] = field(default_factory=Counter)

    def join(self, other: ClassCalls) -> None:
        """Count what came of it elsewhere."""
        for name in ("calls", "equal", "different", "left"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.tests |= other.tests
        self.first = self.first or other.first

    def add(self, result: StepResult | str, call: Call) -> None:
        """Count one call: its result, or why there is none."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "no test").rpartition(" ")[0]
        self.tests.add(test)
        self.calls += 1
        if isinstance(result, str):
            self.left[result] += 1
        elif result.verdict is Verdict.EQUAL:
            self.equal += 1
        elif result.verdict is Verdict.NOT_COMPARED:
            self.left[result.error.partition(";")[0] or "nothing to compare"] += 1
        else:
            self.different += 1
            told = f"{test}: {result.explain()}; given {described(call)}"
            self.first = self.first or " ".join(told.split())


def held(twin: Twin) -> StepResult | str:
    """Ours held against the original, each from the state that the generators are in now.

    They are in that state again afterwards. Text says why nothing was compared.
    """
    start = Generators.now()
    try:
        ours = run_step(twin.step, lambda _, rng: twin.ours(rng), None, start.numpy)
        drawn = Generators.now()
        start.restore()
        theirs = run_step(twin.step, lambda _, rng: _on(rng, twin.theirs), None, start.numpy)
        expected = Generators.now()
    finally:
        start.restore()
    refused = ours.error.partition(": ")
    if refused[0] == "NotExercised":
        return refused[2]
    if refused[0] == "InputError" and not theirs.error:
        return f"refused here: {refused[2]}"
    return _result(ours, theirs, drawn, expected)


def _result(
    ours: StepRecord, theirs: StepRecord, drawn: Generators, expected: Generators
) -> StepResult:
    """Values, NumPy's stream and, where both gave a value, the other generators."""
    result = compare_records(ours, theirs, lambda step, dtype: EXACT)
    states = compare_tree(drawn.others, expected.others, lambda dtype: EXACT)
    verdict = worst_verdict(one.verdict for one in states.values())
    if ours.error or theirs.error or verdict is Verdict.EQUAL:
        return result
    return StepResult(Verdict.DIFFERENT, {**result.leaves, **states}, result.generator, result.draw)


def _on(rng: RandomState, theirs: Callable[[], Any]) -> Any:
    with reference_module("generator").global_stream(rng):
        return theirs()


@dataclass(frozen=True, eq=False)
class Generators:
    """The states of the three global generators."""

    numpy: GeneratorState
    torch: torch.Tensor
    python: Any

    @classmethod
    def now(cls) -> Generators:
        return cls(GeneratorState.of(np.random), torch.get_rng_state(), random.getstate())  # type: ignore[arg-type]

    def restore(self) -> None:
        """Bring all three back."""
        self.numpy.apply_to(np.random)  # type: ignore[arg-type]
        torch.set_rng_state(self.torch)
        random.setstate(self.python)

    @property
    def others(self) -> dict[str, Any]:
        """Those that no step record holds."""
        python = np.array(self.python[1], dtype=np.int64)
        return {"torch's generator": self.torch, "python's generator": python}


def copied(value: Any) -> Any:
    """A deep copy in which tensors have no history; torch itself copies none that has one."""

    def detached(tensor: torch.Tensor, memo: dict[int, Any]) -> torch.Tensor:
        found: torch.Tensor = memo.setdefault(id(tensor), tensor.detach().clone())
        return found

    with patch.object(torch.Tensor, "__deepcopy__", detached):
        return copy.deepcopy(value)


def is_mocked(obj: Any) -> bool:
    """Whether a test has put something of its own in the place of draws or of methods."""
    places = [(np.random, name) for name in DRAW_METHODS]
    places += [(obj, name) for name in {*vars(type(obj)), *getattr(obj, "__dict__", ())}]
    return any(isinstance(getattr(place, name, None), NonCallableMock) for place, name in places)


@contextmanager
def quietly() -> Iterator[None]:
    """What is run besides the tests' own calls warns nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def described(call: Call) -> str:
    """The options and arguments of a call; arrays by dtype and shape."""
    parts = {**call.made, **call.args}
    chosen = {k: v for k, v in parts.items() if k not in call.usual or v is not call.usual[k]}
    return ", ".join(f"{key}={_shown(value)}" for key, value in chosen.items())


def _shown(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')}{tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list) and value:
        return f"[{', '.join(map(_shown, value))}]"
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def options_of(
    call: Call, takes: Callable[[str], bool], fixed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What `call.obj` was made with, as far as ours has it.

    fixed: options that ours has not, with the value that it does. Raises NotExercised for an
    option that ours has not and that asks for something.
    """
    fixed, found = fixed or {}, {}
    for key, value in call.made.items():
        usual = key in call.usual and value is call.usual[key]
        if key in fixed:
            if not usual and value != fixed[key]:
                raise NotExercised(f"option {key}={value!r} is not supported here")
        elif takes(key):
            found[key] = value
        elif not usual:
            raise NotExercised(f"option {key} is not supported here")
    return found
