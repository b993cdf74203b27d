"""What is looked at while a model trains, told by one process; a training that then ends in all.

Needs torch alone. Every hook and callback drives one `Monitor`: gradients that are exactly zero,
and the loss.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import distributed

from parity.errors import ParityError

# In mixed precision a single loss that is not finite is nothing.
LOST = 3


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong with a training. id: of the cause. broken: a reason to stop."""

    id: str
    text: str
    broken: bool = True


class Monitor:
    """Looks at the first `zero` iterations, and then at one in `every`.

    tell: is given each alarm once. A parameter whose gradient was exactly 0 in `zero` iterations
    that were looked at, one after the other, is one. Parameters that the loss does not reach get
    no gradient, and are no alarm: see `unreached`.
    """

    def __init__(self, tell: Callable[[Alarm], None], *, zero: int = 10, every: int = 50) -> None:
        self._tell, self._zero, self._every = tell, zero, every
        self.iteration = self._lost = 0
        self._told: set[str] = set()
        self._zeros: dict[str, int] = {}
        self._reached: set[str] = set()
        self._parameters: dict[str, torch.Tensor] = {}
        self._alive: dict[str, torch.Tensor] = {}
        self._handles: list[Any] = []

    def start(self, model: torch.nn.Module) -> None:
        """Watch the parameters of `model` that are trained."""
        named = ((name.removeprefix("module."), p) for name, p in model.named_parameters())
        self._parameters = {name: p for name, p in named if p.requires_grad}

    @property
    def zero(self) -> tuple[str, ...]:
        """Parameters whose gradient was exactly 0 in all iterations that count."""
        return tuple(name for name, count in self._zeros.items() if count >= self._zero)

    @property
    def unreached(self) -> tuple[str, ...]:
        """Parameters that never got a gradient."""
        return tuple(name for name in self._parameters if name not in self._reached)

    @property
    def looks(self) -> bool:
        """Whether the gradients of this iteration are looked at."""
        return self.iteration <= self._zero or self.iteration % self._every == 0

    def before(self) -> None:
        """Before the forward pass of an iteration."""
        self._release()  # an iteration that raised had no end
        self.iteration += 1
        if self.looks:
            for name, parameter in self._parameters.items():
                handle = parameter.register_hook(self._seen(name))  # type: ignore[no-untyped-call]
                self._handles.append(handle)

    def _seen(self, name: str) -> Callable[[torch.Tensor], None]:
        def look(gradient: torch.Tensor) -> None:
            alive = gradient.detach().any()  # NaN is not 0; stays on the device, nothing waits
            before = self._alive.get(name)
            self._alive[name] = alive if before is None else alive | before

        return look

    def after(self, loss: Any = None) -> None:
        """After the backward pass. loss: a number, a tensor of one, or None where not known."""
        if self._handles:
            self._release()
            self._count()
        if loss is not None:
            self.see_loss(float(loss.detach() if isinstance(loss, torch.Tensor) else loss))

    def see_loss(self, loss: float) -> None:
        """One loss: of an iteration, or a mean over some."""
        self._lost = 0 if math.isfinite(loss) else self._lost + 1
        if self._lost == LOST:
            told = f"the loss is {loss:g}, for the {LOST}rd time in a row, at {self.iteration}"
            self._alarm("diverged", told)

    def _release(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _count(self) -> None:
        alive = _values(self._alive)
        self._alive = {}
        self._reached |= alive.keys()
        for name, some in alive.items():
            self._zeros[name] = 0 if some else self._zeros.get(name, 0) + 1
        dead = self.zero
        if dead:
            shown = ", ".join(dead[:3]) + (", ..." if len(dead) > 3 else "")
            self._alarm(
                "zero-gradient",
                f"{len(dead)} of {len(self._parameters)} parameters had a gradient of exactly 0 "
                f"in the last {self._zero} iterations that were looked at, to iteration "
                f"{self.iteration}: {shown}",
            )

    def _alarm(self, name: str, text: str) -> None:
        if name not in self._told:
            self._told.add(name)
            self._tell(Alarm(name, text))


def _values(flags: Mapping[str, torch.Tensor]) -> dict[str, bool]:
    """Flags of any device, with one wait for each device."""
    found: dict[str, bool] = {}
    for device in {flag.device for flag in flags.values()}:
        names = [name for name, flag in flags.items() if flag.device == device]
        found |= zip(names, torch.stack([flags[name] for name in names]).tolist(), strict=True)
    return found


class BrokenTraining(ParityError):
    """A training was found broken, and was asked to stop then."""


class Guard(ABC):
    """Tells the first process's alarms; with ``on_error="stop"``, ends the training.

    Of several processes, none may end alone: the others would wait for it. They end at the next
    iteration that all of them look at. zero, every: see `Monitor`.
    """

    def __init__(
        self, on_error: Literal["stop", "warn"] = "warn", zero: int = 10, every: int = 50
    ) -> None:
        if on_error not in ("stop", "warn"):
            raise ValueError(f"on_error is {on_error!r}; give 'stop' or 'warn'")
        self.on_error = on_error
        self.alarms: list[Alarm] = []
        self.monitor = Monitor(self.tell, zero=zero, every=every)
        self._stopped = ""

    @abstractmethod
    def say(self, text: str) -> None:
        """One line to whoever reads the log."""

    def tell(self, alarm: Alarm) -> None:
        """Tell one alarm; in a single process, raises BrokenTraining where it is to end."""
        if not _is_first():
            return
        self.alarms.append(alarm)
        self.say(f"parity: {alarm.id}: {alarm.text}")
        if alarm.broken and self.on_error == "stop":
            self._stopped = self._stopped or f"{alarm.id}: {alarm.text}"
            if not _are_several():
                raise BrokenTraining(self._stopped)

    def after(self, loss: Any = None) -> None:
        """The end of an iteration in every process. loss: see `Monitor.after`."""
        looked = self.monitor.looks
        self.monitor.after(loss)
        if looked:
            self.together()

    def together(self) -> None:
        """Where every process comes by: ends them all, the first with BrokenTraining."""
        if self.on_error != "stop" or not _are_several():
            return
        given = [self._stopped]
        distributed.broadcast_object_list(given, src=0)
        if given[0]:
            raise BrokenTraining(given[0]) if _is_first() else SystemExit(1)


def _are_several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and _size() > 1


def _size() -> int:
    return int(distributed.get_world_size())


def _is_first() -> bool:
    return not _are_several() or distributed.get_rank() == 0
