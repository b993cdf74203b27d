"""Averages of a model's weights over the iterations.

Reproduces ``EMAHook`` (mmengine 0.10.7 hooks/ema_hook.py) with
``ExponentialMovingAverage`` and the ``BaseAveragedModel`` under it
(model/averaged_model.py).
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """A second model that follows the first.

    momentum: the share of the new weights. interval: updates of the model between two of
    the average. update_buffers: whether buffers are averaged, too, rather than copied.
    begin_iter: the iteration, from 1, before which the average is a copy.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        momentum: float = 0.0002,
        interval: int = 1,
        update_buffers: bool = False,
        begin_iter: int = 0,
    ) -> None:
        self.model, self.momentum, self.interval = model, momentum, interval
        self.update_buffers, self.begin_iter = update_buffers, begin_iter
        self.module = deepcopy(model).requires_grad_(False)
        self.steps = 0

    def state(self) -> dict[str, Any]:
        """As ``ema_state_dict`` of a checkpoint of mmengine."""
        named = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        return {"steps": torch.tensor(self.steps), **named}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        named = {key: value for key, value in state.items() if key != "steps"}
        self.module.load_state_dict({k.removeprefix("module."): v for k, v in named.items()})
        self.steps = int(state["steps"])

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """After an iteration, whether or not it updated the model."""
        if iteration < self.begin_iter:
            self._copy(self.module.state_dict(), self.model.state_dict())
            return
        averaged, new = self._averaged(self.module), self._averaged(self.model)
        if self.steps == 0:
            self._copy(averaged, new)
        elif self.steps % self.interval == 0:
            for name, value in averaged.items():
                if value.dtype.is_floating_point:
                    value.lerp_(new[name], self.momentum)
        if not self.update_buffers:
            self._copy(dict(self.module.named_buffers()), dict(self.model.named_buffers()))
        self.steps += 1

    def _averaged(self, model: nn.Module) -> dict[str, Tensor]:
        return model.state_dict() if self.update_buffers else dict(model.named_parameters())

    @staticmethod
    def _copy(to: dict[str, Tensor], given: dict[str, Tensor]) -> None:
        for name, value in to.items():
            value.copy_(given[name])

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the weights of both models, before a validation and after it."""
        for mine, theirs in zip(self._swapped(self.module), self._swapped(self.model), strict=True):
            kept = mine.clone()
            mine.copy_(theirs)
            theirs.copy_(kept)

    def _swapped(self, model: nn.Module) -> Iterator[Tensor]:
        yield from model.parameters()
        if self.update_buffers:
            yield from model.buffers()
