"""Mistakes planted in our loop: each is found in its iteration, at its quantity."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from parity.steps.loss import total_loss
from parity.train import data as train_data
from parity.train.loop import Loop
from tests.train import tiny

pytestmark = pytest.mark.live


class RateLate(Loop):
    def _set_rates(self, done):
        super()._set_rates(max(done - 1, 0))


class ClipsNothing(Loop):
    def _clip(self):
        kept = [(p, p.grad) for p in self.model.parameters()]
        super()._clip()
        for param, gradient in kept:
            param.grad = gradient


class StepsBeforeClip(Loop):
    def _update(self):
        self.optimizer.step()
        self._clip()
        self.optimizer.zero_grad()


class KeepsGradients(Loop):
    def _update(self):
        self._clip()
        self.optimizer.step()


class DropsNothing(Loop):
    def _losses(self, batch):
        self.model.decode_head.dropout.eval()
        return super()._losses(batch)


class InEvalMode(Loop):
    def _losses(self, batch):
        self.model.eval()
        return super()._losses(batch)


class OtherMomentum(Loop):
    def _losses(self, batch):
        self.model.backbone.bn1.momentum = 0.01
        return super()._losses(batch)


class ForgetsAux(Loop):
    def _losses(self, batch):
        aux, self.model.auxiliary_head = self.model.auxiliary_head, None
        found = super()._losses(batch)
        self.model.auxiliary_head = aux
        return found


class WeighsTwice(Loop):
    def _losses(self, batch):
        found = super()._losses(batch)
        return {**found, "aux.loss_ce": found["aux.loss_ce"] * 0.4}


class CountsAccuracy(Loop):
    def _backward(self, loss, done):
        super()._backward(loss + 1, done)


class DividesNothing(Loop):
    def _backward(self, loss, done):
        super()._backward(loss * self.plan.accumulative_counts, done)


class UpdatesAlways(Loop):
    @property
    def _counts(self):
        return {**super()._counts, "accumulative_counts": 1}

    def _backward(self, loss, done):
        super()._backward(loss / self.plan.accumulative_counts, done)


class OneFurther(Loop):
    def _loader(self, seed):
        order = self.order.epoch()
        self.order.epoch = lambda: [*order[1:], order[0]]
        return super()._loader(seed)


class OtherSeed(Loop):
    def _loader(self, seed):
        torch.rand(1)
        return super()._loader(seed)


class DrawsMore(Loop):
    def _next_batch(self, done):
        if done == 1:
            np.random.rand()
        return super()._next_batch(done)


class AveragesLate(Loop):
    """As `begin_iter` counted from 0."""

    def _average(self, iteration):
        super()._average(iteration - 1)


class AveragesBeforeUpdate(Loop):
    def _update(self):
        kept = [param.detach().clone() for param in self.model.parameters()]
        super()._update()
        self.before = kept

    def _average(self, iteration):
        new = [param.detach().clone() for param in self.model.parameters()]
        self.put(self.before)
        self.average.update(iteration)
        self.put(new)
        self.observe("averaged model", self.average.state())

    @torch.no_grad()
    def put(self, values):
        for param, value in zip(self.model.parameters(), values, strict=True):
            param.copy_(value)


class ValidatesBeforeUpdate(Loop):
    def _iterate(self, done):
        self.done = done
        super()._iterate(done)

    def _update(self):
        self._validate(self.done + 1)
        super()._update()


class ValidatesOwnWeights(Loop):
    def _validate(self, iteration):
        average, self.average = self.average, None
        super()._validate(iteration)
        self.average = average


class DropsInValidation(Loop):
    def _validate(self, iteration):
        self.model.decode_head.dropout.eval = lambda: None
        self.model.decode_head.dropout.train = lambda mode: None
        super()._validate(iteration)


class ValidatesInTraining(Loop):
    def _validate(self, iteration):
        self.model.eval = self.model.train
        super()._validate(iteration)


class HeadBackwards(Loop):
    def _losses(self, batch):
        found = super()._losses(batch)
        torch.autograd.backward(total_loss(found), retain_graph=True)
        return found


def without(**changes):
    return lambda plan: replace(plan, **changes)


def grouped(plan):
    return replace(plan, grouping={**plan.grouping, "paramwise_cfg": {"norm_decay_mult": 1.0}})


def in_bgr(plan):
    return replace(plan, collate={**plan.collate, "bgr_to_rgb": False})


def aligned(plan):
    (head,) = plan.heads["decode_head"]
    return replace(plan, heads={**plan.heads, "decode_head": (replace(head, align_corners=True),)})


def averaged(plan):
    return replace(plan, average={**plan.average, "momentum": 0.9})


def counted(plan):
    metric = {**plan.validation.metric, "ignore_index": 0}
    return replace(plan, validation=replace(plan.validation, metric=metric))


def same(plan):
    return plan


ACCUMULATE = "optim_wrapper.accumulative_counts=2"
FAULTS = {
    "rate one iteration late": (RateLate, same, 2, "rates by group", ".lr"),
    "no clipping": (Loop, without(clip_grad=None), 1, "norm before clipping", "norm"),
    "clipped, but not used": (ClipsNothing, same, 1, "gradients to step with", "conv1.weight"),
    "step before clipping": (StepsBeforeClip, same, 1, "norm before clipping", "norm"),
    "no zero_grad": (KeepsGradients, same, 1, "gradients left over", "conv1.weight"),
    "decay on norms": (Loop, grouped, 1, "rates by group", "bn1.weight).weight_decay"),
    "dropout in eval": (DropsNothing, same, 1, "activations", "decode_head.dropout"),
    "model in eval": (InEvalMode, same, 1, "activations", "backbone.bn1"),
    "momentum of batch norm": (OtherMomentum, same, 1, "buffers", "backbone.bn1.running_mean"),
    "aux head forgotten": (ForgetsAux, same, 1, "activations", "auxiliary_head.convs.0.conv"),
    "loss weighted twice": (WeighsTwice, same, 1, "losses", "aux.loss_ce"),
    "more than the losses": (CountsAccuracy, same, 1, "loss to descend", "loss"),
    "backward twice": (HeadBackwards, same, 1, "gradients", "auxiliary_head.conv_seg"),
    "sampler one further": (OneFurther, same, 1, "sample indices", "batch"),
    "one draw before the weights": (OtherSeed, same, 0, "parameters at the start", "conv1.weight"),
    "one draw too many": (DrawsMore, same, 2, "generators after loading", "NumPy"),
    "BGR": (Loop, in_bgr, 1, "batch", "images"),
    "aligned corners": (Loop, aligned, 1, "losses", "decode.loss_ce"),
}
IN_VALIDATION = "activations in validation"
VALIDATING = {
    "average one iteration late": (AveragesLate, same, 2, "averaged model", "steps"),
    "average before the update": (AveragesBeforeUpdate, same, 1, "averaged model", "conv1.weight"),
    "momentum of the average": (Loop, averaged, 3, "averaged model", "conv1.weight"),
    "validated before the update": (ValidatesBeforeUpdate, same, 2, "norm before clipping", "norm"),
    "validated without the average": (ValidatesOwnWeights, same, 4, IN_VALIDATION, "conv1"),
    "dropout in validation": (DropsInValidation, same, 2, IN_VALIDATION, "decode_head.dropout"),
    "validated in training mode": (ValidatesInTraining, same, 2, IN_VALIDATION, "backbone.bn1"),
    "ignored label counted": (Loop, counted, 2, "scores", "m"),
}
ACCUMULATING = {
    "not divided": (DividesNothing, same, 1, "loss to descend", "loss"),
    "updated always": (UpdatesAlways, same, 1, "parameters", "conv1.weight"),
}


@pytest.mark.parametrize("fault", [*FAULTS, *VALIDATING, *ACCUMULATING])
def test_fault_is_located(fault, tmp_path, data):
    loop, plan, iteration, quantity, name = {**FAULTS, **VALIDATING, **ACCUMULATING}[fault]
    options = [ACCUMULATE] if fault in ACCUMULATING else []
    given = tiny.settings(tmp_path, data, *options, validated=fault in VALIDATING)
    iters = 4 if fault in VALIDATING else 2
    first = tiny.run(given, tmp_path, loop=loop, plan=plan, iters=iters).first
    assert (first.iteration, first.quantity) == (iteration, quantity), first
    assert name in first.name, first


def test_equal_seeds_of_workers_are_located(tmp_path, data, monkeypatch):
    seeded = train_data.seed_worker
    monkeypatch.setattr(train_data, "seed_worker", lambda worker, **known: seeded(0, **known))
    first = tiny.run(tiny.settings(tmp_path, data, workers=2), tmp_path).first
    assert (first.iteration, first.quantity) == (2, "batch"), first


def test_with_a_teacher_each_iteration_is_judged_alone(tmp_path, data):
    class ForgetsOnce(Loop):
        def _clip(self):
            self.times = getattr(self, "times", 0) + 1
            if self.times != 2:
                super()._clip()
            else:
                self.observe("norm before clipping", {"norm": None})

    given = tiny.settings(tmp_path, data)
    alone = tiny.run(given, tmp_path, loop=ForgetsOnce)
    taught = tiny.run(given, tmp_path, loop=ForgetsOnce, teacher=True)
    assert alone.first.iteration == taught.first.iteration == 2
    assert alone.counts["activations"].differing > 0
    assert taught.counts["activations"].differing == 0
    assert taught.counts["parameters"].differing > 0
