"""Which GPUs a compiled CUDA extension can run on, read from its bytes; nothing is loaded.

A shared object embeds "fat binaries": a header (magic 0xBA55ED50) and entries,
each machine code for one architecture (sm) or portable code (PTX, compute).
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from parity.errors import InputError
from parity.runs.tree import open_regular

_MAGIC = struct.pack("<I", 0xBA55ED50)
_CONTAINER = struct.Struct("<IHHQ")  # magic, version, header size, size of all entries
_ENTRY = struct.Struct("<HHIQIIHHI")  # kind, _, header size, size, _, _, minor, major, arch
_PTX, _CUBIN = 1, 2
MAX_ENTRIES = 100_000
_BLOCK, _OVERLAP = 1 << 22, 64
_NAMED = re.compile(rb"\bsm_(\d{2,3})[af]?\b")
# Compute capability by name, most specific first (https://developer.nvidia.com/cuda-gpus).
_CAPABILITIES = (
    (r"\bB200\b|\bGB200\b", 100),
    (r"RTX 50\d\d|RTX PRO \d+ Blackwell", 120),
    (r"\bH100\b|\bH200\b|\bGH200\b|\bH800\b|\bH20\b", 90),
    (r"RTX 40\d\d|\bL4\b|\bL40S?\b|RTX \d+ Ada", 89),
    (r"RTX 30\d\d|RTX A\d000|\bA10G?\b|\bA16\b|\bA40\b|\bA2\b", 86),
    (r"\bA100\b|\bA800\b|\bA30\b", 80),
    (r"RTX 20\d\d|TITAN RTX|GTX 16\d\d|\bT4\b|Quadro RTX", 75),
    (r"\bV100\b|TITAN V\b", 70),
    (r"GTX 10\d\d|TITAN Xp?\b|\bP40\b|\bP4\b", 61),
    (r"\bP100\b", 60),
)


@dataclass(frozen=True)
class Architectures:
    """What is compiled in: machine code for `sm`, portable code for `ptx`, e.g. 86."""

    file: str
    sm: frozenset[int]
    ptx: frozenset[int]

    def runs_on(self, capability: int) -> bool:
        """Whether a GPU of this capability finds code: same major and no newer, or PTX."""
        exact = any(c // 10 == capability // 10 and c <= capability for c in self.sm)
        return exact or any(c <= capability for c in self.ptx)

    def __str__(self) -> str:
        names = [f"sm_{c}" for c in sorted(self.sm)] + [f"compute_{c}" for c in sorted(self.ptx)]
        return ", ".join(names) or "none"


def capability_of(name: str) -> int | None:
    """The compute capability of a GPU by its marketing name, e.g. 86; None when not known."""
    return next((value for pattern, value in _CAPABILITIES if re.search(pattern, name)), None)


def read_architectures(path: Path) -> Architectures:
    """The architectures compiled into a shared object. Raises InputError.

    Read in pieces, not mapped: of a file that is cut off meanwhile, a map kills the process.
    """
    found: dict[int, set[int]] = {_PTX: set(), _CUBIN: set()}
    named: set[int] = set()
    try:
        with open_regular(path) as stream:
            size = stream.seek(0, 2)
            if not size:
                raise InputError(f"{path}: cannot be read as a compiled extension: empty")
            for kind, arch in _entries(stream, size, named):
                found[kind].add(arch)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a compiled extension: {error}") from error
    sm, ptx = found[_CUBIN], found[_PTX]
    return Architectures(path.name, frozenset(sm or (set() if ptx else named)), frozenset(ptx))


def _entries(stream: BinaryIO, size: int, named: set[int]) -> Iterator[tuple[int, int]]:
    """Kind and architecture of each entry of all fat binaries; `named` takes names in the text."""
    left = MAX_ENTRIES
    for start, block in _blocks(stream):
        named |= {int(match[1]) for match in _NAMED.finditer(block)}
        at = block.find(_MAGIC)
        while at >= 0:
            for entry in islice(_of_binary(stream, start + at, size), left):
                left -= 1
                yield entry
            at = block.find(_MAGIC, at + len(_MAGIC))


def _blocks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Where each piece starts, and its bytes; pieces overlap, so that nothing is cut in two."""
    start = 0
    while True:
        stream.seek(start)
        block = stream.read(_BLOCK + _OVERLAP)
        yield start, block
        if len(block) < _BLOCK + _OVERLAP:
            return
        start += _BLOCK


def _of_binary(stream: BinaryIO, start: int, size: int) -> Iterator[tuple[int, int]]:
    """The entries of one fat binary; none from where it is malformed."""
    head = _read_at(stream, start, _CONTAINER.size)
    if len(head) < _CONTAINER.size:
        return
    _, version, header, length = _CONTAINER.unpack(head)
    position, end = start + header, min(start + header + length, size)
    while version == 1 and position + _ENTRY.size <= end:
        raw = _read_at(stream, position, _ENTRY.size)
        if len(raw) < _ENTRY.size:
            return
        kind, _, header, length, _, _, _, _, arch = _ENTRY.unpack(raw)
        if kind not in (_PTX, _CUBIN) or not 20 <= arch < 1000 or header < _ENTRY.size:
            return
        yield kind, arch
        position += header + length


def _read_at(stream: BinaryIO, position: int, length: int) -> bytes:
    stream.seek(position)
    return stream.read(length)
