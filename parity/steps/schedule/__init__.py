"""The learning rate at every iteration, from a config's ``param_scheduler`` list."""

from parity.steps.schedule.config import SCHEDULERS, schedulers_from_config
from parity.steps.schedule.cycles import CosineRestartLR, OneCycleLR
from parity.steps.schedule.plateau import ReduceOnPlateauLR
from parity.steps.schedule.schedulers import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolyLR,
    PolyLRRatio,
    Scheduler,
    StepLR,
)
from parity.steps.schedule.table import Loop, lr_table, momentum_table

__all__ = [
    "SCHEDULERS",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineRestartLR",
    "ExponentialLR",
    "LinearLR",
    "Loop",
    "MultiStepLR",
    "OneCycleLR",
    "PolyLR",
    "PolyLRRatio",
    "ReduceOnPlateauLR",
    "Scheduler",
    "StepLR",
    "lr_table",
    "momentum_table",
    "schedulers_from_config",
]
