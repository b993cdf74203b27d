"""A rate that goes down when a score no longer gets better.

Reproduces ``ReduceOnPlateauLR`` and ``ReduceOnPlateauMomentum`` (mmengine 0.10.7
mmengine/optim/scheduler/param_scheduler.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from parity.errors import InputError
from parity.steps.schedule.schedulers import Scheduler


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateauLR(Scheduler):
    """Times `factor` after more than `patience` validations without a better score.

    monitor: name of the score; rule: whether less or greater is better. begin, end: epochs
    within which validations count. One min_value for all groups.
    """

    monitor: str = "loss"
    rule: Literal["less", "greater"] = "less"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_rule: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    min_value: float = 0.0
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not self.by_epoch or self.convert_to_iter_based or self.factor >= 1.0:
            raise InputError("ReduceOnPlateauLR: counts epochs, and its factor is below 1")
        if not isinstance(self.min_value, (int, float)):
            raise InputError("ReduceOnPlateauLR: here min_value is one number for all groups")

    def next_lr(self, lr: float, *, base_lr: float, step: int, length: int) -> float:
        """As in the base class: training alone changes nothing."""
        return lr

    def reduced(self, lr: float) -> float:
        """The rate after a reduction; `lr` where that would change too little."""
        value = max(float(lr) * self.factor, self.min_value)
        return value if lr - value > self.eps else lr

    def reductions(
        self, metrics: Sequence[Mapping[str, float]], epochs: Sequence[int]
    ) -> list[bool]:
        """Whether each validation reduces the rate; `epochs` are done before each of them."""
        best = math.inf if self.rule == "less" else -math.inf
        bad, cooling, found = 0, 0, []
        for scores, epoch in zip(metrics, epochs, strict=True):
            reduces = False
            if self.begin <= epoch < (math.inf if self.end is None else self.end):
                score = self._score(scores)
                better = self._is_better(score, best)
                best, bad = (score, 0) if better else (best, bad + 1)
                cooling, bad = (cooling - 1, 0) if cooling > 0 else (cooling, bad)
                reduces = bad > self.patience
                cooling, bad = (self.cooldown, 0) if reduces else (cooling, bad)
            found.append(reduces)
        return found

    def _score(self, scores: Mapping[str, float]) -> float:
        if self.monitor not in scores:
            raise InputError(f"ReduceOnPlateauLR: no {self.monitor} among {list(scores)}")
        return scores[self.monitor]

    def _is_better(self, score: float, best: float) -> bool:
        sign = -1.0 if self.rule == "less" else 1.0
        if self.threshold_rule == "abs":
            limit = best + sign * self.threshold
        else:
            limit = best * (1.0 + sign * self.threshold)
        return score < limit if self.rule == "less" else score > limit
