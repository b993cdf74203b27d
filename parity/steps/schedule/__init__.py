"""The learning rate at every iteration, from a config's ``param_scheduler`` list."""

from parity.steps.schedule.config import schedulers_from_config
from parity.steps.schedule.schedulers import (
    SCHEDULERS,
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    MultiStepLR,
    PolyLR,
    PolyLRRatio,
    Scheduler,
)
from parity.steps.schedule.table import Loop, lr_table

__all__ = [
    "SCHEDULERS",
    "ConstantLR",
    "CosineAnnealingLR",
    "LinearLR",
    "Loop",
    "MultiStepLR",
    "PolyLR",
    "PolyLRRatio",
    "Scheduler",
    "lr_table",
    "schedulers_from_config",
]
