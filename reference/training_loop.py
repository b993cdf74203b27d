"""A training as mmengine's own Runner does it, seen as it goes."""

import contextlib
import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from parity.sample import Meta
from parity.train.data import end_workers
from parity.train.observe import (
    START,
    GradientOrder,
    Observer,
    Values,
    generators,
    rates,
    set_generators,
)
from parity.train.settings import TrainingSettings
from reference.checkpoints import mmengine_checkpoints as mmengine_checkpoints
from reference.compat import load_reference
from reference.training import call_after, call_before, on_device
from reference.training_model import ReferenceModel as ReferenceModel


def train(
    settings: TrainingSettings,
    *,
    seed: int,
    iters: int,
    device: str,
    work_dir: Path,
    observe: Observer,
    resumed: Path | None = None,
    states: Values | None = None,
    asked: Values | None = None,
    double: bool = False,
) -> nn.Module:
    """``Runner.train`` of `settings`, stopped after `iters` iterations of its schedule.

    resumed: a checkpoint of a Runner, to go on from as mmengine does. states: of the
    generators then, which mmengine does not keep. asked: goes into every checkpoint. double:
    in float64, from the weights as they are drawn in float32.
    """
    load_reference()
    from mmengine.config import Config
    from mmengine.runner import Runner

    # A name of its own: under one that it knows, mmengine goes on with what is there.
    name = f"parity-{uuid.uuid4().hex[:12]}"
    values = {
        **settings.values,
        "visualizer": {
            **(settings.values.get("visualizer") or {"type": "Visualizer"}),
            "name": name,
        },
        "work_dir": str(work_dir),
        "randomness": {"seed": seed},
        "launcher": "none",
        "experiment_name": name,
        "load_from": None if resumed is None else str(resumed),
        "resume": resumed is not None,
    }
    with _silent(), on_device(device), mmengine_checkpoints():
        runner = Runner.from_cfg(Config(values))
        watch = _Watch(runner, observe, iters, device, states, double=double)
        watch.attach()
        call_before(
            runner,
            "before_save_checkpoint",
            lambda checkpoint: checkpoint["meta"].update(asked=asked),
        )
        try:
            model: nn.Module = runner.train()
        finally:
            end_workers(getattr(watch.batches, "_iterator", None))
            loader = getattr(runner._val_loop, "dataloader", None)
            end_workers(getattr(loader, "_iterator", None))
    return model


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What a Runner prints goes nowhere; its log file has it, too."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


