"""Architectures read from the bytes of a compiled extension."""

import os
import struct
import time

import pytest

from parity.causes.cause import Unchecked
from parity.causes.extension import capability_of, read_architectures
from parity.errors import InputError

from .made import context, run, verdict_on

DEFORMABLE = {("model", "decode_head", "pixel_decoder"): {"type": "MSDeformAttnPixelDecoder"}}


def fat_binary(*entries):
    """A fat binary as nvcc embeds it. entries: kind (1 PTX, 2 machine code), architecture."""
    body = b""
    for kind, arch in entries:
        payload = b"\x7fELF" + bytes(60)
        header = struct.pack("<HHIQIIHHI", kind, 0x101, 64, len(payload), 0, 0, 0, 0, arch)
        body += header.ljust(64, b"\0") + payload
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body


def write(tmp_path, data, name="_ext.so"):
    path = tmp_path / name
    path.write_bytes(b"\x7fELF" + bytes(100) + data + bytes(50))
    return path


def test_machine_code_and_ptx_are_told_apart(tmp_path):
    found = read_architectures(write(tmp_path, fat_binary((2, 70), (2, 75), (1, 75))))
    assert (found.sm, found.ptx) == ({70, 75}, {75})
    assert str(found) == "sm_70, sm_75, compute_75"


@pytest.mark.parametrize(
    ("entries", "capability", "runs"),
    [
        (((2, 70),), 70, True),
        (((2, 80),), 86, True),  # same major, older minor
        (((2, 86),), 80, False),
        (((2, 70), (2, 75)), 86, False),
        (((1, 70),), 90, True),  # PTX is compiled when it is loaded
        (((1, 90),), 86, False),
        ((), 86, False),
    ],
)
def test_which_gpu_runs_it(tmp_path, entries, capability, runs):
    assert read_architectures(write(tmp_path, fat_binary(*entries))).runs_on(capability) is runs


def test_several_fat_binaries_in_one_file(tmp_path):
    data = fat_binary((2, 80)) + bytes(40) + fat_binary((2, 90))
    assert read_architectures(write(tmp_path, data)).sm == {80, 90}


def test_names_are_read_where_no_header_is(tmp_path):
    assert read_architectures(write(tmp_path, b"-arch sm_61 -code sm_61\0")).sm == {61}


HOSTILE = (
    struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 2**40) * 20_000
    + struct.pack("<HHIQIIHHI", 2, 0, 32, 0, 0, 0, 0, 0, 86) * 100_000
)
MALFORMED = {
    "magic alone": struct.pack("<I", 0xBA55ED50),
    "too long": struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 2**63),
    "another version": struct.pack("<IHHQ", 0xBA55ED50, 7, 0, 10) + bytes(200),
    "not entries": struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 999) + bytes(200),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_headers_end_the_reading(tmp_path, name):
    assert read_architectures(write(tmp_path, MALFORMED[name])).sm == set()


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.so"):
        read_architectures(tmp_path / "gone.so")
    (tmp_path / "empty.so").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.so"):
        read_architectures(tmp_path / "empty.so")


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("NVIDIA GeForce RTX 3090", 86),
        ("NVIDIA GeForce RTX 4090", 89),
        ("NVIDIA A100-SXM4-80GB", 80),
        ("NVIDIA A10", 86),
        ("NVIDIA H100 PCIe", 90),
        ("Tesla V100-SXM2-32GB", 70),
        ("NVIDIA GeForce RTX 2080 Ti", 75),
        ("NVIDIA GeForce GTX 1080 Ti", 61),
        ("Tesla P40", 61),
        ("Some Other Card", None),
    ],
)
def test_capabilities_by_name(name, capability):
    assert capability_of(name) == capability


def test_a_gpu_without_code_is_a_likely_cause(tmp_path):
    path = write(tmp_path, fat_binary((2, 70), (2, 75)))
    made = run(changes=DEFORMABLE, environment={"GPU 0": "NVIDIA GeForce RTX 3090"})
    found = verdict_on("dead-kernel", context(made, extensions=(path,)))
    assert found.confidence == "likely"
    assert "needs sm_86" in found.why
    assert "sm_70, sm_75" in found.why


def test_a_gpu_with_code_and_an_unknown_one_decide_nothing(tmp_path):
    path = write(tmp_path, fat_binary((2, 80)))
    for gpu in ("NVIDIA GeForce RTX 3090", "Some Other Card"):
        made = run(changes=DEFORMABLE, environment={"GPU 0": gpu})
        verdict_on("dead-kernel", context(made, extensions=(path,)), Unchecked)


def test_what_is_hostile_ends_soon(tmp_path):
    path = write(tmp_path, HOSTILE)
    start = time.process_time()
    assert read_architectures(path).sm in (set(), {86})
    assert time.process_time() - start < 10
    os.mkfifo(tmp_path / "pipe.so")
    with pytest.raises(InputError, match="regular file"):
        read_architectures(tmp_path / "pipe.so")


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_headers_are_found_wherever_the_pieces_of_the_file_end(tmp_path, cut):
    data = bytes((1 << 22) - 104 - cut) + fat_binary((2, 86)) + bytes(99)
    assert read_architectures(write(tmp_path, data)).sm == {86}
