"""The learning rate at every iteration.

Reproduces the order in which ``Runner`` and ``ParamSchedulerHook`` build and
step schedulers (mmengine 0.10.7 mmengine/runner/runner.py and
mmengine/hooks/param_scheduler_hook.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError
from parity.steps.schedule.config import ParamScheduler, schedulers_from_config
from parity.steps.schedule.plateau import ReduceOnPlateauLR
from parity.steps.schedule.schedulers import Scheduler

# "iter": IterBasedTrainLoop, one epoch from start to end. "epoch": EpochBasedTrainLoop.
Loop = Literal["iter", "epoch"]
# Scores of one validation, by name.
Metrics = Mapping[str, float]


def lr_table(
    base_lrs: Sequence[float],
    param_scheduler: ParamScheduler,
    *,
    max_iters: int,
    epoch_length: int | None = None,
    loop: Loop = "iter",
    metrics: Sequence[Metrics] = (),
    val_interval: int | None = None,
) -> NDArray[np.float64]:
    """The rate each parameter group is updated with, float64 ``(max_iters, groups)``.

    base_lrs: one unscheduled rate per group. param_scheduler: as in a config, or the specs
    that `schedulers_from_config` makes of it. epoch_length: batches per epoch,
    needed for the epoch loop and for `convert_to_iter_based`. metrics: scores of each
    validation, one every `val_interval` epochs or iterations, for ``ReduceOnPlateauLR``.
    Raises InputError.
    """
    _check_table(base_lrs, max_iters, epoch_length, loop)
    epochs = max_iters // epoch_length if loop == "epoch" and epoch_length else 1
    after = val_interval * (epoch_length or 1) if loop == "epoch" and val_interval else val_interval
    run = _Run(max_iters, epochs, epoch_length, loop, after, metrics)
    specs = schedulers_from_config(param_scheduler)
    plan = [_place(spec, run) for spec in specs if not spec.momentum]
    table = np.empty((max_iters, len(base_lrs)))
    columns: dict[str, NDArray[np.float64]] = {}
    for group, base_lr in enumerate(map(float, base_lrs)):
        if base_lr.hex() not in columns:
            columns[base_lr.hex()] = _column(base_lr, plan, max_iters)
        table[:, group] = columns[base_lr.hex()]
    return table


def momentum_table(
    momenta: Sequence[float], param_scheduler: ParamScheduler, **options: Any
) -> NDArray[np.float64]:
    """The momentum of each group, of Adam the first beta, at every iteration; as `lr_table`."""
    specs = schedulers_from_config(param_scheduler)
    turned = [replace(spec, momentum=False) for spec in specs if spec.momentum]
    return lr_table(momenta, turned, **options)


@dataclass(frozen=True)
class _Run:
    """How training runs. val_iters: iterations from one validation to the next."""

    max_iters: int
    max_epochs: int
    epoch_length: int | None
    loop: str
    val_iters: int | None
    metrics: Sequence[Metrics]

    @property
    def validations(self) -> list[int]:
        """The iterations before which each validation of `metrics` takes place."""
        step = self.val_iters
        found = [] if step is None else list(range(step, self.max_iters, step))
        if len(self.metrics) < len(found):
            raise InputError(f"{len(found)} validations need as many metrics")
        return found

    def epochs_done(self, iteration: int) -> int:
        """Epochs that have ended before `iteration`."""
        return iteration // (self.epoch_length or 1) if self.loop == "epoch" else 0


@dataclass(frozen=True)
class _Placed:
    """A scheduler, the iterations before which it steps, and before which it reduces."""

    spec: Scheduler
    ticks: range
    length: int
    reduces: frozenset[int] = frozenset()


def _place(spec: Scheduler, run: _Run) -> _Placed:
    end = spec.end if spec.end is not None else run.max_epochs if spec.by_epoch else run.max_iters
    spec = replace(spec, end=end)
    if spec.convert_to_iter_based:
        spec = _converted(spec, end, run.epoch_length)
    begin, end = spec.begin, spec.end or 0
    if end <= begin:
        raise InputError(f"{type(spec).__name__}: end {end} must be larger than begin {begin}")
    first, last, step = max(begin, 0), end, 1
    if spec.by_epoch and run.loop == "iter":  # built, then not stepped before training ends
        last = min(end, 1)
    elif spec.by_epoch and run.epoch_length:
        step = run.epoch_length
    ticks = range(first * step, min(last * step, run.max_iters), step)
    return _Placed(spec, ticks, end - begin, _reducing(spec, run))


def _reducing(spec: Scheduler, run: _Run) -> frozenset[int]:
    if not isinstance(spec, ReduceOnPlateauLR):
        return frozenset()
    places = run.validations
    done = [run.epochs_done(place) for place in places]
    reductions = spec.reductions(run.metrics[: len(places)], done)
    return frozenset(place for place, reduces in zip(places, reductions, strict=True) if reduces)


def _converted(spec: Scheduler, end: int, epoch_length: int | None) -> Scheduler:
    if not spec.by_epoch or not epoch_length:
        raise InputError(
            f"{type(spec).__name__}: convert_to_iter_based needs by_epoch=True and epoch_length"
        )
    return replace(
        spec,
        begin=int(spec.begin * epoch_length),
        end=int(end * epoch_length),
        by_epoch=False,
        **spec.in_iterations(epoch_length),
    )


def _column(base_lr: float, plan: Sequence[_Placed], max_iters: int) -> NDArray[np.float64]:
    # Building a scheduler steps it, in list order. Later the hook steps those by
    # iteration after each iteration, and then, at the end of an epoch, those by epoch.
    order, later = plan, sorted(plan, key=lambda placed: placed.spec.by_epoch)
    column = np.empty(max_iters)
    bases = list(accumulate(plan, lambda base, one: one.spec.base_after(base), initial=base_lr))
    base_of = dict(zip(map(id, plan), bases, strict=False))
    plateaus = [(one, one.spec) for one in plan if isinstance(one.spec, ReduceOnPlateauLR)]
    lr = base_lr
    for iteration in range(max_iters):
        for placed in order:
            if iteration in placed.ticks:
                lr = _next_lr(placed, lr, base_of[id(placed)], iteration)
        for placed, spec in plateaus:  # validation comes after both
            lr = spec.reduced(lr) if iteration in placed.reduces else lr
        column[iteration] = lr
        order = later
    return column


def _next_lr(placed: _Placed, lr: float, base_lr: float, iteration: int) -> float:
    step = (iteration - placed.ticks.start) // placed.ticks.step
    try:
        return placed.spec.next_lr(lr, base_lr=base_lr, step=step, length=placed.length)
    except (ZeroDivisionError, OverflowError) as error:
        raise InputError(f"{placed.spec} has no rate at iteration {iteration}: {error}") from error


def _check_table(
    base_lrs: Sequence[float], max_iters: int, epoch_length: int | None, loop: str
) -> None:
    if not base_lrs or not all(math.isfinite(lr) and lr >= 0 for lr in base_lrs):
        raise InputError(f"base_lrs must be finite numbers from 0 up, got {list(base_lrs)}")
    if max_iters < 1:
        raise InputError(f"max_iters must be positive, got {max_iters}")
    if loop not in ("iter", "epoch"):
        raise InputError(f"loop must be 'iter' or 'epoch', got {loop!r}")
    if epoch_length is not None and epoch_length < 1:
        raise InputError(f"epoch_length must be positive, got {epoch_length}")
    if loop == "epoch" and (epoch_length is None or max_iters % epoch_length):
        raise InputError(f"the epoch loop needs an epoch_length that divides max_iters={max_iters}")
