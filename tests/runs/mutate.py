"""Damaged inputs of every format that `read_run` reads, each told by its number alone.

The same number always gives the same bytes.
"""

import copy
import io
import json
import random
import struct
import zipfile
from collections import OrderedDict
from functools import cache
from pathlib import Path

import torch
import yaml
from safetensors.torch import save

from parity.runs.config import parse_config
from tests.runs.builders import (
    CONFIG,
    KERNEL,
    REVERTED,
    STAMP,
    environment,
    head,
    printed_config,
    train_line,
    train_record,
    val_lines,
    val_record,
    write,
    write_run,
)
from tests.runs.test_tensorboard import event, record, scalar

LOG = (
    environment()
    + printed_config()
    + REVERTED
    + f"{head()}Load checkpoint from iter_5.pth\n{head()}resumed epoch: 0, iter: 5\n"
    + f"{head()}Loaded 20210 images\n{head()}Saving checkpoint at 50 iterations\n"
    + train_line(50)
    + f"{KERNEL}\n"
    + val_lines()
    + "The model and loaded state dict do not match exactly\n\n"
    + "size mismatch for a.b: copying\nmissing keys in source state_dict: a, b\n"
)
RECORDS = "\n".join([train_record(50), val_record(50), train_record(100), val_record(100)])
OLD_RECORDS = "\n".join(
    [
        json.dumps({"env_info": "sys.platform: linux\nMMCV: 1.6.2", "seed": 0, "config": CONFIG}),
        json.dumps({"mode": "train", "epoch": 1, "iter": 50, "lr": 0.01, "loss": 2.5}),
        json.dumps({"mode": "val", "epoch": 1, "iter": 250, "mIoU": 0.3, "aAcc": 0.7}),
    ]
)
TABLE = {
    "run": {
        "framework": "x 1",
        "method": "FCN",
        "crop_size": [512, 512],
        "seed": 1,
        "world_size": 4,
        "signature": "mIoU|ss|whole|ignore=255|reduce0=y|orig-size",
    },
    "records": [{"step": 1, "loss": 2.0, "lr": 0.1}, {"step": 2, "mIoU": 40.0, "split": "val"}],
}
# What stands in for any value of a config, a record or a table.
ODD = [
    None,
    True,
    0,
    -1,
    5,
    10**30,
    -(10**18),
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "9" * 400,
    "../../etc/passwd",
    "\0\x1b[31m\n",
    [],
    [1],
    ["a", None],
    [[]],
    [[1, 2], [3]],
    {},
    {"type": 5},
    {"type": "X", "a": [1]},
    {"type": "SwinTransformer", "depths": {}, "embed_dims": [[1]]},
    [{"type": "RandomCrop", "crop_size": "x"}],
    [{"type": "LoadAnnotations", "reduce_zero_label": []}],
]
BOMB_SHARE = 0.03
JUNK = [b"9" * 5000, b"[" * 400, b"\n" * 99, b"\x80\x04", b"\xff" * 8, b"\0", b"{{", b"(", b"'"]


