"""The scalars of TensorBoard event files (``events.out.tfevents.*``), without TensorBoard.

Messages of tensorboard/compat/proto: Event {2: step, 5: summary}, Summary
{1: value}, Value {1: tag, 2: simple_value, 8: tensor}, TensorProto
{1: dtype, 4: tensor_content, 5: float_val, 6: double_val}.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from parity.errors import RunFormatError
from parity.runs.facts import Source, Unread
from parity.runs.log_data import MAX_EVALUATIONS, LogData
from parity.runs.protobuf import BYTES, FIXED32, VARINT, fields, masked_crc32c, records
from parity.runs.record import Evaluation
from parity.runs.scalars import percent_scale, split_metrics

_BATCH = 4096
_FLOAT, _DOUBLE = 1, 2


def read_events(stream: BinaryIO, *, file: str) -> LogData:
    """The scalars of one event file; damaged records are counted in `unread`.

    Values of ``mIoU`` and the like make evaluations; a step's values arrive in
    separate records and are put together.
    """
    data, events = LogData(file), _Events(stream)
    evaluated: dict[int, dict[str, float]] = {}
    for step, name, value in events.scalars():
        metrics, _ = split_metrics([(name, value)])
        if metrics:
            if step in evaluated or len(evaluated) <= MAX_EVALUATIONS:
                evaluated.setdefault(step, {}).update(metrics)
        else:
            data.points.add(step, 0, [(name, value)])
    if events.end:
        data.unread.append(Unread(file, events.end))
    if events.broken:
        reason = "records with a wrong checksum or content"
        data.unread.append(Unread(file, reason, count=events.broken))
    scale = percent_scale([value for found in evaluated.values() for value in found.values()])
    for step, found in evaluated.items():
        percent = {name: value * scale for name, value in found.items()}
        data.add_evaluation(Evaluation("val", step, percent, Source(file), scale=scale))
    return data.finish()


class _Events:
    """Reads on past damaged records. broken: how many. end: why reading stopped early, else ""."""

    def __init__(self, stream: BinaryIO) -> None:
        self._records = records(stream)
        self.broken = 0
        self.end = ""

    def scalars(self) -> Iterator[tuple[int, str, float]]:
        """Step, tag and value of each scalar."""
        while batch := self._batch():
            intact = _intact(batch)
            self.broken += len(batch) - len(intact)
            for record in intact:
                try:
                    step, found = _scalars(record)
                except RunFormatError:
                    self.broken += 1
                    continue
                yield from ((step, tag, value) for tag, value in found)

    def _batch(self) -> list[tuple[bytes, int]]:
        """Some more records with their checksums; empty at the end."""
        found: list[tuple[bytes, int]] = []
        try:
            found.extend((data, stated) for _, data, stated in islice(self._records, _BATCH))
        except RunFormatError as error:
            self.end = str(error)
        return found


def _intact(batch: list[tuple[bytes, int]]) -> list[bytes]:
    """The records whose checksum is right, in order."""
    by_length: dict[int, list[int]] = {}
    for index, (data, _) in enumerate(batch):
        by_length.setdefault(len(data), []).append(index)
    right = [False] * len(batch)
    for indexes in by_length.values():
        sums = masked_crc32c([batch[index][0] for index in indexes])
        for index, found in zip(indexes, sums, strict=True):
            right[index] = found == batch[index][1]
    return [data for (data, _), intact in zip(batch, right, strict=True) if intact]


def _scalars(event: bytes) -> tuple[int, list[tuple[str, float]]]:
    """Step and scalars of one Event message. Raises RunFormatError."""
    step, found = 0, []
    for number, kind, value in fields(event):
        if number == 2 and kind == VARINT and isinstance(value, int):
            step = value if value < 1 << 63 else 0
        elif number == 5 and kind == BYTES and isinstance(value, bytes):
            found += [
                _value(item)
                for index, _, item in fields(value)
                if index == 1 and isinstance(item, bytes)
            ]
    return step, [(tag, number) for tag, number in found if tag and number is not None]


def _value(message: bytes) -> tuple[str, float | None]:
    tag, found = "", None
    for number, kind, value in fields(message):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif number == 2 and kind == FIXED32 and isinstance(value, bytes):
            found = struct.unpack("<f", value)[0]
        elif number == 8 and isinstance(value, bytes):
            found = _tensor(value)
    return tag, found


def _tensor(message: bytes) -> float | None:
    """The number in a TensorProto that holds one float or double."""
    parts = {number: value for number, _, value in fields(message)}
    code = {_FLOAT: "<f", _DOUBLE: "<d"}.get(int(parts.get(1, 0) or 0)) if 1 in parts else None
    if code is None:
        return None
    for number in (4, 5, 6):
        raw = parts.get(number)
        if isinstance(raw, bytes) and len(raw) == struct.calcsize(code):
            return float(struct.unpack(code, raw)[0])
    return None
