"""Turn what torch refuses into an error that names the tensors it refused."""

from __future__ import annotations

from collections.abc import Callable
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
        for name, value in zip(("pred", "label"), args, strict=False):
            if not isinstance(value, Tensor):
                raise InputError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
        try:
            return function(*args, **kwargs)
        except (IndexError, RuntimeError, ValueError) as error:
            message = f"{function.__name__}: {error}; given {_described(args, kwargs)}"
            raise InputError(message) from error

    return checked


def _described(args: tuple[object, ...], kwargs: dict[str, Any]) -> str:
    named = {"pred": args[0], **dict(zip(["label"], args[1:], strict=False)), **kwargs}
    return ", ".join(
        f"{name} {str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
        for name, value in named.items()
        if isinstance(value, Tensor)
    )
