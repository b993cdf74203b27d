"""How each scheduler computes the next learning rate from the previous one.

Reproduces the schedulers of mmengine 0.10.7 mmengine/optim/scheduler/param_scheduler.py,
for the rate and for the momentum, and ``PolyLRRatio`` (mmseg 1.2.2
mmseg/engine/schedulers/poly_ratio_scheduler.py). Those of several cycles are in `cycles`,
``ReduceOnPlateauLR`` in `plateau`.

The closed forms in papers give rates that differ in the last bits, so they are
not used here.
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from parity.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Scheduler(ABC):
    """A scheduler acts from `begin` until before `end`, counted in epochs or iterations.

    end: None for the end of training. by_epoch: true by default, as in mmengine;
    such a scheduler stands still in an iteration-based loop. convert_to_iter_based:
    count what is given in epochs in iterations instead. momentum: it schedules that, of
    Adam the first beta, where the methods here say rate.
    """

    begin: int = 0
    end: int | None = None
    by_epoch: bool = True
    convert_to_iter_based: bool = False
    momentum: bool = False

    @abstractmethod
    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """The rate after `lr`, at step `step` of `length`; `base_lr` is the unscheduled rate."""

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """The options, besides begin and end, that are counted in epochs, in iterations."""
        return {}

    def base_after(self, base_lr: float) -> float:
        """The unscheduled rate that schedulers later in the list are built with."""
        return base_lr


@dataclass(frozen=True, kw_only=True)
class PolyLR(Scheduler):
    """From the current rate down to `eta_min` at the last step."""

    eta_min: float = 0
    power: float = 1.0

    def floor(self, base_lr: float) -> float:
        """The rate at the last step."""
        return self.eta_min

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        if step == 0:
            return lr
        eta_min = self.floor(base_lr)
        decay = (1 - 1 / (length - step)) ** self.power
        return float((lr - eta_min) * decay + eta_min)


@dataclass(frozen=True, kw_only=True)
class PolyLRRatio(PolyLR):
    """As PolyLR, with a floor that is `eta_min_ratio` of each group's unscheduled rate."""

    eta_min_ratio: float | None = None

    def floor(self, base_lr: float) -> float:
        """The rate at the last step."""
        return self.eta_min if self.eta_min_ratio is None else base_lr * self.eta_min_ratio


@dataclass(frozen=True, kw_only=True)
class LinearLR(Scheduler):
    """From `start_factor` of the current rate up or down to `end_factor` of it."""

    start_factor: float = 1.0 / 3
    end_factor: float = 1.0

    def __post_init__(self) -> None:
        _check_factors(self, "start_factor", "end_factor")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        if step == 0:
            return lr * self.start_factor
        rise = self.end_factor - self.start_factor
        return lr * (1.0 + rise / ((length - 1) * self.start_factor + (step - 1) * rise))


@dataclass(frozen=True, kw_only=True)
class ConstantLR(Scheduler):
    """`factor` of the current rate; the last step divides by it again."""

    factor: float = 1.0 / 3

    def __post_init__(self) -> None:
        _check_factors(self, "factor")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        if step == 0:
            return lr * self.factor
        return lr * (1.0 / self.factor) if step == length - 1 else lr


@dataclass(frozen=True, kw_only=True)
class MultiStepLR(Scheduler):
    """Times `gamma` at each of `milestones`, which count from `begin`."""

    milestones: Sequence[int]
    gamma: float = 0.1

    @cached_property
    def _times(self) -> Counter[int]:
        return Counter(self.milestones)

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        return lr * self.gamma ** self._times[step] if step in self._times else lr

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """As in the base class."""
        return {"milestones": tuple(epoch * epoch_length for epoch in self.milestones)}


@dataclass(frozen=True, kw_only=True)
class CosineAnnealingLR(Scheduler):
    """Along a cosine to the floor in `T_max` steps, and up again after it.

    T_max: None or 0 for all steps. Give at most one of eta_min and eta_min_ratio.
    """

    T_max: int | None = None
    eta_min: float | None = None
    eta_min_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.eta_min is not None and self.eta_min_ratio is not None:
            raise InputError("CosineAnnealingLR: give eta_min or eta_min_ratio, not both")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        period = self.T_max or length
        floor = base_lr * self.eta_min_ratio if self.eta_min_ratio is not None else self.eta_min
        eta_min = floor or 0.0
        if step == 0:
            return lr
        if (step - 1 - period) % (2 * period) == 0:  # at the floor, where the ratio below is 0 / 0
            return lr + (base_lr - eta_min) * (1 - math.cos(math.pi / period)) / 2
        here, before = (1 + math.cos(math.pi * at / period) for at in (step, step - 1))
        return here / before * (lr - eta_min) + eta_min

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """As in the base class."""
        return {} if self.T_max is None else {"T_max": self.T_max * epoch_length}


@dataclass(frozen=True, kw_only=True)
class StepLR(Scheduler):
    """Times `gamma` every `step_size` steps."""

    step_size: int
    gamma: float = 0.1

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        return lr if step == 0 or step % self.step_size else lr * self.gamma

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """As in the base class."""
        return {"step_size": self.step_size * epoch_length}


@dataclass(frozen=True, kw_only=True)
class ExponentialLR(Scheduler):
    """Times `gamma` at every step after the first."""

    gamma: float

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        return lr if step == 0 else lr * self.gamma


def _check_factors(spec: Scheduler, *names: str) -> None:
    for name in names:
        factor = getattr(spec, name)
        if not 0 <= factor <= 1:
            raise InputError(f"{type(spec).__name__}: {name} must be from 0 to 1, got {factor}")
