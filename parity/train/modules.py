"""Two models with the same weights on the same input: the first module in which they part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from parity.errors import InputError
from parity.train.data import seed_everything
from parity.train.mapping import WeightMap, copy_weights, map_weights
from parity.train.observe import generators, set_generators
from parity.train.tally import describe, distance, leaves, same

# Relative to the largest number of a tensor. Rounding in float64 stays below it in networks of
# hundreds of layers; an eps of 1e-6 for 1e-5 is ten thousand times as large.
ROUNDING = 1e-10
INPUT, OUTPUT, GRADIENT = "input", "output", "gradient of the output"
Run = Callable[[nn.Module], Any]


@dataclass(frozen=True)
class Event:
    """What went through a module. name: of the module. turn: from 0, of several calls of it.

    passing: ``eval`` or ``training``, and which way.
    """

    passing: str
    kind: str
    name: str
    turn: int
    values: Mapping[str, Tensor]

    def __str__(self) -> str:
        again = f", call {self.turn + 1}" if self.turn else ""
        return f"{self.passing}: {self.kind} of {self.name or 'the model'}{again}"


@dataclass(frozen=True)
class ModuleParting:
    """The first event that differs. event: of theirs; ours: that module's name in ours.

    after: the event before it, which is equal.
    """

    event: Event
    ours: str
    detail: str
    after: Event | None

    def __str__(self) -> str:
        own = f" (ours: {self.ours})" if self.ours != self.event.name else ""
        after = f"; equal up to {self.after}" if self.after else ""
        return f"{self.event}{own}: {self.detail}{after}"


@dataclass(frozen=True)
class ModuleComparison:
    """exact: the first event that is not bit-equal. real: the first that differs in float64, too.

    compared: events held beside each other. unpaired: modules of ours and theirs that ran
    and have no counterpart. largest: of all differences in float64, relative.
    """

    weights: WeightMap
    compared: int
    unpaired: tuple[tuple[str, ...], tuple[str, ...]]
    exact: ModuleParting | None = None
    real: ModuleParting | None = None
    largest: float = 0.0


def compare_modules(
    ours: nn.Module,
    theirs: nn.Module,
    run: tuple[Run, Run],
    *,
    given: Mapping[str, str] | None = None,
    seed: int = 0,
) -> ModuleComparison:
    """Give both the same weights, and run them forward and backward, in eval and in training.

    run: calls each model on the input of both. given: see `map_weights`. The weights of
    `theirs` are moved away from their first values, under which a norm changes nothing.
    Raises InputError where a model does not run, or not even one weight has a counterpart.
    """
    orders = tuple(
        execution_order(model, call) for model, call in zip((ours, theirs), run, strict=True)
    )
    weights = map_weights(ours, theirs, given=given or {}, orders=(orders[0], orders[1]))
    if not weights.tensors and weights.only_theirs:
        raise InputError("no weight of the two models has a counterpart; give --map FILE")
    disturb(theirs, seed)
    copy_weights(ours, theirs, weights)
    pairs = pair_modules(ours, theirs, weights)
    states = [{key: value.clone() for key, value in m.state_dict().items()} for m in (ours, theirs)]
    events = [_events(m, call, seed) for m, call in zip((ours, theirs), run, strict=True)]
    held = list(_held(events[0], events[1], pairs))
    found = ModuleComparison(weights, len(held), _unpaired(orders, pairs))
    exact = _first(held, lambda actual, expected: not same(actual, expected))
    if exact is None:
        return found
    del events, held
    wide = []
    for model, state, call in zip((ours, theirs), states, run, strict=True):
        model.load_state_dict(state)
        wide.append(_events(model.double(), call, seed))
    held = list(_held(wide[0], wide[1], pairs))
    apart = [distance(*pair)[1] for _, _, values in held for pair in values.values()]
    real = _first(held, _is_real)
    return ModuleComparison(
        weights, found.compared, found.unpaired, exact, real, max(apart, default=0.0)
    )


def pair_modules(ours: nn.Module, theirs: nn.Module, weights: WeightMap) -> dict[str, str]:
    """Modules of ours with those of theirs: the owners of mapped weights, else by name."""
    pairs = {"": "", **weights.modules}
    known = set(dict(ours.named_modules()))
    taken = set(pairs.values())
    for name, _ in theirs.named_modules():
        if name in known and name not in pairs and name not in taken:
            pairs[name] = name
    return pairs


@torch.no_grad()
def disturb(model: nn.Module, seed: int) -> None:
    """Move weights and running statistics by random numbers, so that each of them matters."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in model.state_dict().items():
        parameter = name in dict(model.named_parameters())
        if value.is_floating_point() and (parameter or "running_" in name):
            noise = torch.randn(value.shape, generator=generator)
            value.add_(noise.abs() if name.endswith("running_var") else noise * 0.05)


