"""Real models of mmseg's configs, for holding parameter groups beside each other."""

import contextlib
import io
import warnings
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from parity.errors import InputError
from reference.compat import load_reference
from reference.optim.groups import quiet

_SCOPES = ("mmseg", "mmdet", "mmcv", "mmengine")


def read_config(path: str, changes: Mapping[str, Any] | None = None) -> Any:
    """The config of mmseg at `path` below its ``configs``, with dotted-key `changes`."""
    load_reference()
    import mmseg
    from mmengine.config import Config

    assert mmseg.__file__ is not None
    file = Path(mmseg.__file__).parent / ".mim" / "configs" / path
    # Without its custom imports a config can be read where mmpretrain is missing.
    config = Config.fromfile(str(file), import_custom_modules=False)
    config.merge_from_dict(dict(changes or {}))
    return config


def config_model(
    path: str, changes: Mapping[str, Any] | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """The model a config builds, untrained, and the options its groups are made with."""
    config = read_config(path, changes)
    from mmseg.registry import MODELS

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        model: nn.Module = MODELS.build(config.model)
    wrapper = config.optim_wrapper
    options: dict[str, Any] = {
        "lr": wrapper.optimizer.lr,
        "weight_decay": wrapper.optimizer.get("weight_decay"),
        "optimizer": wrapper.optimizer.type,
    }
    paramwise = wrapper.get("paramwise_cfg")
    if paramwise is not None:
        options["paramwise_cfg"] = deepcopy(paramwise.to_dict())
    if "constructor" in wrapper:
        options["constructor"] = wrapper.constructor
    return model, options


def built(model: Mapping[str, Any], *, filled: bool = False) -> nn.Module:
    """The ``model`` of a config that was read, not executed; its weights drawn where `filled`.

    Only what mmseg, mmdet, mmcv and mmengine register is built: mmengine itself would import
    any other name. Raises InputError where it cannot be built.
    """
    load_reference()
    from mmengine.config import ConfigDict
    from mmseg.registry import MODELS

    given = _without_weights(model)
    _insist_on_registered(given)
    try:
        with quiet(), contextlib.nullcontext() if filled else _Unfilled():
            made: nn.Module = MODELS.build(ConfigDict(given))
    except Exception as error:  # whatever the constructors of mmseg raise on odd options
        raise InputError(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    return made


def trainable(model: Mapping[str, Any]) -> nn.Module:
    """As `built`, with BN for SyncBN, as a Runner in one process trains it."""
    made = built(model, filled=True)
    from mmengine.model import revert_sync_batchnorm

    with quiet():
        found: nn.Module = revert_sync_batchnorm(made)
    return found


class _Unfilled(TorchFunctionMode):
    """Leaves random weights out inside: filling those of large models takes seconds."""

    _FILLING = (
        *(torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_),
        *(torch.Tensor.bernoulli_, torch.nn.init.trunc_normal_, torch.nn.init.orthogonal_),
    )

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return args[0] if function in self._FILLING else function(*args, **(kwargs or {}))


def _without_weights(value: Any) -> Any:
    """A copy without what decides on weights and pixels: neither makes a parameter."""
    if isinstance(value, Mapping):
        left_out = ("data_preprocessor", "init_cfg", "pretrained")
        kept = {key: item for key, item in value.items() if key not in left_out}
        return {key: _without_weights(item) for key, item in kept.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_without_weights, value))
    return value


def _insist_on_registered(value: Any) -> None:
    """Raises InputError for a type that no registry holds."""
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind is not None and str(kind).rpartition(".")[2] not in _registered():
            raise InputError(f"{kind} is not registered by mmseg, mmdet, mmcv or mmengine")
        if isinstance(kind, str) and kind.partition(".")[0] not in (*_SCOPES, kind):
            raise InputError(f"{kind} is of a package that is not looked into")
        if isinstance(value.get("class_weight"), str):
            raise InputError("class_weight is a file, which mmseg may unpickle")
    items = value.values() if isinstance(value, Mapping) else value
    for item in items if isinstance(value, (Mapping, list, tuple)) else ():
        _insist_on_registered(item)


@cache
def _registered() -> frozenset[str]:
    """Names of models and of what they are made with, of all packages."""
    from mmengine import registry

    roots = (registry.MODELS, registry.TASK_UTILS)
    nodes = [node for root in roots for node in (root, *root.children.values())]
    return frozenset(name for node in nodes for name in node.module_dict)


def deformable_model() -> nn.Module:
    """Deformable convolutions as mmcv packs them, offset convolutions inside."""
    load_reference()
    from mmcv.ops import DeformConv2dPack, ModulatedDeformConv2dPack

    plain = DeformConv2dPack(4, 4, 3, bias=False)
    modulated = ModulatedDeformConv2dPack(4, 4, 3, bias=True)
    return nn.Sequential(nn.Conv2d(3, 4, 1), plain, nn.BatchNorm2d(4), modulated)