class _Watch:
    """Tells an observer of a Runner what there is to see, and stops it at the end."""

    def __init__(
        self,
        runner: Any,
        observe: Observer,
        iters: int,
        device: str,
        states: Values | None,
        *,
        double: bool = False,
    ) -> None:
        self.runner, self.observe, self.double = runner, observe, double
        self.iters, self.device, self.states = iters, device, states
        self.drawn: list[int] = []
        self.batches: Any = None
        self.areas: list[Any] = []
        self.noting = False

    def attach(self) -> None:
        """Before ``Runner.train``."""
        runner = self.runner
        build = runner.build_dataloader
        runner.build_dataloader = lambda *args, **kwargs: self._noting(build(*args, **kwargs))
        call_before(runner, "before_train", self._begin)
        call_before(runner, "before_train_epoch", self._announce)
        call_before(runner, "before_train_iter", self._loaded)
        call_before(runner, "before_val_epoch", self._validates)
        call_before(runner, "after_val_epoch", self._validated)
        call_after(runner, "after_train_iter", self._done)

    def _noting(self, loader: Any) -> Any:
        """`loader` with an order of samples that is noted as it is drawn."""
        if not self.noting:  # the training's is the first
            loader.batch_sampler.sampler = _Noted(loader.batch_sampler.sampler, self.drawn)
            self.noting = True
        return loader

    def _begin(self) -> None:
        model, wrapper = self.runner.model, self.runner.optim_wrapper
        if self.double:
            for one in (
                model,
                *(h.ema_model for h in self.runner.hooks if hasattr(h, "ema_model")),
            ):
                one.double()
        # Before the observer's own hook, since the norm is known once gradients are clipped.
        wrapper.optimizer.register_step_pre_hook(
            lambda *_: self.observe("norm before clipping", {"norm": self._norm()})
        )
        self.observe.begin(model, wrapper.optimizer)
        self.reached = GradientOrder(model)
        model.data_preprocessor.register_forward_hook(self._prepared)
        model.register_forward_hook(self._losses)
        wrapper.backward = self._backward(wrapper.backward)
        if self.runner.val_loop is not None:
            (metric,) = self.runner.val_loop.evaluator.metrics
            metric.compute_metrics = self._counted(metric.compute_metrics)

    def _announce(self) -> None:
        """Show where each iteration begins: when its batch is asked for.

        Those that a resumed Runner throws away, as many as were trained, are not shown.
        """
        loop = self.runner.train_loop
        if not hasattr(loop, "dataloader_iterator"):
            if self.batches is None:
                self.batches = loop.dataloader = _Epochs(loop, self.observe, self.device)
            return
        self.batches, skipped = loop.dataloader_iterator, loop.iter

        def announced() -> Iterator[Any]:
            for index in itertools.count():
                if index == skipped and self.states is not None:
                    self._resume(self.states)
                if index >= skipped:
                    self.observe(START, generators(self.device))
                batch = next(self.batches)
                if index < skipped:
                    del self.drawn[: len(batch["inputs"])]
                yield batch

        loop.dataloader_iterator = announced()

    def _resume(self, states: Values) -> None:
        """To where the Runner was; workers of a validation were there since the first."""
        loop, validation = self.runner.train_loop, self.runner.val_loop
        started = validation is not None and loop.iter >= loop.val_interval
        if started and validation.dataloader.num_workers:
            iter(validation.dataloader)
        set_generators(states)

    def _loaded(self, batch_idx: int, data_batch: Any) -> None:
        size = len(data_batch["inputs"])
        self.observe("sample indices", {"batch": self.drawn[:size]})
        del self.drawn[:size]
        self.observe("generators after loading", generators(self.device))
        optimizer = self.runner.optim_wrapper.optimizer
        self.observe("rates by group", rates(self.runner.model, optimizer))

    def _prepared(self, module: nn.Module, args: Any, output: Any) -> Any:
        if self.double:
            output = {**output, "inputs": output["inputs"].double()}
        if self.observe.validating:
            return output
        samples = output["data_samples"]
        labels = torch.stack([sample.gt_sem_seg.data[0] for sample in samples])
        metas = tuple(Meta(**sample.metainfo) for sample in samples)
        self.observe("batch", {"images": output["inputs"], "labels": labels, "meta": metas})
        return output

    def _losses(self, module: nn.Module, args: Any, output: Any) -> None:
        if self.observe.validating:
            return
        self.observe("losses", output)
        self.observe("generators after the losses", generators(self.device))

    def _backward(self, backward: Callable[..., None]) -> Callable[..., None]:
        def watched(loss: Tensor, **options: Any) -> None:
            self.observe("loss to descend", {"loss": loss})
            backward(loss, **options)
            self.observe("gradients", self.reached.take(self.runner.model))

        return watched

    def _norm(self) -> float | None:
        wrapper = self.runner.optim_wrapper
        if not wrapper.clip_grad_kwargs or wrapper.grad_name != "grad_norm":
            return None
        return float(wrapper.message_hub.get_scalar("train/grad_norm").current())

    def _done(self, batch_idx: int, data_batch: Any, outputs: Any) -> None:
        self.observe.end_iteration()
        average = next((h.ema_model for h in self.runner.hooks if hasattr(h, "ema_model")), None)
        if average is not None:
            self.observe("averaged model", dict(average.state_dict()))
        if self.runner.iter + 1 == self.iters:
            self.runner.train_loop.stop_training = True

    def _counted(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        def counted(results: list[Any]) -> Any:
            self.areas = [torch.stack(list(image)).long() for image in results]
            return compute(results)

        return counted

    def _validates(self) -> None:
        self.observe.validating = True

    def _validated(self, metrics: dict[str, Any]) -> None:
        self.observe.validating = False
        scores = {name: float(value) for name, value in metrics.items()}
        self.observe("scores", {**scores, "areas": torch.stack(self.areas)})


class _Noted:
    """A sampler, whose indices go to `drawn`, too."""

    def __init__(self, sampler: Any, drawn: list[int]) -> None:
        self.sampler, self.drawn = sampler, drawn

    def __iter__(self) -> Iterator[int]:
        self.drawn.clear()
        for index in self.sampler:
            self.drawn.append(index)
            yield index

    def __len__(self) -> int:
        return len(self.sampler)


class _Epochs:
    """The data loader of a loop by epoch; says where each iteration begins, and ends with it."""

    def __init__(self, loop: Any, observe: Observer, device: str) -> None:
        self.loop, self.loader, self.observe, self.device = loop, loop.dataloader, observe, device
        self._iterator: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        self._iterator = None
        for _ in range(len(self.loader)):
            if self.loop.stop_training:
                self.loop.val_begin = self.loop.max_epochs + 1  # not at the end of an epoch
                return
            self.observe(START, generators(self.device))
            self._iterator = self._iterator or iter(self.loader)
            yield next(self._iterator)
