"""Formats of checkpoints, and where each keeps its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors

from parity.errors import RunFormatError
from parity.runs.record import TensorInfo

TORCH, LEGACY, SAFETENSORS = "torch", "torch legacy", "safetensors"


def nested(document: Any, *keys: str) -> Any:
    """The value at `keys`, one dict in the other; None when there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def state_dict_of(document: Any, kind: type = TensorInfo) -> Mapping[Any, Any]:
    """The state dict: nested by mmengine and most others, else the whole file.

    kind: what a tensor is represented by.
    """
    for key in ("state_dict", "model", None):
        found = document if key is None else nested(document, key)
        if isinstance(found, Mapping) and any(isinstance(v, kind) for v in found.values()):
            return found
    return {}


def open_safetensors(path: Path, framework: str) -> Any:
    """A file handle of the safetensors library. Raises RunFormatError."""
    try:
        return safetensors.safe_open(path, framework=framework)
    except (OSError, safetensors.SafetensorError) as error:
        raise RunFormatError(f"{path}: not a safetensors file: {error}") from error