def archive_of(pickled):
    """A checkpoint of torch's format around the bytes of a pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        out.writestr("a/data.pkl", pickled)
    return stream.getvalue()


def called_again(name, argument, times):
    """A pickle that calls `name` so often on one argument, kept once."""
    module, _, function = name.rpartition(".")
    begin = b"\x80\x02" + argument + b"q\x000" + f"c{module}\n{function}\nq\x010](".encode()
    return begin + b"h\x01h\x00\x85R" * times + b"e."


def _text(length):
    return b"X" + struct.pack("<I", length) + b"x" * length


MANY = b"](" + b"K\x01" * 200_000 + b"e"
PAIRS = b"](" + b"K\x01K\x02\x86" * 60_000 + b"e"
# Found dangerous once: kept among the inputs for good.
BOMBS = {
    "config.py": [
        b"x = {{$A:" + b" " * 100_000,
        b"a = list(zip(*[range(200000)] * 1000))",
        b"L = list(range(200000))\na = [x for x in range(200000) if x in L]",
        b"a = round(5, -10**9)",
        b"\n".join([b"a = [0]", *[b"a = [a] * 10"] * 20]),
        b"a = dict(a=1)\n" + b"a = dict(a=a, b=a)\n" * 60,
        b"a = {i: 1 for i in range(90000)}\n" + b"a = dict(a=a)\n" * 90,
        b"a = dict(" + b", ".join(b"k%d=1" % i for i in range(60_000)) + b")",
        b"a = 0x" + b"f" * 20_000,
        b"_base_ = '" + b"x" * 300 + b"'",
        b"model = f()\ntrain_dataloader = g()\noptim_wrapper = <a.B object at 0x1>\n",
    ],
    "config.yaml": [
        b"a: !!bool maybe",
        b'a: !!int ""',
        b"a: !!timestamp foo",
        b"a: 1" + b":59" * 40_000,
        b"k0: &k0 {x: 1}\n"
        + b"".join(b"k%d: &k%d {<<: [*k%d, *k%d]}\n" % (i, i, i - 1, i - 1) for i in range(1, 29)),
        b"[" + b"0," * 500_000 + b"0]",
    ],
    "iter_200.pth": [
        archive_of(called_again("_codecs.encode", _text(1 << 20), 200_000)),
        archive_of(called_again("torch.Size", MANY, 100_000)),
        archive_of(called_again("collections.OrderedDict", PAIRS, 100_000)),
        archive_of(called_again("builtins.set", MANY, 100_000)),
        archive_of(b"\x80\x02" + b"}" * 990_000 + b"."),
    ],
    "run.json": [b"[" + b"[]," * 12_000_000 + b"0]", b"[" * 100_000, b'{"run": {"signature": 5}}'],
    "records.csv": [
        b"step," + b"a," * 100_000 + b"\n" + b"1\n" * 100_000,
        b"step,loss\n1," + b"9" * 5_000_000,
        b'step,loss\n1,"' + b"x\n" * 1_000_000,
        b"step,mIoU\n" + b"1,2\n" * 200_000,
    ],
    "console.txt": [
        b"The model and loaded state dict do not match exactly\n\n"
        + b"size mismatch for a.b: copying\n" * 150_000,
        b"2026/01/02 03:04:05 - mmengine - INFO - " * 20_000,
        b"{{" * 500_000,
    ],
}


def checkpoint(*, legacy=False):
    stream = io.BytesIO()
    state = OrderedDict(a=torch.ones(3, 4), b=torch.zeros(2, dtype=torch.int64))
    groups = [{"lr": 0.1, "params": [0]}]
    document = {
        "meta": {"iter": 200, "cfg": "a = 1", "experiment_name": "x"},
        "state_dict": state,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": groups},
    }
    torch.save(document, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


@cache
def originals():
    """Undamaged bytes by the file they are laid out as."""
    values = parse_config(CONFIG, file="c").values
    events = [event(n, scalar("loss", 1.0), scalar("mIoU", 40)) for n in (1, 2, 3)]
    return {
        f"{STAMP}/vis_data/config.py": CONFIG.encode(),
        f"{STAMP}/vis_data/config.json": json.dumps(values).encode(),
        f"{STAMP}/vis_data/config.yaml": yaml.dump(json.loads(json.dumps(values))).encode(),
        f"{STAMP}/{STAMP}.log": LOG.encode(),
        f"{STAMP}/vis_data/scalars.json": RECORDS.encode(),
        f"{STAMP}.log.json": OLD_RECORDS.encode(),
        "iter_200.pth": checkpoint(),
        "latest.pth": checkpoint(legacy=True),
        "best.safetensors": save({"a": torch.ones(2, 3), "b": torch.zeros(4)}, {"iter": "5"}),
        "events.out.tfevents.1": b"".join(map(record, events)),
        "records.csv": b"step,loss,mIoU,split\n1,2,,train\n2,,40,val\n3,1.5,,\n",
        "run.json": json.dumps(TABLE).encode(),
        "console.txt": (LOG + f"{KERNEL}\n" * 5 + "Traceback (most recent call last)\n").encode(),
        "last_checkpoint": b"/work/iter_200.pth",
    }


def write_input(number, folder):
    """Lay out input `number` below `folder`; give what `read_run` is to read."""
    rng = random.Random(number)
    if rng.random() < BOMB_SHARE:
        name = rng.choice(list(BOMBS))
        root = write_run(Path(folder) / "run")
        write(root / (f"{STAMP}/vis_data/{name}" if "config" in name else name), b"")
        write(next(root.rglob(name)), rng.choice(BOMBS[name]))
        return root
    file = rng.choice(list(originals()))
    data = originals()[file]
    structured = _structured(file, rng) if rng.random() < 0.6 else None
    if structured is not None:
        data = structured
    if structured is None or rng.random() < 0.2:
        data = _damaged(data, rng)
    if rng.random() < 0.5:  # by itself, so that nothing else makes up for it
        return write(Path(folder) / Path(file).name, data)
    root = write_run(Path(folder) / "run", log=REVERTED)
    write(root / file, data)
    for other in rng.sample(list(originals()), rng.choice([0, 0, 1, 3])):
        write(root / other, _damaged(originals()[other], rng))
    return root


def _damaged(data, rng):
    """Bytes cut, doubled, moved, replaced or flipped, up to five times."""
    for _ in range(rng.randint(1, 5)):
        at, end = sorted(rng.randint(0, len(data)) for _ in range(2))
        end = min(end, at + rng.choice([1, 8, 40, len(data)]))
        kind = rng.randrange(7)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:end] + data[at:end] * rng.choice([1, 2, 50]) + data[end:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            other = rng.choice(list(originals().values()))
            data = data[:at] + other[rng.randint(0, len(other)) :][:200] + data[end:]
        elif kind == 4:
            data = data[:at] + rng.choice(JUNK) + data[end:]
        elif kind == 5 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        else:
            data = _other_number(data, rng)
    return data


def _other_number(data, rng):
    digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return data
    at = rng.choice(digits)
    number = rng.choice([b"0", b"-1", b"1e999", b"9" * 30, b"9" * 6000, b"nan", b"4294967296"])
    return data[:at] + number + data[at + 1 :]


def _structured(file, rng):
    """Wrong values in a file that keeps its form; None for a format without values."""
    if file.endswith(".py"):
        return _config(rng).encode()
    if file.endswith("config.json"):
        return json.dumps(_odd(_values(), rng)).encode()
    if file.endswith(".yaml"):
        return yaml.dump(json.loads(json.dumps(_odd(_values(), rng)))).encode()
    if file == "run.json":
        return json.dumps(_odd(json.loads(json.dumps(TABLE)), rng)).encode()
    if file.endswith(".json"):
        lines = originals()[file].decode().split("\n")
        return "\n".join(json.dumps(_odd(json.loads(line), rng)) for line in lines).encode()
    if file.endswith(".csv"):
        return _csv(rng).encode()
    if file.endswith(".pth"):
        return _checkpoint(rng, legacy=file == "latest.pth")
    if file.endswith(".log"):
        return (environment() + printed_config(_config(rng)) + train_line(50)).encode()
    return None


def _values():
    return json.loads(json.dumps(parse_config(CONFIG, file="c").values))


def _config(rng):
    values = _odd(_values(), rng)
    lines = [f"{key} = {value!r}" for key, value in values.items() if key.isidentifier()]
    if rng.random() < 0.3:
        lines[rng.randrange(len(lines))] = rng.choice(["x = f(1)", "model = g.h", "y = lambda: 0"])
    return "\n".join(lines)


def _odd(document, rng):
    """`document` with odd values at up to four random places."""
    for _ in range(rng.randint(1, 4)):
        places = list(_places(document))
        if places:
            box, key = rng.choice(places)
            deep = copy.deepcopy(rng.choice(ODD))
            for _ in range(rng.choice([0, 0, 0, 0, 30, 150])):
                deep = [deep] if rng.random() < 0.5 else {"a": deep}
            box[key] = deep
    return document


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from _places(item)


def _csv(rng):
    names = rng.sample(["step", "loss", "lr", "mIoU", "mAcc", "split", "x", "iter", ""], 5)
    cells = [rng.choice(["1", "2.5", "nan", "x", "", "9" * 400, "-1", "val", '"', "1e999"])]
    rows = [[rng.choice([*cells, str(i)]) for _ in range(rng.randint(0, 7))] for i in range(20)]
    return "\n".join(",".join(row) for row in [names, *rows])


def _checkpoint(rng, *, legacy):
    key = rng.choice(["meta", "state_dict", "optimizer"])
    document = {
        "meta": {"iter": rng.choice(ODD), "experiment_name": rng.choice(ODD)},
        "state_dict": {"a": torch.ones(2), "b": rng.choice(ODD), rng.choice([1, "c", ()]): 2},
        "optimizer": {"param_groups": rng.choice([rng.choice(ODD), [{"lr": rng.choice(ODD)}]])},
    }
    if rng.random() < 0.5:
        document[key] = rng.choice(ODD)
    stream = io.BytesIO()
    torch.save(document, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()
