"""Real models of mmseg's configs, for holding parameter groups beside each other."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import nn

from reference.compat import load_reference


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
        "weight_decay": wrapper.optimizer.weight_decay,
    }
    paramwise = wrapper.get("paramwise_cfg")
    if paramwise is not None:
        options["paramwise_cfg"] = deepcopy(paramwise.to_dict())
    if "constructor" in wrapper:
        options["constructor"] = wrapper.constructor
    return model, options


def deformable_model() -> nn.Module:
    """Deformable convolutions as mmcv packs them, offset convolutions inside."""
    load_reference()
    from mmcv.ops import DeformConv2dPack, ModulatedDeformConv2dPack

    plain = DeformConv2dPack(4, 4, 3, bias=False)
    modulated = ModulatedDeformConv2dPack(4, 4, 3, bias=True)
    return nn.Sequential(nn.Conv2d(3, 4, 1), plain, nn.BatchNorm2d(4), modulated)
