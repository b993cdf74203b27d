"""The learning rate at every iteration.

Reproduces the order in which ``Runner`` and ``ParamSchedulerHook`` build and
step schedulers (mmengine 0.10.7 mmengine/runner/runner.py and
mmengine/hooks/param_scheduler_hook.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError
from parity.steps.schedule.config import ParamScheduler, schedulers_from_config
from parity.steps.schedule.schedulers import Scheduler

# "iter": IterBasedTrainLoop, one epoch from start to end. "epoch": EpochBasedTrainLoop.
Loop = Literal["iter", "epoch"]


def lr_table(
    base_lrs: Sequence[float],
    param_scheduler: ParamScheduler,
    *,
    max_iters: int,
    epoch_length: int | None = None,
    loop: Loop = "iter",
) -> NDArray[np.float64]:
    """The rate each parameter group is updated with, float64 ``(max_iters, groups)``.

    base_lrs: one unscheduled rate per group. param_scheduler: as in a config, or the specs
    that `schedulers_from_config` makes of it. epoch_length: batches per epoch,
    needed for the epoch loop and for `convert_to_iter_based`. Raises InputError.
    """
    _check_table(base_lrs, max_iters, epoch_length, loop)
    epochs = max_iters // epoch_length if loop == "epoch" and epoch_length else 1
    plan = [
        _place(spec, max_iters=max_iters, max_epochs=epochs, epoch_length=epoch_length, loop=loop)
        for spec in schedulers_from_config(param_scheduler)
    ]
    table = np.empty((max_iters, len(base_lrs)))
    columns: dict[str, NDArray[np.float64]] = {}
    for group, base_lr in enumerate(map(float, base_lrs)):
        if base_lr.hex() not in columns:
            columns[base_lr.hex()] = _column(base_lr, plan, max_iters)
        table[:, group] = columns[base_lr.hex()]
    return table


@dataclass(frozen=True)
class _Placed:
    """A scheduler and the iterations before which it steps."""

    spec: Scheduler
    ticks: range
    length: int


def _place(
    spec: Scheduler, *, max_iters: int, max_epochs: int, epoch_length: int | None, loop: Loop
) -> _Placed:
    end = spec.end if spec.end is not None else max_epochs if spec.by_epoch else max_iters
    spec = replace(spec, end=end)
    if spec.convert_to_iter_based:
        spec = _converted(spec, end, epoch_length)
    begin, end = spec.begin, spec.end or 0
    if end <= begin:
        raise InputError(f"{type(spec).__name__}: end {end} must be larger than begin {begin}")
    first = max(begin, 0)
    ticks = range(first, min(end, max_iters))
    if spec.by_epoch and loop == "iter":  # built, then not stepped before training ends
        ticks = range(first, min(end, 1))
    elif spec.by_epoch and epoch_length:
        ticks = range(first * epoch_length, min(end * epoch_length, max_iters), epoch_length)
    return _Placed(spec, ticks, end - begin)


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
    lr = base_lr
    for iteration in range(max_iters):
        for placed in order:
            if iteration in placed.ticks:
                lr = _next_lr(placed, lr, base_lr, iteration)
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
