"""Training in plain PyTorch, as mmengine's Runner trains the same config.

Reproduces ``IterBasedTrainLoop`` and ``EpochBasedTrainLoop`` (mmengine 0.10.7
runner/loops.py), ``train_step`` and
``parse_losses`` (model/base_model/base_model.py), ``OptimWrapper.update_params``
(optim/optimizer/optimizer_wrapper.py), ``ParamSchedulerHook``, and the ``loss`` of mmseg
1.2.2's ``EncoderDecoder`` and ``CascadeEncoderDecoder``. Read it from `train` down. Mixed
precision is in precision.py, averages are in average.py, the validation in validation.py,
and what a checkpoint holds in checkpoint.py.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from parity.sample import Batch
from parity.steps.collate import collate
from parity.steps.loss import total_loss
from parity.steps.optim import (
    build_optimizer,
    clip_gradients,
    param_groups,
    scale_loss,
    should_update,
)
from parity.train.average import Average
from parity.train.checkpoint import LoopState, restore, snapshot
from parity.train.data import data_loader, end_workers, seed_everything
from parity.train.losses import has_own_loss
from parity.train.observe import START, GradientOrder, Observer, Values, generators, rates
from parity.train.plan import TrainingPlan
from parity.train.precision import Precision
from parity.train.validation import Validation

Losses = dict[str, Tensor]


class Model(Protocol):
    """Where the network comes from. compiled_ops: whether mmcv has its compiled ops."""

    compiled_ops: bool

    def make(self) -> nn.Module:
        """The segmentor, its weights not yet drawn."""
        ...

    def init_weights(self, model: nn.Module) -> None:
        """Draw the weights of what `make` gave."""
        ...

    def own_loss(
        self, head: nn.Module, inputs: tuple[Any, ...], batch: Batch, train_cfg: Any
    ) -> Losses:
        """The terms of a head whose loss is not ours."""
        ...

    def own_logits(self, model: nn.Module, images: Tensor, metas: tuple[Any, ...]) -> Tensor:
        """The logits of a segmentor whose prediction is not ours."""
        ...


class Loop:
    """One training.

    iters: how many iterations of the schedule to run. resumed: where to go on. save: gets a
    checkpoint after every so many iterations and after the last.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        model: Model,
        *,
        seed: int,
        iters: int,
        device: str = "cpu",
        observe: Observer | None = None,
        resumed: LoopState | None = None,
        save: Callable[[LoopState], object] | None = None,
        every: int = 0,
    ) -> None:
        self.plan, self.iters, self.source = plan, iters, model
        self.device, self.observe = device, observe or Observer()
        self.seed, self.save, self.every = seed, save, every
        self.begun = 0 if resumed is None else resumed.iteration
        self.worker_states: dict[int, Values] = {} if resumed is None else dict(resumed.workers)
        # In the order in which a Runner draws: model, first worker seeds, weights.
        seed_everything(seed)
        self.model = model.make()
        self.order = plan.order(
            len(plan.dataset),
            seed=seed if plan.sampler_seed is None else plan.sampler_seed,
            shuffle=plan.shuffle,
            begun=self.begun * plan.batch_size,
        )
        self.loader = self._loader(seed)
        self.batches = iter(()) if plan.by_epoch else iter(self.loader)
        self.groups = param_groups(self.model, compiled_ops=model.compiled_ops, **plan.grouping)
        self.optimizer = build_optimizer(self.model, self.groups, optimizer=plan.optimizer)
        self.precision = Precision(plan.amp, device)
        self.rates = plan.rates([group.lr for group in self.groups], iters)
        self.average = None if plan.average is None else Average(self.model, **plan.average)
        self.validation = self._validation()
        model.init_weights(self.model)
        self.reached = GradientOrder(self.model)
        if resumed is not None:
            self._resume(resumed)

    def train(self) -> nn.Module:
        """Run all iterations."""
        try:
            self.observe.begin(self.model, self.optimizer)
            for done in range(self.begun, self.iters):
                self._iterate(done)
                self._validate(done + 1)
                self._save(done + 1)
        finally:
            end_workers(self.batches)
            if self.validation is not None:
                end_workers(self.validation.loader._iterator)
        return self.model

    def _resume(self, found: LoopState) -> None:
        """Last of all, since what an uninterrupted training draws now it drew at its beginning."""
        if self.validation is not None and self.begun >= self.validation.plan.interval:
            self.validation.start_workers()
        restore(self, found)

    def _iterate(self, done: int) -> None:
        self.observe(START, generators(self.device))
        self.model.train()
        batch = self._next_batch(done)
        with self.precision.context():
            losses = self._losses(batch)
        self.observe("losses", losses)
        self.observe("generators after the losses", generators(self.device))
        self._backward(total_loss(losses), done)
        if should_update(inner_count=done + 1, **self._counts):
            self._update()
        self.observe.end_iteration()
        self._average(done + 1)

    def _save(self, iteration: int) -> None:
        due = iteration == self.iters or (self.every and iteration % self.every == 0)
        if due and self.save is not None:
            self.save(snapshot(self, iteration))

    # -- data

    def _loader(self, seed: int) -> Any:
        return data_loader(
            self.plan.dataset,
            self.order,
            batch_size=self.plan.batch_size,
            workers=self.plan.workers,
            seed=seed,
            drop_last=self.plan.drop_last,
            persistent=self.plan.persistent,
            begun=self.begun,
            states=dict(self.worker_states),
        )

    def _next_samples(self) -> Any:
        """Where one order of the data has ended, or none has begun, the next begins."""
        try:
            return next(self.batches)
        except StopIteration:
            self.batches = iter(self.loader)
            return next(self.batches)

    def _next_batch(self, done: int) -> Batch:
        samples, states = self._next_samples()
        if self.plan.workers:
            self.worker_states[done % self.plan.workers] = states
        drawn = [self.order.drawn.popleft() for _ in samples]
        self.observe("sample indices", {"batch": drawn})
        self.observe("generators after loading", generators(self.device))
        self._set_rates(done)
        self.observe("rates by group", rates(self.model, self.optimizer))
        batch = collate(samples, **self.plan.collate)
        moved = Batch(batch.images.to(self.device), _labels(batch).to(self.device), batch.metas)
        self.observe("batch", {"images": moved.images, "labels": moved.segs, "meta": moved.metas})
        return moved

    # -- model and losses

    def _losses(self, batch: Batch) -> Losses:
        model: Any = self.model
        features = model.backbone(batch.images)
        if getattr(model, "neck", None) is not None:
            features = model.neck(features)
        head = model.decode_head
        if isinstance(head, nn.ModuleList):
            losses = self._cascade(head, features, batch)
        else:
            losses = self._head("decode", head, 0, (features,), batch)
        aux = getattr(model, "auxiliary_head", None)
        if isinstance(aux, nn.ModuleList):
            for index, one in enumerate(aux):
                losses.update(self._head(f"aux_{index}", one, index, (features,), batch))
        elif isinstance(aux, nn.Module):
            losses.update(self._head("aux", aux, 0, (features,), batch))
        return losses

    def _cascade(self, heads: nn.ModuleList, features: Any, batch: Batch) -> Losses:
        """Each head gets the output of the one before, computed a second time for it.

        That is what the reference does: dropout is drawn and batch norm counts twice.
        """
        losses = self._head("decode_0", heads[0], 0, (features,), batch)
        inputs: tuple[Any, ...] = (features,)
        for index in range(1, len(heads)):
            inputs = (features, heads[index - 1].forward(*inputs))
            losses.update(self._head(f"decode_{index}", heads[index], index, inputs, batch))
        return losses

    def _head(
        self, prefix: str, head: nn.Module, index: int, inputs: tuple[Any, ...], batch: Batch
    ) -> Losses:
        if has_own_loss(head):
            terms = self.source.own_loss(head, inputs, batch, self.model.train_cfg)
        else:
            loss = self.plan.heads["auxiliary_head" if "aux" in prefix else "decode_head"][index]
            if isinstance(loss, Exception):
                raise loss
            terms = loss(head.forward(*inputs), _labels(batch))
        return {f"{prefix}.{name}": value for name, value in terms.items()}

    # -- update

    @property
    def _counts(self) -> dict[str, int]:
        counts, end = self.plan.accumulative_counts, self.plan.max_iters
        return {"accumulative_counts": counts, "max_counts": end}

    def _backward(self, loss: Tensor, done: int) -> None:
        scaled = scale_loss(loss, inner_count=done, **self._counts)
        self.observe("loss to descend", {"loss": scaled})
        torch.autograd.backward(self.precision.scale(scaled))
        self.observe("gradients", self.reached.take(self.model))

    def _update(self) -> None:
        if self.plan.clip_grad:
            self.precision.unscale(self.optimizer)
        self._clip()
        self.precision.step(self.optimizer)
        self.optimizer.zero_grad()

    def _clip(self) -> None:
        params = [param for group in self.optimizer.param_groups for param in group["params"]]
        clipped = clip_gradients([param.grad for param in params], clip_grad=self.plan.clip_grad)
        for param, gradient in zip(params, clipped.gradients, strict=True):
            param.grad = gradient
        self.observe("norm before clipping", {"norm": clipped.norm})

    def _average(self, iteration: int) -> None:
        if self.average is not None:
            self.average.update(iteration)
            self.observe("averaged model", self.average.state())

    # -- validation

    def _validation(self) -> Validation | None:
        plan = self.plan.validation
        if plan is None:
            return None
        return Validation(plan, self.model, self.source.own_logits, seed=self.seed)

    def _validate(self, iteration: int) -> None:
        """Of the averaged weights, where there are any."""
        if self.validation is None or not self._is_validated(iteration):
            return
        swap = self.average.swap if self.average is not None else lambda: None
        swap()
        self.observe.validating = True
        scores = self.validation.score(self.device)
        self.observe.validating = False
        self.observe("scores", scores)
        swap()

    def _is_validated(self, iteration: int) -> bool:
        plan = self.plan.validation
        assert plan is not None
        return iteration % plan.interval == 0 or iteration == self.plan.max_iters

    # -- schedule

    def _set_rates(self, done: int) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.rates[done], strict=True):
            group["lr"] = float(rate)


def _labels(batch: Batch) -> Tensor:
    assert isinstance(batch.segs, Tensor)  # a training batch has them stacked
    return batch.segs
