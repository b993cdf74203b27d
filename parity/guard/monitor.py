"""What is looked at while a model trains: gradients that are exactly zero, and the loss.

Needs torch alone. Every hook and callback drives one `Monitor`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

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
