"""Checkpoints: equal to what torch loads, and inert whatever they contain."""

import contextlib
import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from parity.errors import RunFormatError
from parity.runs import pickle_values
from parity.runs.checkpoint import read_checkpoint
from parity.runs.formats import LEGACY, SAFETENSORS, TORCH
from parity.runs.pickles import read_pickle
from parity.runs.tensors import load_tensors
from tests.runs.builders import listed, write

# safetensors has no complex128.
DTYPES = [getattr(torch, name) for name in pickle_values.DTYPES if name != "complex128"]


def weights():
    generator = torch.Generator().manual_seed(0)
    state = OrderedDict()
    for dtype in DTYPES:
        state[f"x.{dtype}"] = torch.randint(0, 2, (3, 4), generator=generator).to(dtype)
    whole = torch.arange(24.0).reshape(4, 6)
    state["view"] = whole[1:3, ::2]
    state["transposed"] = whole.t()
    state["scalar"] = torch.tensor(5)
    state["empty"] = torch.zeros(0, 3)
    state["parameter"] = torch.nn.Parameter(torch.ones(2))
    return state


def document():
    return {
        "meta": {"iter": 8, "seed": 0, "cfg": "a = 1", "lr": np.float64(0.5), "odd": object},
        "state_dict": weights(),
        "optimizer": {
            "state": {0: {"exp_avg": torch.zeros(2)}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0]}],
        },
        "message_hub": {"history": np.arange(1000.0), "counts": [np.int64(3)]},
    }


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_torch_file_holds_what_torch_says(tmp_path, protocol):
    torch.save(document(), tmp_path / "a.pth", pickle_protocol=protocol)
    found = read_checkpoint(tmp_path / "a.pth")
    expected = weights()
    assert found.format == TORCH
    assert list(found.tensors) == list(expected)
    loaded = load_tensors(found, expected)
    for key, value in expected.items():
        assert found.tensors[key].shape == tuple(value.shape)
        assert f"torch.{found.tensors[key].dtype}" == str(value.dtype)
        assert loaded[key].dtype == value.dtype
        assert torch.equal(loaded[key], value.detach()), key
    assert (found.meta["iter"], found.meta["cfg"], found.meta["lr"]) == (8, "a = 1", 0.5)
    assert "odd" not in found.meta
    assert found.param_groups == ({"lr": 0.1, "betas": (0.9, 0.999), "params": [0]},)
    assert found.skipped == ()


def test_a_bare_state_dict(tmp_path):
    torch.save(weights(), tmp_path / "a.pth")
    assert read_checkpoint(tmp_path / "a.pth").inert == ()
    assert len(read_checkpoint(tmp_path / "a.pth").tensors) == len(weights())


def test_torch_loads_the_same_with_weights_only(tmp_path):
    torch.save(dict(weights()), tmp_path / "a.pth")
    expected = torch.load(tmp_path / "a.pth", weights_only=True, mmap=True, map_location="cpu")
    loaded = load_tensors(read_checkpoint(tmp_path / "a.pth"), expected)
    assert all(torch.equal(loaded[key], value) for key, value in expected.items())


def test_safetensors(tmp_path):
    state = {"a": torch.ones(2, 3), "b": torch.zeros(1).bfloat16()}
    save_file(state, tmp_path / "a.safetensors", metadata={"iter": "5"})
    found = read_checkpoint(tmp_path / "a.safetensors")
    assert (found.format, found.meta["iter"]) == (SAFETENSORS, "5")
    assert found.tensors["b"].dtype == "bfloat16"
    assert torch.equal(load_tensors(found, ["a"])["a"], state["a"])
    with pytest.raises(RunFormatError, match="not a safetensors file"):
        read_checkpoint(write(tmp_path / "b.safetensors", struct.pack("<Q", 1 << 60) + b"{}"))


def test_the_older_format(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"state_dict": weights()}, path, _use_new_zipfile_serialization=False)
    found = read_checkpoint(path)
    assert found.format == LEGACY
    loaded = load_tensors(found, found.tensors)
    for key, value in weights().items():
        assert f"torch.{found.tensors[key].dtype}" == str(value.dtype)
        assert torch.equal(loaded[key], value.detach()), key


