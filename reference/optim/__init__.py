"""Parameter groups, clipping and accumulation of mmengine and mmseg, live."""

from reference.optim.groups import param_groups, param_groups_step
from reference.optim.wrapper import (
    accumulation_plan,
    accumulation_plan_step,
    clip_gradients,
    clip_gradients_step,
    scale_loss,
    should_update,
    train,
    train_step,
)

__all__ = [
    "accumulation_plan",
    "accumulation_plan_step",
    "clip_gradients",
    "clip_gradients_step",
    "param_groups",
    "param_groups_step",
    "scale_loss",
    "should_update",
    "train",
    "train_step",
]
