"""The learning rate at every iteration of mmengine's own training loops, live."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from parity.steps.schedule import Loop, Scheduler
from parity.steps.schedule.config import ParamScheduler
from reference.compat import load_reference


def lr_table(
    base_lrs: Sequence[float],
    param_scheduler: ParamScheduler,
    *,
    max_iters: int,
    epoch_length: int | None = None,
    loop: Loop = "iter",
) -> NDArray[np.float64]:
    """As in ``parity.steps.schedule``, from the schedulers, hook and loop of mmengine."""
    config: Any = param_scheduler
    if not isinstance(config, Mapping):
        config = [_to_config(one) if isinstance(one, Scheduler) else one for one in config]
    return _train(base_lrs, config, max_iters=max_iters, epoch_length=epoch_length, loop=loop)


def config_schedule(path: str) -> dict[str, Any]:
    """The arguments of `lr_table` that a config of mmseg, such as ``swin/....py``, asks for."""
    from reference.optim.models import read_config

    config = read_config(path)
    plain = [dict(entry) for entry in config.param_scheduler]
    lr = config.optim_wrapper.optimizer.lr
    return {
        "base_lrs": [lr],
        "param_scheduler": plain,
        "max_iters": config.train_cfg.max_iters,
    }


def _to_config(spec: Scheduler) -> dict[str, Any]:
    options = {field.name: getattr(spec, field.name) for field in fields(spec)}
    if spec.end is None:
        del options["end"]  # so that the runner puts the end of training
    if not spec.convert_to_iter_based:
        del options["convert_to_iter_based"]
    return {"type": type(spec).__name__, **options}


class _Batches:
    """A data loader of empty batches: `length` batches per epoch, or without end."""

    dataset = SimpleNamespace(metainfo={})

    def __init__(self, length: int, *, endless: bool) -> None:
        self._length, self._endless = length, endless

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[None]:
        return repeat(None) if self._endless else repeat(None, self._length)


class _Recorder:
    """Takes the place of the model: notes the rates it would be updated with."""

    def __init__(self) -> None:
        self.rates: list[list[float]] = []

    def train(self) -> None:
        """Nothing to switch."""

    def train_step(self, batch: None, optim_wrapper: Any) -> dict[str, Any]:
        """Note the rates; the first update goes through, schedulers warn when none did."""
        if not self.rates:
            optim_wrapper.step()
        self.rates.append([group["lr"] for group in optim_wrapper.optimizer.param_groups])
        return {}


def _train(
    base_lrs: Sequence[float],
    config: Any,
    *,
    max_iters: int,
    epoch_length: int | None = None,
    loop: Loop = "iter",
) -> NDArray[np.float64]:
    load_reference()
    from mmengine.optim import OptimWrapper
    from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in base_lrs]
    runner = SimpleNamespace(
        model=_Recorder(),
        optim_wrapper=OptimWrapper(torch.optim.SGD(groups, lr=base_lrs[0])),
        visualizer=SimpleNamespace(),
        val_loop=None,
        logger=logging.getLogger(__name__),
        train_dataloader=_Batches(epoch_length or max_iters, endless=loop == "iter"),
        max_iters=max_iters,
        max_epochs=1,
    )
    if loop == "iter":
        runner._train_loop = IterBasedTrainLoop(runner, runner.train_dataloader, max_iters)
    else:
        runner.max_epochs = max_iters // len(runner.train_dataloader)
        runner._train_loop = EpochBasedTrainLoop(runner, runner.train_dataloader, runner.max_epochs)
    runner.param_schedulers = Runner._build_param_scheduler(runner, config, runner.optim_wrapper)
    runner.call_hook = _hook_caller(runner)
    runner._train_loop.run()
    return np.array(runner.model.rates, dtype=np.float64)


def _hook_caller(runner: SimpleNamespace) -> Any:
    """``Runner.call_hook`` with the one hook that matters here."""
    from mmengine.hooks import ParamSchedulerHook

    hook = ParamSchedulerHook()
    calls = {name: getattr(hook, name) for name in ("after_train_iter", "after_train_epoch")}

    def call_hook(name: str, **arguments: Any) -> None:
        if name in calls:
            calls[name](runner, **arguments)

    return call_hook