class Runs:
    """Pickles as a call of os.system."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Imports:
    def __reduce__(self):
        return eval, ("__import__('os').mkdir('made')",)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])
def test_a_malicious_pickle_is_inert(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    data = {"state_dict": weights(), "meta": Runs("touch touched"), "x": Imports()}
    torch.save(data, path, _use_new_zipfile_serialization=zipped)
    found = read_checkpoint(path)
    assert len(found.tensors) == len(weights())
    assert len(load_tensors(found, found.tensors)) == len(weights())
    assert "posix.system" in found.inert or "nt.system" in found.inert
    assert any(name.endswith(".eval") for name in found.inert)
    assert listed(tmp_path) == ["evil.pth"]
    # The same file does run its commands when it is unpickled: the test tests something.
    torch.load(path, weights_only=False)
    assert listed(tmp_path) == ["evil.pth", "made", "touched"]


def unpickled(data):
    return read_pickle(io.BytesIO(data))[0]


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_what_pickle_says(protocol):
    value = {"a": [1, -5, 2**40, 1.5, None, True], "b": ("x", b"y", ()), 3: {"c": {1, 2}}}
    assert unpickled(pickle.dumps(value, protocol)) == value


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain, st.integers(0, 5))
def test_any_plain_value_is_what_pickle_says(value, protocol):
    assert unpickled(pickle.dumps(value, protocol)) == value


class Parts:
    def __init__(self):
        self.state = {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_objects_of_any_class_are_only_named(protocol):
    found, names = read_pickle(io.BytesIO(pickle.dumps({"x": Parts(), "y": 1}, protocol)))
    assert found["y"] == 1
    assert any("Parts" in name or "_reconstructor" in name for name in names)


HOSTILE = {
    "cut off": pickle.dumps([1, 2, 3])[:-3],
    "nothing": b"",
    "text": b"hello world",
    "underflow": b"\x80\x02R.",
    "no mark": b"\x80\x02t.",
    "huge memo index": b"\x80\x02Nr\xff\xff\xff\xff.",
    "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b".",
    "huge text": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b".",
    "odd pairs": b"\x80\x02}(K\x01u.",
    "extension": b"\x80\x02\x82\x01.",
    "global without a name": b"\x80\x02cos\n",
    "unhashable key": b"\x80\x02}]K\x01s.",
    "endless duplication": b"\x80\x02]" + b"2" * 100 + b".",
    "self": b"\x80\x02]q\x00h\x00a.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_gives_a_value_or_an_error_and_nothing_else(name):
    with contextlib.suppress(RunFormatError):
        unpickled(HOSTILE[name])


def archive(path, entries, *, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as out:
        for name, data in entries.items():
            out.writestr(name, data)
    return path


def test_a_compressed_archive_is_not_unpacked(tmp_path):
    entries = {"a/data.pkl": pickle.dumps({}), "a/data/0": b"\0" * (1 << 24)}
    path = archive(tmp_path / "bomb.pth", entries, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 16
    with pytest.raises(RunFormatError, match=r"compressed.*not unpacked"):
        read_checkpoint(path)


def test_entries_that_overlap_are_refused(tmp_path):
    path = archive(tmp_path / "a.pth", {"a/data.pkl": b"x" * 100, "a/data/0": b"y" * 100})
    data = bytearray(path.read_bytes())
    # Let the directory claim that both entries start where the first one does.
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    with pytest.raises(RunFormatError):
        read_checkpoint(write(path, bytes(data)))


def test_a_directory_of_billions_is_refused_before_it_is_listed(tmp_path):
    path = archive(tmp_path / "a.pth", {"a/data.pkl": b"x"})
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 1 << 30)
    with pytest.raises(RunFormatError, match="archive of"):
        read_checkpoint(write(path, bytes(data)))


def test_bytes_in_the_other_order_are_refused(tmp_path):
    torch.save(weights(), tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as given:
        entries = {name: given.read(name) for name in given.namelist()}
    order = next(name for name in entries if name.endswith("byteorder"))
    assert entries[order] == b"little"
    assert read_checkpoint(archive(tmp_path / "same.pth", entries)).tensors
    path = archive(tmp_path / "big.pth", entries | {order: b"big"})
    with pytest.raises(RunFormatError, match="big-endian"):
        read_checkpoint(path)


NO_CHECKPOINT = {"text": b"just text", "empty": b"", "zip": None, "half": "half"}


@pytest.mark.parametrize("name", NO_CHECKPOINT)
def test_what_is_no_checkpoint_says_so(tmp_path, name):
    path = tmp_path / "a.pth"
    if name == "zip":
        archive(path, {"readme.txt": b"x"})
    elif name == "half":
        torch.save(weights(), path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.write_bytes(NO_CHECKPOINT[name])
    with pytest.raises(RunFormatError, match=r"a\.pth"):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_a_torchscript_program_is_no_checkpoint(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "a.pth"))
    with pytest.raises(RunFormatError, match=r"TorchScript|compressed"):
        read_checkpoint(tmp_path / "a.pth")


def test_a_tensor_larger_than_its_storage_is_not_made(tmp_path):
    tensor = torch.zeros(1).expand(1 << 20, 1 << 20)
    torch.save({"a": tensor, "b": torch.ones(2)}, tmp_path / "a.pth")
    found = read_checkpoint(tmp_path / "a.pth")
    assert found.tensors["a"].shape == (1 << 20, 1 << 20)
    with pytest.raises(RunFormatError, match="does not fit its storage"):
        load_tensors(found, ["a"])
    with pytest.raises(RunFormatError, match="no tensor 'c'"):
        load_tensors(found, ["c"])


def test_values_that_are_no_plain_tensors_are_listed(tmp_path):
    sparse = torch.zeros(2, 2).to_sparse()
    torch.save({"a": torch.ones(2), "sparse": sparse, "n": 5}, tmp_path / "a.pth")
    assert read_checkpoint(tmp_path / "a.pth").skipped == ("sparse", "n")