def execution_order(model: nn.Module, run: Run) -> tuple[str, ...]:
    """The names of the modules, in the order in which they first begin to run."""
    recorder = _Recorder("eval", tensors=False)
    with _watched(model, recorder), own_draws(0), torch.no_grad():
        _called(model.eval(), run)
    return tuple(dict.fromkeys(event.name for event in recorder.events))


def _events(model: nn.Module, run: Run, seed: int) -> list[Event]:
    """Forward in eval, then forward and backward in training."""
    found: list[Event] = []
    for passing in ("eval", "training"):
        recorder = _Recorder(passing)
        model.train(passing == "training")
        with _watched(model, recorder), own_draws(seed):
            output = _called(model, run)
            _descend(output, seed)
        found += recorder.events + recorder.gradients
    return found


def _called(model: nn.Module, run: Run) -> Any:
    try:
        return run(model)
    except Exception as error:  # whatever a model raises on an input that it does not take
        text = " ".join(str(error).split())
        raise InputError(
            f"{type(model).__name__} does not run: {type(error).__name__}: {text:.300}"
        ) from error


def _descend(output: Any, seed: int) -> None:
    """Backward from a weighted sum of all outputs, the weights random."""
    generator = torch.Generator().manual_seed(seed)
    parts = [value for _, value in leaves(output) if _has_gradient(value)]
    if parts:
        draws = [torch.randn(part.shape, generator=generator).to(part) for part in parts]
        torch.autograd.backward(parts, draws)


def _has_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


class _Recorder:
    """Notes what goes through modules; what they change in place later is not seen in it."""

    def __init__(self, passing: str, *, tensors: bool = True) -> None:
        self.passing, self.tensors = passing, tensors
        self.events: list[Event] = []
        self.gradients: list[Event] = []
        self.turns: dict[str, int] = {}

    def entered(self, name: str, args: Any) -> None:
        self.turns[name] = self.turns.get(name, -1) + 1
        self._note(INPUT, name, self.turns[name], args)

    def left(self, name: str, output: Any) -> None:
        turn = self.turns[name]
        self._note(OUTPUT, name, turn, output)
        for path, value in leaves(output) if self.tensors else ():
            if _has_gradient(value):
                value.register_hook(self._reached(name, turn, path))

    def _note(self, kind: str, name: str, turn: int, value: Any) -> None:
        found = {path: v.detach().clone() for path, v in leaves(value) if isinstance(v, Tensor)}
        self.events.append(Event(self.passing, kind, name, turn, found if self.tensors else {}))

    def _reached(self, name: str, turn: int, path: str) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            event = Event(self.passing, GRADIENT, name, turn, {path: gradient.clone()})
            self.gradients.append(event)

        return hook


@contextmanager
def _watched(model: nn.Module, recorder: _Recorder) -> Iterator[None]:
    handles: list[RemovableHandle] = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(_entering(recorder, name)))
        handles.append(module.register_forward_hook(_leaving(recorder, name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _entering(recorder: _Recorder, name: str) -> Callable[..., None]:
    return lambda module, args: recorder.entered(name, args)


def _leaving(recorder: _Recorder, name: str) -> Callable[..., None]:
    return lambda module, args, output: recorder.left(name, output)


@contextmanager
def own_draws(seed: int) -> Iterator[None]:
    """Draws from `seed`, and no trace of it in the generators afterwards."""
    states = generators()
    seed_everything(seed)
    try:
        yield
    finally:
        set_generators(states)


Held = tuple[Event, str, dict[str, tuple[Any, Any]]]


def _held(
    ours: Sequence[Event], theirs: Sequence[Event], pairs: Mapping[str, str]
) -> Iterator[Held]:
    """Each event of theirs whose module has a counterpart, with the values of both."""
    mine = {(e.passing, e.kind, pairs.get(e.name, e.name), e.turn, *e.values): e for e in ours}
    names = {there: here for here, there in pairs.items()}
    for event in theirs:
        if event.name not in names:
            continue
        key = (event.passing, event.kind, event.name, event.turn, *event.values)
        own = mine.get(key)
        values = {
            path: (own.values[path] if own else "it is not there", value)
            for path, value in event.values.items()
        }
        yield event, names[event.name], values


def _first(held: Sequence[Held], parts: Callable[[Any, Any], bool]) -> ModuleParting | None:
    before: Event | None = None
    for event, ours, values in held:
        for actual, expected in values.values():
            if parts(actual, expected):
                return ModuleParting(event, ours, describe(actual, expected), before)
        before = event
    return None


def _is_real(actual: Any, expected: Any) -> bool:
    if not isinstance(actual, Tensor) or actual.shape != expected.shape:
        return True
    largest, relative = distance(actual, expected)
    return (relative or largest) > ROUNDING  # relative to nothing where all is 0


def _unpaired(
    orders: Sequence[Sequence[str]], pairs: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    there = set(pairs.values())
    return (
        tuple(name for name in orders[0] if name not in pairs),
        tuple(name for name in orders[1] if name not in there),
    )
