"""Turn what torch refuses into an error that names the tensors it refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from torch import Tensor

from parity.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """`function` of ``(pred, label, ...)``, raising InputError where torch raises its own errors.

    The message adds the shape and dtype of every tensor given, since torch
    names at most one of them.
    """

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {**dict(zip(("pred", "label"), args, strict=False)), **kwargs}
        for name in ("pred", "label"):
            if name in given and not isinstance(value := given[name], Tensor):
                raise InputError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
        try:
            return function(*args, **kwargs)
        except (IndexError, RuntimeError, ValueError) as error:
            message = f"{function.__name__}: {error}; given {_described(given)}"
            raise InputError(message) from error

    return checked


def _described(named: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
        for name, value in named.items()
        if isinstance(value, Tensor)
    )
