"""mmengine's and mmseg's constructors of optimizers, live."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from unittest import mock

import torch
from torch import nn

from parity.steps.optim import ParamGroup
from reference.compat import load_reference


def param_groups(
    model: nn.Module,
    *,
    lr: float,
    weight_decay: float | None = None,
    paramwise_cfg: Mapping[str, Any] | None = None,
    constructor: str = "DefaultOptimWrapperConstructor",
    compiled_ops: bool = False,
    optimizer: str = "SGD",
) -> list[ParamGroup]:
    """As in ``parity.steps.optim``, read from the optimizer that the constructor builds.

    An option that equals the optimizer's own default cannot be told from it and is left out.
    """
    load_reference()
    from mmengine.optim.optimizer import default_constructor
    from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS

    given = {"type": optimizer, "lr": lr, "weight_decay": weight_decay}
    stated = {key: value for key, value in given.items() if value is not None}
    options = {
        "type": constructor,
        "optim_wrapper_cfg": {"optimizer": stated},
        "paramwise_cfg": deepcopy(paramwise_cfg),
    }
    # What mmengine asks, to decide whether to look for deformable convolutions.
    ops = mock.patch.object(default_constructor, "mmcv_full_available", return_value=compiled_ops)
    with quiet(), ops:
        built = OPTIM_WRAPPER_CONSTRUCTORS.build(options)(model).optimizer
    return _read(built, getattr(model, "module", model))


def options_of(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Type and options of the optimizer that mmengine makes of a config's ``optimizer``."""
    load_reference()
    from mmengine.registry import OPTIMIZERS

    params = [nn.Parameter(torch.zeros(1))]
    made = OPTIMIZERS.build({**deepcopy(dict(optimizer)), "params": params})
    return {"type": type(made).__name__, **made.defaults}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """mmengine prints, logs and warns one line per parameter."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        with mock.patch.object(logger, "disabled", True):
            yield


def _read(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[ParamGroup]:
    names = {id(param): name for name, param in model.named_parameters()}
    apart = {"params", "param_names", "lr", "weight_decay"}
    found = []
    for group in optimizer.param_groups:
        own = {
            key: item
            for key, item in group.items()
            if key not in apart
            and (key not in optimizer.defaults or item != optimizer.defaults[key])
        }
        members = tuple(names[id(param)] for param in group["params"])
        found.append(ParamGroup(members, group["lr"], group["weight_decay"], own))
    return found
