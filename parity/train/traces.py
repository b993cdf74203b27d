"""What is kept of a training: its losses and its scores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from parity.train.journal import mean_of
from parity.train.observe import Values

# A longer training keeps every second loss, then every fourth, and so on.
MOST_POINTS = 4096
INTERRUPTED = "interrupted"  # as what ended a training


@dataclass
class TrainingTrace:
    """Of one side. losses: by term, with the iterations of `steps`. scores: by iteration.

    broken: the first loss that is not finite, in words; or INTERRUPTED.
    """

    steps: list[int] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)
    scores: dict[int, Values] = field(default_factory=dict)
    broken: str = ""
    stride: int = 1

    def see(self, iteration: int, quantity: str, values: Values) -> None:
        """Note what is kept of `values`."""
        if quantity == "scores":
            self.scores[iteration] = dict(values)
        elif quantity == "losses":
            self._note(iteration, {name: mean_of(value) for name, value in values.items()})

    def _note(self, iteration: int, losses: Mapping[str, float]) -> None:
        bad = [f"{name} is {value}" for name, value in losses.items() if not math.isfinite(value)]
        if bad and not self.broken:
            self.broken = f"iteration {iteration}: {', '.join(bad)}"
        if iteration % self.stride:
            return
        self.steps.append(iteration)
        for name, value in losses.items():
            self.losses.setdefault(name, []).append(value)
        if len(self.steps) > MOST_POINTS:
            self._thin()

    def _thin(self) -> None:
        self.stride *= 2
        kept = [index for index, step in enumerate(self.steps) if step % self.stride == 0]
        self.steps = [self.steps[index] for index in kept]
        self.losses = {name: [line[i] for i in kept] for name, line in self.losses.items()}

    @property
    def last(self) -> dict[str, float]:
        """The last losses that were kept."""
        return {name: line[-1] for name, line in self.losses.items()}

    @property
    def areas(self) -> torch.Tensor | None:
        """Of the last validation, int64 ``(images, 4, classes)``; None without one."""
        found: Any = self.scores[max(self.scores)]["areas"] if self.scores else None
        return None if found is None else torch.as_tensor(found)
