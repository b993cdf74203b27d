"""torch's checkpoint format from before 1.6, which only torch reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from parity.errors import RunFormatError
from parity.runs.record import TensorInfo

# weights_only could be tricked into running code before this version (CVE-2025-32434).
_SAFE_TORCH = (2, 6)


def legacy_entries(path: Path) -> Any:
    """The content of a file in torch's older format, tensors as TensorInfo. Raises RunFormatError.

    That format cannot be mapped and is read whole, by ``torch.load(weights_only=True)``.
    """
    return _described(load_legacy(path), depth=3)


def _described(value: Any, depth: int) -> Any:
    if isinstance(value, torch.Tensor):
        return TensorInfo(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    if isinstance(value, Mapping) and depth > 0:
        return {key: _described(item, depth - 1) for key, item in value.items()}
    return value


def load_legacy(path: Path) -> Any:
    """The whole content, read safely. Raises RunFormatError."""
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < _SAFE_TORCH:
        raise RunFormatError(
            f"{path}: in torch's format from before 1.6, which torch {torch.__version__} does not "
            "read safely; load it where you trust it and save it again"
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever torch raises on a file that may be hostile
        reason = str(error).partition("\n")[0][:200]
        raise RunFormatError(
            f"{path}: in torch's format from before 1.6 and not plain weights ({reason}); "
            "load it where you trust it and save its state dict again"
        ) from error
