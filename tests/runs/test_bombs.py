"""Files made to take all memory or time, or to end the process: refused by what they would cost."""

import contextlib
import io
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from parity.errors import RunFormatError
from parity.runs import read_run
from parity.runs.pickle_values import Opaque
from parity.runs.pickles import read_pickle
from tests.runs.builders import (
    STAMP,
    memory,
    printed_config,
    write,
    write_run,
)
from tests.runs.mutate import BOMBS, MANY, PAIRS, called_again


@pytest.fixture
def bounded():
    """Under 10 s and 1 GiB, or the test fails."""
    start = time.process_time()
    with memory(1 << 30):
        yield
    assert time.process_time() - start < 10


BOMB_IDS = [(name, index) for name, bombs in BOMBS.items() for index in range(len(bombs))]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(("name", "index"), BOMB_IDS)
def test_what_was_dangerous_once_costs_its_own_file_only(tmp_path, name, index):
    root = write_run(tmp_path)
    place = f"{STAMP}/vis_data/{name}" if "config" in name else name
    write(root / place, BOMBS[name][index])
    run = read_run(root)
    assert run.last.value == 44.0
    assert not any("MemoryError" in item.reason for item in run.unread)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("_codecs.encode", b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20)),
        ("numpy.dtype", b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20)),
        ("torch.Size", MANY),
        ("builtins.set", MANY),
        ("collections.OrderedDict", PAIRS),
    ],
)
def test_calls_on_one_argument_are_charged_before_they_are_made(function, argument):
    with pytest.raises(RunFormatError) as caught:
        raise_unless_charged(called_again(function, argument, 240_000))
    assert not isinstance(caught.value.__cause__, MemoryError)


def raise_unless_charged(data):
    """Calls that are free, since nothing is made of such arguments, count as refused."""
    value, _ = read_pickle(io.BytesIO(data))
    assert all(isinstance(item, Opaque) for item in value)
    raise RunFormatError("opaque")


@pytest.mark.usefixtures("bounded")
def test_a_tensor_of_a_million_dimensions_is_not_made():
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000tQq\x020"
    call = b"h\x01(h\x02K\x00h\x00h\x00tR"
    begin = b"\x80\x02" + MANY + b"q\x000ctorch._utils\n_rebuild_tensor_v2\nq\x010" + storage
    with pytest.raises(RunFormatError):
        raise_unless_charged(begin + b"](" + call * 120_000 + b"e.")


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("huge", ["memo", "key", "number", "name", "equal keys"])
def test_pickles_cannot_make_dicts_slow_or_names_long(huge):
    text = b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20)
    number = b"\x8b" + struct.pack("<I", 1 << 20) + b"\x01" * (1 << 20)
    data = {
        "memo": b"\x80\x02N" + b"".join(b"p%d\n" % (i * (2**61 - 1)) for i in range(1, 50_000)),
        "key": b"\x80\x02}("
        + b"".join(b"L%dL\nN" % (i * (2**61 - 1)) for i in range(1, 50_000))
        + b"u",
        "number": b"\x80\x02" + number,
        "name": b"\x80\x02" + text + b"q\x000](" + b"h\x00h\x00\x93" * 100_000 + b"e",
        "equal keys": b"\x80\x02"
        + text
        + b"q\x000"
        + text
        + b"q\x010}("
        + b"h\x00Nh\x01N" * 300_000
        + b"u",
    }[huge]
    with contextlib.suppress(RunFormatError):
        value, _ = read_pickle(io.BytesIO(data + b"."))
        assert not isinstance(value, int)


def test_a_checkpoint_cut_off_while_it_is_read_is_an_answer(tmp_path):
    """A map of such a file would kill the process (SIGBUS), so it runs in one of its own."""
    torch.save({"state_dict": {"a": torch.ones(1 << 20)}}, tmp_path / "a.pth")
    state = {"a": torch.ones(1 << 20)}
    torch.save(state, tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "c.safetensors")
    code = """
import os, sys
from pathlib import Path
from parity.causes.extension import read_architectures
from parity.errors import RunFormatError
from parity.runs import checkpoint, tensors
for name in ("a.pth", "b.pth", "c.safetensors"):
    path = Path(sys.argv[1], name)
    found = checkpoint.read_checkpoint(path)
    places = tensors._places
    def cut(checkpoint, stream):
        made = places(checkpoint, stream)
        os.truncate(path, 2000)
        return made
    tensors._places = cut
    try:
        tensors.load_tensors(found, ["a"])
    except RunFormatError as error:
        print(error)
    tensors._places = places
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("cut off") + done.stdout.count("does not fit") == 3
    for module in ("runs/tensors", "runs/formats", "causes/extension"):
        assert "mmap" not in Path(f"parity/{module}.py").read_text()


@pytest.mark.usefixtures("bounded")
def test_the_configs_of_all_starts_may_cost_no_more_than_one(tmp_path):
    bomb = BOMBS["config.py"][4].decode()
    for index in range(30):
        stamp = f"20260102_0304{index:02d}"
        write(tmp_path / stamp / f"{stamp}.log", printed_config(f"{bomb}\nb = {index}"))
        write(tmp_path / stamp / "vis_data/config.py", f"{bomb}\nc = {index}")
    write_run(tmp_path)
    assert read_run(tmp_path).last.value == 44.0
