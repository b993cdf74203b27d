"""The learning rate at every iteration of mmengine's own training loops, live."""

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
from parity.steps.schedule.table import Metrics
from reference.compat import load_reference


def lr_table(
    base_lrs: Sequence[float], param_scheduler: ParamScheduler, **options: Any
) -> NDArray[np.float64]:
    """As in ``parity.steps.schedule``, from the schedulers, hook and loop of mmengine."""
    return _train("lr", base_lrs, param_scheduler, **options)


def momentum_table(
    momenta: Sequence[float], param_scheduler: ParamScheduler, **options: Any
) -> NDArray[np.float64]:
    """As `lr_table`, of the momentum."""
    return _train("momentum", momenta, param_scheduler, **options)


def config_schedule(path: str) -> dict[str, Any]:
    """The arguments of `lr_table` that a config of mmseg, such as ``swin/....py``, asks for."""
    from reference.optim.models import read_config

    config = read_config(path)
    plain = [dict(entry) for entry in config.param_scheduler]
    lr = config.optim_wrapper.optimizer.lr
    length = config.train_cfg.max_iters
    return {"base_lrs": [lr], "param_scheduler": plain, "max_iters": length}


def _to_config(spec: Scheduler) -> dict[str, Any]:
    options = {field.name: getattr(spec, field.name) for field in fields(spec)}
    if spec.end is None:
        del options["end"]  # so that the runner puts the end of training
    if not spec.convert_to_iter_based:
        del options["convert_to_iter_based"]
    momentum = options.pop("momentum")
    name = type(spec).__name__
    return {"type": name.removesuffix("LR") + "Momentum" if momentum else name, **options}


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
    """Takes the place of the model: notes what it would be updated with."""

    def __init__(self, key: str) -> None:
        self.rates: list[list[float]] = []
        self._key = key

    def train(self) -> None:
        """Nothing to switch."""

    def train_step(self, batch: None, optim_wrapper: Any) -> dict[str, Any]:
        """Note the rates; the first update goes through, schedulers warn when none did."""
        if not self.rates:
            optim_wrapper.step()
        self.rates.append([group[self._key] for group in optim_wrapper.optimizer.param_groups])
        return {}


class _Validation:
    """Takes the place of the loop that validates: gives the hook one of `metrics` a time."""

    def __init__(self, metrics: Sequence[Metrics]) -> None:
        self._left = list(metrics)
        self.call: Any = None

    def run(self) -> None:
        """One validation; after the last iteration there may be no score left."""
        if self._left:
            self.call(dict(self._left.pop(0)))


def _train(
    key: str,
    values: Sequence[float],
    param_scheduler: ParamScheduler,
    *,
    max_iters: int,
    epoch_length: int | None = None,
    loop: Loop = "iter",
    metrics: Sequence[Metrics] = (),
    val_interval: int | None = None,
) -> NDArray[np.float64]:
    load_reference()
    from mmengine.optim import OptimWrapper
    from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

    config: Any = param_scheduler
    validation = _Validation(metrics)
    if not isinstance(config, Mapping):
        config = [_to_config(one) if isinstance(one, Scheduler) else one for one in config]
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], key: one} for one in values]
    batches = _Batches(epoch_length or max_iters, endless=loop == "iter")
    epochs = 1 if loop == "iter" else max_iters // len(batches)
    runner = SimpleNamespace(
        model=_Recorder(key),
        optim_wrapper=OptimWrapper(torch.optim.SGD(groups, lr=1.0)),
        visualizer=SimpleNamespace(),
        val_loop=None if val_interval is None else validation,
        logger=logging.getLogger(__name__),
        train_dataloader=batches,
        max_iters=max_iters,
        max_epochs=epochs,
    )
    interval = {} if val_interval is None else {"val_interval": val_interval}
    kind, end = (IterBasedTrainLoop, max_iters) if loop == "iter" else (EpochBasedTrainLoop, epochs)
    runner._train_loop = kind(runner, batches, end, **interval)
    runner.param_schedulers = Runner._build_param_scheduler(runner, config, runner.optim_wrapper)
    runner.call_hook = _hook_caller(runner)
    validation.call = lambda metrics: runner.call_hook("after_val_epoch", metrics=metrics)
    runner._train_loop.run()
    return np.array(runner.model.rates, dtype=np.float64)


_CALLED = ("after_train_iter", "after_train_epoch", "after_val_epoch")


def _hook_caller(runner: SimpleNamespace) -> Any:
    """``Runner.call_hook`` with the one hook that matters here."""
    from mmengine.hooks import ParamSchedulerHook

    hook = ParamSchedulerHook()
    calls = {name: getattr(hook, name) for name in _CALLED}

    def call_hook(name: str, **arguments: Any) -> None:
        if name in calls:
            calls[name](runner, **arguments)

    return call_hook
