"""Parameter groups, clipping and accumulation of mmengine and mmseg, live."""

from reference.optim.groups import param_groups as param_groups
from reference.optim.wrapper import accumulation_plan as accumulation_plan
from reference.optim.wrapper import clip_gradients as clip_gradients
from reference.optim.wrapper import scale_loss as scale_loss
from reference.optim.wrapper import should_update as should_update
from reference.optim.wrapper import train as train
