"""Runs of other programs: what a reader of theirs gives, and what all readers need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.errors import RunFormatError
from parity.runs.curves import number
from parity.runs.facts import Fact, Source
from parity.runs.log_data import LogData, percent_scale
from parity.runs.reading import Reading
from parity.runs.record import ClassScore, Evaluation
from parity.runs.scalars import score_name

SNIFFED_BYTES = 1 << 16


@dataclass
class Foreign:
    """A run of another program.

    starts: what each start of it logged, in time order, the most exact source
    first. stated: facts by the name of the setting. files: those the reader took.
    """

    starts: list[list[LogData]]
    stated: dict[str, Fact[Any]] = field(default_factory=dict)
    files: frozenset[str] = frozenset()

    def state(self, name: str, value: Any, source: Source | None, note: str = "") -> None:
        """Set the setting `name`, unless it is not known or set already."""
        if value is not None and name not in self.stated:
            self.stated[name] = Fact(value, source, note)


def head(reading: Reading, file: str) -> bytes:
    """The beginning of `file`; b"" when it cannot be read."""
    try:
        with reading.tree.open(file) as stream:
            return stream.read(SNIFFED_BYTES)
    except (RunFormatError, OSError):
        return b""


@dataclass
class Scores:
    """Values of one evaluation: metrics by mmseg's names, and the scores of single classes."""

    metrics: dict[str, float] = field(default_factory=dict)
    iou: dict[str, float] = field(default_factory=dict)
    acc: dict[str, float] = field(default_factory=dict)

    def evaluation(
        self, split: str, step: int | None, source: Source, scale: float | None = None
    ) -> Evaluation:
        """In percent. scale: to multiply with, by default 100 where all metrics are fractions."""
        factor = percent_scale(self.metrics.values()) if scale is None else scale
        names, nan = dict.fromkeys((*self.iou, *self.acc)), float("nan")
        rows = tuple(ClassScore(n, self.iou.get(n, nan), self.acc.get(n, nan)) for n in names)
        return Evaluation(split, step, self.metrics, source, classes=rows).times(factor)


def metrics_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The segmentation metrics among the values of `record`."""
    found: dict[str, float] = {}
    for written, value in record.items():
        name, read = score_name(written), number(value)
        if name is not None and read is not None:
            found.setdefault(name, read)
    return found


def plain_list(value: object) -> Sequence[Any]:
    """`value` where it is a list, else nothing."""
    return value if isinstance(value, (list, tuple)) else ()
