"""Just enough of two formats to read TensorBoard's scalars: TFRecord framing, protobuf fields.

TFRecord: length uint64, masked CRC-32C of it uint32, data, masked CRC-32C of
the data uint32, all little-endian. Protobuf: fields of a number and a wire type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from parity.errors import RunFormatError

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
