"""Parameter groups, gradient clipping and gradient accumulation, as a config asks for them."""

from parity.steps.optim.accumulate import (
    UNKNOWN,
    Accumulation,
    accumulation_plan,
    loss_factor,
    scale_loss,
    should_update,
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
    "build_model",
    "build_optimizer",
    "clip_gradients",
    "loss_factor",
    "param_groups",
    "scale_loss",
    "should_update",
    "total_norm",
    "train",
]
