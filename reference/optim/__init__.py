"""Parameter groups, clipping and accumulation of mmengine and mmseg, live."""

from reference.optim.groups import param_groups
from reference.optim.wrapper import (
    accumulation_plan,
    clip_gradients,
    scale_loss,
    should_update,
    train,
)

__all__ = [
    "accumulation_plan",
    "clip_gradients",
    "param_groups",
    "scale_loss",
    "should_update",
    "train",
]
