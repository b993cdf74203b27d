"""Fixed recipes as people write them, for the config that tests/candidate/test_fixed.py writes."""

import functools

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR, LinearLR, PolynomialLR, SequentialLR

LR, ITERS, WARM = 6e-5, 200, 20


def multiplier(it):
    if it < WARM:
        return 1e-6 + (1 - 1e-6) * it / (WARM - 1)
    return (ITERS - 1 - it) / (ITERS - 1 - WARM)


def rate(it):
    return LR * multiplier(it)


def make_scheduler(optimizer):
    return LambdaLR(optimizer, multiplier)


def of_three(optimizer):
    warm = LinearLR(optimizer, start_factor=1e-6, total_iters=WARM - 1)
    poly = PolynomialLR(optimizer, ITERS - WARM - 1, power=1.0)
    return SequentialLR(optimizer, [warm, poly], milestones=[WARM])


def for_length(optimizer, total_iters, *, warm=WARM):
    assert total_iters == ITERS
    return make_scheduler(optimizer)


partial = functools.partial(LambdaLR, lr_lambda=multiplier)
nameless = lambda o: LambdaLR(o, multiplier)  # noqa: E731
table = np.array([rate(it) for it in range(ITERS)])


def rates():
    return table


class Scheduler:
    """The interface of timm's."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.step_update(0)

    def step(self, epoch):
        raise AssertionError("this one is stepped by update")

    def step_update(self, num_updates):
        for group in self.optimizer.param_groups:
            scale = group.get("lr_scale", 1.0)
            group["lr"] = group["initial_lr"] * multiplier(num_updates) * scale


class OfTorch(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [base * multiplier(self.last_epoch) for base in self.base_lrs]


class Told:
    """A scheduler that is told the iteration."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.step(0)

    def step(self, iteration):
        self.optimizer.param_groups[0]["lr"] = rate(iteration)


class Recipe:
    @staticmethod
    def make(optimizer):
        return make_scheduler(optimizer)

    def __call__(self, it):
        return rate(it)


recipe = Recipe()
own = make_scheduler(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR))


def no_warm_up(optimizer):
    return PolynomialLR(optimizer, ITERS - 1, power=1.0)


def stepped_late(it):
    return rate(max(it - 1, 0))


def split(model):
    decayed, plain = [], []
    for name, param in model.named_parameters():
        (plain if "bn" in name else decayed).append(param)
    return [{"params": plain, "weight_decay": 0.0}, {"params": decayed}]


def optimizer(model):
    return torch.optim.AdamW(split(model), lr=LR, weight_decay=0.01)


def with_rates(net, lr, weight_decay):
    return torch.optim.AdamW(split(net), lr=lr, weight_decay=weight_decay)


def pair(model):
    made = optimizer(model)
    return made, Scheduler(made)


def lightning(model):
    made = optimizer(model)
    return {"optimizer": made, "lr_scheduler": {"scheduler": make_scheduler(made)}}


def one_group(model):
    return torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)


def head_alone(model):
    return torch.optim.AdamW(model.decode_head.parameters(), lr=LR, weight_decay=0.01)


def adam(model):
    return torch.optim.Adam(split(model), lr=LR, betas=(0.9, 0.99), weight_decay=0.01)
