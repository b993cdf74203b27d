"""TensorBoard event files, written here by hand."""

import io
import math
import struct

import pytest

from parity.runs.tensorboard import masked_crc32c, read_events


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, data):
    if isinstance(data, bytes):
        return varint(number << 3 | 2) + varint(len(data)) + data
    return varint(number << 3) + varint(data)


def scalar(tag, value, *, tensor=False):
    raw = struct.pack("<f", value)
    if tensor:
        return field(1, tag.encode()) + field(8, field(1, 1) + field(5, raw))
    return field(1, tag.encode()) + varint(2 << 3 | 5) + raw


def event(step, *values):
    return field(2, step) + b"".join(field(5, field(1, value)) for value in values)


def record(data):
    length = struct.pack("<Q", len(data))
    sums = [struct.pack("<I", masked_crc32c([part])[0]) for part in (length, data)]
    return length + sums[0] + data + sums[1]


def read(*events, damage=lambda data: data):
    start = record(field(3, b"brain.Event:2"))
    data = damage(start + b"".join(map(record, events)))
    return read_events(io.BytesIO(data), file="events")


def test_the_checksum_is_crc32c():
    # The check value of CRC-32C (Castagnoli), masked as TFRecord does.
    plain = 0xE3069283
    masked = (((plain >> 15) | (plain << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc32c([b"123456789"]) == [masked]
    assert masked_crc32c([b"ab", b"cd"]) == [masked_crc32c([b"ab"])[0], masked_crc32c([b"cd"])[0]]


@pytest.mark.parametrize("tensor", [False, True])
def test_scalars_make_curves_and_evaluations(tensor):
    data = read(
        event(50, scalar("train/loss", 1.5, tensor=tensor)),
        event(50, scalar("learning_rate", 0.25, tensor=tensor)),
        event(100, scalar("loss", math.nan, tensor=tensor)),
        event(100, scalar("val/mIoU", 44.5, tensor=tensor), scalar("mAcc", 50, tensor=tensor)),
    )
    curves = data.points.curves()
    assert curves["loss"].steps.tolist() == [50, 100]
    assert math.isnan(curves["loss"].values[1])
    assert curves["lr"].values.tolist() == [0.25]
    (evaluation,) = data.evaluations
    assert (evaluation.step, evaluation.metrics) == (100, {"mIoU": 44.5, "mAcc": 50})
    assert data.unread == []


def test_fractions_become_percent():
    assert read(event(1, scalar("val/mIoU", 0.5))).evaluations[0].metrics["mIoU"] == 50


def test_a_flipped_bit_is_found_and_the_rest_is_read():
    def flip(data):
        changed = bytearray(data)
        changed[-8] ^= 1
        return bytes(changed)

    data = read(event(1, scalar("loss", 1)), event(2, scalar("loss", 2)), damage=flip)
    assert data.points.curves()["loss"].steps.tolist() == [1]
    assert data.unread[0].count == 1


@pytest.mark.parametrize("length", [1, 5, 20])
def test_a_cut_file_says_so(length):
    data = read(
        event(1, scalar("loss", 1)), event(2, scalar("loss", 2)), damage=lambda d: d[:-length]
    )
    assert data.points.curves()["loss"].steps.tolist() == [1]
    assert "cut off" in data.unread[0].reason


def test_a_wrong_length_stops_the_reading():
    data = read(event(1, scalar("loss", 1)), damage=lambda d: d + b"\xff" * 50)
    assert len(data.points) == 1
    assert "broken at byte" in data.unread[0].reason


def test_images_are_passed_over():
    data = read(event(1, b"x" * 100_000), event(2, scalar("loss", 2)))
    assert data.points.curves()["loss"].steps.tolist() == [2]
    assert data.unread == []


@pytest.mark.parametrize("content", [b"\xff" * 20, b"\x12\xff", b"\x2a\x04\x0a\x7f\x00\x00", b""])
def test_a_record_of_something_else_is_counted_or_ignored(content):
    data = read(content, event(2, scalar("loss", 2)))
    assert data.points.curves()["loss"].steps.tolist() == [2]
