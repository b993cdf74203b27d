"""What the diagnosis of a mistake that nobody knows costs: seconds and memory, step by step."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mistakes.candidates import records_of
from parity.check.summary import IsolatedRun
from parity.check.workers import in_processes
from parity.compare.tree import children
from parity.report.markup import grid
from parity.suspects.budget import SECONDS
from parity.suspects.catalogue import FAMILIES, suspects_of
from parity.suspects.failures import KEPT_FAILURES, known_mistake, size_of_held, worth_keeping

# Steps of a file that are measured.
TRIED = 2
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_ABOUT = f"""\
Of the {TRIED} steps of each file with the largest records, the one with the slower diagnosis: its
output is spoiled as no suspect does it, so that everything is tried, on at most {KEPT_FAILURES}
inputs, as a check keeps them.
**seconds**: until the answer, of which at most {SECONDS:g} may go into suspects; **CPU**: of this
process, less than the seconds where others are at work on the machine. **memory**: what the
diagnosis takes at most besides the records, which take what is said under **records**.
Linux only."""


@dataclass(frozen=True)
class Cost:
    """Of one diagnosis. memory, held: bytes."""

    family: str
    step: str
    records: int
    seconds: float
    processor: float
    memory: int
    held: int
    text: str


def costs(only: frozenset[str], *, live: bool, jobs: int) -> Iterator[Cost]:
    """The slowest diagnosis of each file of steps."""
    families = [family for family in FAMILIES if not only or family in only]
    yield from in_processes(partial(_slowest, live=live), families, jobs)


def _slowest(family: str, *, live: bool) -> Cost:
    held: dict[str, list[IsolatedRun]] = {}
    for _, step, expected in records_of(family, live):
        kept = held.setdefault(step.name, [])
        one = (step, expected, replace(expected, output=spoiled(expected.output)))
        if suspects_of(step) and not expected.error and worth_keeping(kept, one, KEPT_FAILURES):
            kept.append(one)
    largest = sorted(held, key=lambda step: -sum(map(size_of_held, held[step])))
    found = [_cost(family, step, held[step]) for step in largest[:TRIED] if held[step]]
    return max(found, key=lambda one: one.seconds)


def _cost(family: str, step: str, held: Sequence[IsolatedRun]) -> Cost:
    _CLEAR.write_text("5")  # the highest size so far counts from here
    before, wall, processor = _highest(), time.monotonic(), time.process_time()
    told = known_mistake(held)
    return Cost(
        family,
        step,
        len(held),
        time.monotonic() - wall,
        time.process_time() - processor,
        _highest() - before,
        sum(map(size_of_held, held)),
        told.text,
    )


def _highest() -> int:
    [line] = [one for one in _STATUS.read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def spoiled(value: Any) -> Any:
    """Every array of an output with its elements turned round and changed."""
    if isinstance(value, torch.Tensor):
        return _wrong(value)
    if isinstance(value, np.ndarray):
        return _wrong(torch.from_numpy(np.ascontiguousarray(value))).numpy()
    parts = children(value)
    if not parts or not (isinstance(value, (dict, list)) or is_dataclass(value)):
        return value
    changed = {key: spoiled(part) for key, part in parts.items()}
    if isinstance(value, list):
        return list(changed.values())
    copied: Any = value
    return changed if isinstance(value, dict) else replace(copied, **changed)


def _wrong(tensor: torch.Tensor) -> torch.Tensor:
    turned = tensor.reshape(-1).flip(0).reshape(tensor.shape)
    if tensor.dtype.is_floating_point:
        return (turned * 1.37 + 0.11).to(tensor.dtype)
    return ~turned if tensor.dtype == torch.bool else turned // 3 + 7


def render_costs(rows: Sequence[Cost], mode: str, made: date | None = None) -> str:
    """The table in Markdown."""
    day = "" if made is None else f"Run of {made.isoformat()}. "
    head = ("file", "step", "inputs", "seconds", "CPU", "memory", "records")
    cells = (
        (
            *(row.family, row.step, str(row.records), f"{row.seconds:.1f}", f"{row.processor:.1f}"),
            *(f"{row.memory / 1e6:.0f} MB", f"{row.held / 1e6:.1f} MB"),
        )
        for row in rows
    )
    return f"{_ABOUT}\n\n{day}Expected side: {mode}.\n\n{grid(head, cells, numbers=5)}"
