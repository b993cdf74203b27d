"""Parameter groups, gradient clipping and gradient accumulation, as a config asks for them."""

from parity.steps.optim.accumulate import (
    UNKNOWN,
    Accumulation,
    accumulation_plan,
    loss_factor,
    scale_loss,
    should_update,
)
from parity.steps.optim.cases import (
    accumulation_plan_step,
    clip_gradients_step,
    param_groups_step,
    train_step,
)
from parity.steps.optim.clip import Clipped, clip_gradients, total_norm
from parity.steps.optim.groups import ParamGroup, param_groups
from parity.steps.optim.layout import Layout, build_model
from parity.steps.optim.training import build_optimizer, train

__all__ = [
    "UNKNOWN",
    "Accumulation",
    "Clipped",
    "Layout",
    "ParamGroup",
    "accumulation_plan",
    "accumulation_plan_step",
    "build_model",
    "build_optimizer",
    "clip_gradients",
    "clip_gradients_step",
    "loss_factor",
    "param_groups",
    "param_groups_step",
    "scale_loss",
    "should_update",
    "total_norm",
    "train",
    "train_step",
]
