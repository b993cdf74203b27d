"""The values of single tensors of a checkpoint, mapped from its file, and hashes of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from parity.errors import RunFormatError
from parity.runs.archive import map_region, read_archive
from parity.runs.checkpoint import LEGACY, SAFETENSORS, open_safetensors, state_dict_of
from parity.runs.record import Checkpoint, TensorInfo
from parity.runs.tree import open_regular

# weights_only could be tricked into running code before this version (CVE-2025-32434).
_SAFE_TORCH = (2, 6)


def load_tensors(checkpoint: Checkpoint, keys: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors `keys` of the state dict, read from the file now. Raises RunFormatError."""
    wanted = list(keys)
    unknown = [key for key in wanted if key not in checkpoint.tensors]
    if unknown:
        raise RunFormatError(f"{checkpoint.path}: holds no tensor {unknown[0]!r}")
    if checkpoint.format == SAFETENSORS:
        with open_safetensors(checkpoint.path, "pt") as file:
            return {key: file.get_tensor(key) for key in wanted}
    if checkpoint.format == LEGACY:
        state = state_dict_of(_load_legacy(checkpoint.path), torch.Tensor)
        return {key: state[key] for key in wanted}
    return _load_zip(checkpoint, wanted)


def tensor_sha256(tensor: torch.Tensor) -> str:
    """Hash of dtype, shape and values; equal for equal tensors, however they are stored."""
    plain = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)}\n".encode())
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def legacy_entries(path: Path) -> Any:
    """The content of a file in torch's older format, tensors as TensorInfo. Raises RunFormatError.

    That format cannot be mapped and is read whole, by ``torch.load(weights_only=True)``.
    """
    return _described(_load_legacy(path), depth=3)


def _described(value: Any, depth: int) -> Any:
    if isinstance(value, torch.Tensor):
        return TensorInfo(tuple(value.shape), str(value.dtype).removeprefix("torch."))
    if isinstance(value, Mapping) and depth > 0:
        return {key: _described(item, depth - 1) for key, item in value.items()}
    return value


def _load_zip(checkpoint: Checkpoint, keys: list[str]) -> dict[str, torch.Tensor]:
    found = {}
    with open_regular(checkpoint.path) as stream:
        archive = read_archive(stream)
        for key in keys:
            info = checkpoint.tensors[key]
            try:
                found[key] = _read_tensor(info, stream, *archive.storage(info.storage))
            except (RunFormatError, ValueError, RuntimeError) as error:
                raise RunFormatError(f"{checkpoint.path}: {key}: {error}") from error
    return found


def _read_tensor(info: TensorInfo, stream: BinaryIO, start: int, length: int) -> torch.Tensor:
    """The tensor `info` over its storage, of which only the part it uses is read."""
    dtype: torch.dtype = getattr(torch, info.dtype)
    count = math.prod(info.shape)
    if count == 0:
        return torch.empty(info.shape, dtype=dtype)
    spans = zip(info.shape, info.stride, strict=True)
    used = 1 + sum((size - 1) * step for size, step in spans)
    if info.offset + used > length // dtype.itemsize or count > used:
        raise RunFormatError(f"shape {info.shape} does not fit its storage of {length} bytes")
    first = start + info.offset * dtype.itemsize
    region, at = map_region(stream, first, used * dtype.itemsize)
    with region:
        data = bytearray(memoryview(region)[at:])
    return torch.frombuffer(data, dtype=dtype).as_strided(info.shape, info.stride).clone()


def _load_legacy(path: Path) -> Any:
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
