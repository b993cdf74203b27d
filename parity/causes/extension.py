"""Which GPUs a compiled CUDA extension can run on, read from its bytes; nothing is loaded.

A shared object embeds "fat binaries": a header (magic 0xBA55ED50) and entries,
each machine code for one architecture (sm) or portable code (PTX, compute).
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from parity.errors import InputError

_MAGIC = struct.pack("<I", 0xBA55ED50)
_CONTAINER = struct.Struct("<IHHQ")  # magic, version, header size, size of all entries
_ENTRY = struct.Struct("<HHIQIIHHI")  # kind, _, header size, size, _, _, minor, major, arch
_PTX, _CUBIN = 1, 2
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
    """The architectures compiled into a shared object. Raises InputError."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as m:
            sm, ptx = _fat_binaries(m)
            sm |= {int(match[1]) for match in _NAMED.finditer(m)} if not sm and not ptx else set()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a compiled extension: {error}") from error
    return Architectures(path.name, frozenset(sm), frozenset(ptx))


def _fat_binaries(data: mmap.mmap) -> tuple[set[int], set[int]]:
    found: dict[int, set[int]] = {_PTX: set(), _CUBIN: set()}
    start = data.find(_MAGIC)
    while start >= 0:
        for kind, arch in _entries(data, start):
            found[kind].add(arch)
        start = data.find(_MAGIC, start + len(_MAGIC))
    return found[_CUBIN], found[_PTX]


def _entries(data: mmap.mmap, start: int) -> list[tuple[int, int]]:
    """Kind and architecture of each entry of one fat binary; none where it is malformed."""
    found: list[tuple[int, int]] = []
    if start + _CONTAINER.size > len(data):
        return found
    _, version, header, size = _CONTAINER.unpack_from(data, start)
    position, end = start + header, min(start + header + size, len(data))
    while version == 1 and position + _ENTRY.size <= end:
        kind, _, header, size, _, _, _, _, arch = _ENTRY.unpack_from(data, position)
        if kind not in (_PTX, _CUBIN) or not 20 <= arch < 1000 or header < _ENTRY.size:
            break
        found.append((kind, arch))
        position += header + size
    return found
