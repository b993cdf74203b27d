"""The learning rate at every iteration, from a config's ``param_scheduler`` list."""

from parity.steps.schedule.config import SCHEDULERS as SCHEDULERS
from parity.steps.schedule.config import schedulers_from_config as schedulers_from_config
from parity.steps.schedule.cycles import CosineRestartLR as CosineRestartLR
from parity.steps.schedule.cycles import OneCycleLR as OneCycleLR
from parity.steps.schedule.plateau import ReduceOnPlateauLR as ReduceOnPlateauLR
from parity.steps.schedule.schedulers import ConstantLR as ConstantLR
from parity.steps.schedule.schedulers import CosineAnnealingLR as CosineAnnealingLR
from parity.steps.schedule.schedulers import ExponentialLR as ExponentialLR
from parity.steps.schedule.schedulers import LinearLR as LinearLR
from parity.steps.schedule.schedulers import MultiStepLR as MultiStepLR
from parity.steps.schedule.schedulers import PolyLR as PolyLR
from parity.steps.schedule.schedulers import PolyLRRatio as PolyLRRatio
from parity.steps.schedule.schedulers import Scheduler as Scheduler
from parity.steps.schedule.schedulers import StepLR as StepLR
from parity.steps.schedule.table import Loop as Loop
from parity.steps.schedule.table import lr_table as lr_table
from parity.steps.schedule.table import momentum_table as momentum_table
