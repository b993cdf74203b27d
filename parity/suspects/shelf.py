"""Large tensors in files that are mapped: they take memory only while they are read."""

import mmap
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any
from weakref import WeakSet

import torch

from parity.compare.tree import children

# Bytes from which on a tensor is worth a file.
LARGE = 2**24
_MAPS: WeakSet[mmap.mmap] = WeakSet()


def shelve(*values: Any) -> None:
    """Move the storage of every large tensor in `values` into a file without a name.

    The tensors stay the same objects; what is written to them stays out of the file.
    """
    for value in values:
        for tensor in _large(value):
            shelf = _mapped(tensor)
            flat = torch.frombuffer(shelf, dtype=tensor.dtype, count=tensor.numel())
            tensor.data = flat.reshape(tensor.shape)
            _MAPS.add(shelf)


def let_go() -> None:
    """Free the memory that reading them took; it is read again where it is needed."""
    for shelf in list(_MAPS):
        if hasattr(shelf, "madvise"):  # not on Windows
            shelf.madvise(mmap.MADV_DONTNEED)


def _large(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        plain = value.layout == torch.strided and value.device.type == "cpu"
        if plain and value.is_contiguous() and value.nbytes >= LARGE:
            yield value
        return
    for part in (children(value) or {}).values():
        yield from _large(part)


def _mapped(tensor: torch.Tensor) -> mmap.mmap:
    with TemporaryFile() as file:
        tensor.detach().reshape(-1).view(torch.uint8).numpy().tofile(file)
        file.flush()
        return mmap.mmap(file.fileno(), tensor.nbytes, access=mmap.ACCESS_COPY)
