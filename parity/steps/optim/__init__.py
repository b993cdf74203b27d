"""Parameter groups, gradient clipping and gradient accumulation, as a config asks for them."""

from parity.steps.optim.accumulate import UNKNOWN as UNKNOWN
from parity.steps.optim.accumulate import Accumulation as Accumulation
from parity.steps.optim.accumulate import accumulation_plan as accumulation_plan
from parity.steps.optim.accumulate import loss_factor as loss_factor
from parity.steps.optim.accumulate import scale_loss as scale_loss
from parity.steps.optim.accumulate import should_update as should_update
from parity.steps.optim.clip import Clipped as Clipped
from parity.steps.optim.clip import clip_gradients as clip_gradients
from parity.steps.optim.clip import total_norm as total_norm
from parity.steps.optim.groups import ParamGroup as ParamGroup
from parity.steps.optim.groups import param_groups as param_groups
from parity.steps.optim.layout import Layout as Layout
from parity.steps.optim.layout import build_model as build_model
from parity.steps.optim.training import build_optimizer as build_optimizer
from parity.steps.optim.training import train as train
