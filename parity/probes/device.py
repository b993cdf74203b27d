"""Move the tensors inside a value to another device."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch

from parity.errors import InputError
from parity.sample import Meta


def to_device(value: Any, device: str) -> Any:
    """`value` with every tensor in it on `device`; arrays and plain values stay as they are."""
    if device == "cpu" or isinstance(value, Meta):
        return value
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {key: to_device(item, device) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(to_device(item, device) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(to_device(item, device) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        moved = {item.name: to_device(getattr(value, item.name), device) for item in fields(value)}
        return replace(value, **moved)
    return value


def check_device(device: str) -> None:
    """Raise InputError when torch cannot use `device`."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used: {reason}; use cpu") from error
