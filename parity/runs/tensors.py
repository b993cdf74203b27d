"""The values of single tensors of a checkpoint, mapped from its file, and hashes of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import BinaryIO

import torch

from parity.errors import RunFormatError
from parity.runs.archive import map_region, read_archive
from parity.runs.formats import LEGACY, SAFETENSORS, open_safetensors, state_dict_of
from parity.runs.legacy import load_legacy
from parity.runs.record import Checkpoint, TensorInfo
from parity.runs.tree import open_regular


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
        state = state_dict_of(load_legacy(checkpoint.path), torch.Tensor)
        return {key: state[key] for key in wanted}
    return _load_zip(checkpoint, wanted)


def tensor_sha256(tensor: torch.Tensor) -> str:
    """Hash of dtype, shape and values; equal for equal tensors, however they are stored."""
    plain = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{plain.dtype} {tuple(plain.shape)}\n".encode())
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


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
