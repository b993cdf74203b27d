"""Reading checkpoints that mmengine wrote, without running what is in them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def mmengine_checkpoints() -> Iterator[None]:
    """torch reads what mmengine 0.10.7 saves: weights, plain values, and its log buffers.

    torch 2.6 and later refuse the last. They are allowed by name, and so is looking up one
    of their own methods; nothing else is called.
    """
    import numpy as np
    from mmengine.logging import HistoryBuffer

    numbers = [type(np.dtype(kind)) for kind in ("float32", "float64", "int64", "int32", "uint8")]
    rebuilt = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    method = (_method_of(HistoryBuffer), "builtins.getattr")
    allowed: list[Any] = [HistoryBuffer, rebuilt, scalar, np.ndarray, np.dtype, method, *numbers]
    with torch.serialization.safe_globals(allowed):
        yield


def _method_of(owner: type) -> Callable[[Any, str], Any]:
    def method(of: Any, name: str) -> Any:
        if of is not owner or name.startswith("_"):
            raise ValueError(f"a checkpoint asks for {name!r} of something else than a log buffer")
        return getattr(of, name)

    return method
