"""Rates that go up again: a cosine with restarts, and one cycle.

Reproduces ``CosineRestartLR`` and ``OneCycleLR`` (mmengine 0.10.7
mmengine/optim/scheduler/param_scheduler.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from parity.errors import InputError
from parity.steps.schedule.schedulers import Scheduler


@dataclass(frozen=True, kw_only=True)
class CosineRestartLR(Scheduler):
    """Along a cosine to the floor within each of `periods`, each from its weight of the base rate.

    After the last period the rate stays. One of eta_min and eta_min_ratio is needed.
    """

    periods: Sequence[int]
    restart_weights: Sequence[float] = (1,)
    eta_min: float | None = None
    eta_min_ratio: float | None = None

    def __post_init__(self) -> None:
        if (self.eta_min is None) == (self.eta_min_ratio is None):
            raise InputError("CosineRestartLR: give either eta_min or eta_min_ratio")
        if len(self.periods) != len(self.restart_weights):
            raise InputError("CosineRestartLR: give as many restart_weights as periods")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class."""
        ends = list(accumulate(self.periods))
        at = next((index for index, end in enumerate(ends) if step < end), None)
        if at is None:
            return lr
        step, period = step - (ends[at] - self.periods[at]), self.periods[at]
        if step == 0:
            return base_lr * self.restart_weights[at]
        ratio = self.eta_min_ratio
        floor = base_lr * ratio if ratio is not None else self.eta_min or 0.0
        here, before = (1 + math.cos(math.pi * one / period) for one in (step, step - 1))
        return here / before * (lr - floor) + floor

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """As in the base class."""
        return {"periods": tuple(period * epoch_length for period in self.periods)}


@dataclass(frozen=True, kw_only=True)
class OneCycleLR(Scheduler):
    """Up from `eta_max` / `div_factor` to `eta_max`, then far below the start; the base is unused.

    total_steps: of the cycle, by default from begin to end. three_phase: back to the start
    in between. One eta_max for all groups.
    """

    eta_max: float = 0
    total_steps: int | None = None
    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __post_init__(self) -> None:
        if self.momentum or not isinstance(self.eta_max, (int, float)):
            raise InputError("OneCycleLR: schedules rates, here with one eta_max for all groups")
        if self.anneal_strategy not in ("cos", "linear") or not 0 <= self.pct_start <= 1:
            raise InputError("OneCycleLR: pct_start is from 0 to 1, anneal_strategy cos or linear")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class. Raises InputError past `total_steps`."""
        total = self.total_steps if self.total_steps is not None else length
        if step > total:
            raise InputError(f"OneCycleLR: has {total} total_steps, and no step {step}")
        before = 0.0
        phases = self._phases(total)
        for last, start, end in phases[:-1]:
            if step <= last:
                return self._annealed(start, end, (step - before) / (last - before))
            before = last
        last, start, end = phases[-1]
        return self._annealed(start, end, (step - before) / (last - before))

    def base_after(self, base_lr: float) -> float:
        """As in the base class: the cycle overwrites it with the rate that it starts from."""
        return self.eta_max / self.div_factor

    def _phases(self, total: int) -> list[tuple[float, float, float]]:
        """(last step, rate at its start, rate at its end) of each."""
        low = self.eta_max / self.div_factor
        rise = (float(self.pct_start * total) - 1, low, self.eta_max)
        end = (total - 1, low / self.final_div_factor)
        if not self.three_phase:
            return [rise, (end[0], self.eta_max, end[1])]
        fall = (float(2 * self.pct_start * total) - 2, self.eta_max, low)
        return [rise, fall, (end[0], low, end[1])]

    def _annealed(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def in_iterations(self, epoch_length: int) -> dict[str, Any]:
        """As in the base class."""
        return {} if self.total_steps is None else {"total_steps": self.total_steps * epoch_length}
