"""Turn what torch refuses into an error that names the tensors it refused."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from torch import Tensor

from parity.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """`function` of tensors, raising InputError where torch raises its own errors.

    The message adds the shape and dtype of every tensor given, since torch
    names at most one of them.
    """
    names = tuple(signature(function).parameters)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
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
