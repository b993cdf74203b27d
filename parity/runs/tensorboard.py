"""The scalars of TensorBoard event files (``events.out.tfevents.*``), without TensorBoard.

Messages of tensorboard/compat/proto: Event {2: step, 5: summary}, Summary
{1: value}, Value {1: tag, 2: simple_value, 8: tensor}, TensorProto
{1: dtype, 4: tensor_content, 5: float_val, 6: double_val}. TFRecord: length
uint64, masked CRC-32C of it uint32, data, masked CRC-32C of the data uint32, all
little-endian. Protobuf: fields of a number and a wire type.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import numpy as np

from parity.errors import RunFormatError
from parity.runs.facts import Source, Unread
from parity.runs.log_data import MAX_EVALUATIONS, LogData
from parity.runs.record import Evaluation
from parity.runs.scalars import split_metrics

# Scalars take under 100 bytes; images and histograms are passed over unchecked.
MAX_RECORD = 1 << 14
_POLYNOMIAL = 0x82F63B78
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_ENTRIES = [_entry(byte) for byte in range(256)]
_TABLE = np.array(_ENTRIES, np.uint32)


def masked_crc32c(messages: Sequence[bytes]) -> list[int]:
    """TFRecord's checksum of each message; all must have one length."""
    data = np.frombuffer(b"".join(messages), np.uint8).reshape(len(messages), -1)
    crc = np.full(len(messages), 0xFFFFFFFF, np.uint32)
    for column in data.T:
        crc = _TABLE[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
    crc = ~crc
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    masked: list[int] = (rotated + np.uint32(0xA282EAD8)).tolist()
    return masked


def _masked_one(message: bytes) -> int:
    """The same for one short message."""
    crc = 0xFFFFFFFF
    for byte in message:
        crc = _ENTRIES[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(stream: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Position, data and stated checksum of each short record; long ones are passed over.

    Raises RunFormatError, after what could be read, where the framing breaks.
    """
    size = stream.seek(0, 2)
    position = stream.seek(0)
    while position < size:
        header = stream.read(12)
        length, stated = struct.unpack("<QI", header) if len(header) == 12 else (0, -1)
        if stated != _masked_one(header[:8]):
            raise RunFormatError(f"broken at byte {position}: a wrong length or checksum")
        if position + 16 + length > size:
            raise RunFormatError(f"cut off in the record at byte {position}")
        if length <= MAX_RECORD:
            data = stream.read(length)
            yield position, data, struct.unpack("<I", stream.read(4))[0]
        else:
            stream.seek(length + 4, 1)
        position += 16 + length


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, wire type and raw value of each field. Raises RunFormatError."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(data, at)
        else:
            if kind == BYTES:
                length, at = _varint(data, at)
            elif kind in {FIXED64, FIXED32}:
                length = 8 if kind == FIXED64 else 4
            else:
                raise RunFormatError(f"a field of unknown type {kind}")
            if at + length > len(data):
                raise RunFormatError("a field longer than its record")
            value, at = data[at : at + length], at + length
        yield number, kind, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise RunFormatError("a number without an end")


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
    place = Source(file)
    data.add_in_percent(Evaluation("val", s, found, place) for s, found in evaluated.items())
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
