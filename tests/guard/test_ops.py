"""mmcv's ops, planted wrong, dead and right; the program that says which, as one file."""

import ast
import json
import os
import subprocess
import sys
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from parity.cli import app
from parity.guard import ops
from parity.guard.doctor import Extension
from parity.guard.ops import OPS, Machine, Measured, OpResult, exit_code, judge, render_text
from parity.guard.script import one_file

from .made import imported

# The ops of a fake mmcv; `PLANT` says what is done to each.
FAKE = """
import ctypes, os, time, torch
from torch.nn.functional import conv2d, grid_sample

C = ctypes.CDLL(None)
LAUNCH = (
    b"error in ms_deformable_im2col_cuda: "
    b"no kernel image is available for execution on the device\\n"
)
PLANT = {plant!r}

def planted(name, output):
    how = PLANT.get(name, "right")
    if how == "dead":
        C.printf(LAUNCH)
        return output * 0
    if how == "crash":
        C.printf(b"CUDA error: an illegal memory access was encountered\\n")
        C.raise_(11) if hasattr(C, "raise_") else C.strlen(None)
    if how == "hang":
        time.sleep(600)
    if how == "raise":
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")
    if how == "no kernel":
        raise RuntimeError(name + ": implementation for device cpu not found.")
    if how == "off":
        return output * 1.001
    if how == "no gradient":
        return output.detach() + 0 * output
    if how == "prints":
        C.printf(LAUNCH)
    if how == "nan":
        return output / 0
    return output

def point_sample(image, points):
    read = grid_sample(image, 2 * points[:, :, None] - 1, align_corners=False)
    return planted("point_sample", read.squeeze(3))

class PSAMask:
    def __init__(self, kind, size):
        self.collect, self.size = kind == "collect", size

    def __call__(self, x):
        n, _, h, w = x.shape
        out = x.new_zeros(n, h * w, h, w)
        for i in range(h):
            for j in range(w):
                for k in range(h):
                    for m in range(w):
                        a, b = k - i + self.size[0] // 2, m - j + self.size[1] // 2
                        if 0 <= a < self.size[0] and 0 <= b < self.size[1]:
                            here, there = i * w + j, k * w + m
                            score = x[:, a * self.size[1] + b, i, j]
                            if self.collect:
                                out[:, there, i, j] = score
                            else:
                                out[:, here, k, m] = score
        return planted("PSAMask", out)

class Scale(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.0))

class CrissCrossAttention(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query_conv = torch.nn.Conv2d(width, width // 8, 1)
        self.key_conv = torch.nn.Conv2d(width, width // 8, 1)
        self.value_conv = torch.nn.Conv2d(width, width, 1)
        self.gamma = Scale()

    def forward(self, x):
        query, key, value = (
            conv2d(x, c.weight, c.bias) for c in (self.query_conv, self.key_conv, self.value_conv)
        )
        h = x.shape[2]
        column = torch.einsum("bchw,bciw->bhwi", query, key)
        column = column - 1e30 * torch.eye(h)[:, None]
        row = torch.einsum("bchw,bchj->bhwj", query, key)
        share = torch.cat([column, row], -1).softmax(-1)
        out = torch.einsum("bciw,bhwi->bchw", value, share[..., :h])
        out = out + torch.einsum("bchj,bhwj->bchw", value, share[..., h:])
        return planted("CrissCrossAttention", self.gamma.scale * out + x)
"""
DEFORM_ATTN = """
from mmcv.ops import planted
from parity.steps.deform_attn import multi_scale_deformable_attention

def multi_scale_deformable_attn_pytorch(*inputs):
    return planted("ms_deform_attn", multi_scale_deformable_attention(*inputs))
"""


def answered(script, *arguments, paths):
    """What the one file says, written to `script`, with packages from `paths`."""
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(one_file(Path(ops.__file__)))
    command = [sys.executable, str(script), *arguments]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the one file beside a fake mmcv; what it answers as JSON."""

    def with_planted(limit=60, **plant):
        root = tmp_path_factory.mktemp("ops")
        package = root / "site" / "mmcv" / "ops"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").write_text(FAKE.replace("{plant!r}", repr(plant)))
        (package / "multi_scale_deform_attn.py").write_text(DEFORM_ATTN)
        (root / "torch.py").write_text("raise RuntimeError('beside the script')")
        paths = [root / "site", Path(__file__).parents[2]]
        options = ("--device", "cpu", "--json", "--limit", str(limit))
        done = answered(root / "ops.py", *options, paths=paths)
        assert done.stderr == ""
        document = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        return done.returncode, {line["name"]: line for line in document["ops"]}

    return with_planted


def test_right_ops_pass(run):
    code, lines = run()
    assert {name: line["status"] for name, line in lines.items()} == {
        "ms_deform_attn": "ok",
        "sigmoid_focal_loss": "unused",
        "PSAMask": "ok",
        "point_sample": "ok",
        "CrissCrossAttention": "ok",
    }
    assert code == 0
    largest = [one["error"] / one["exact"] for line in lines.values() for one in line["measured"]]
    assert len(largest) == 4 + 4 + 3 + 6
    assert max(largest) < ops.BOUND / 8


def test_dead_crashing_and_hanging_ops(run):
    code, lines = run(
        25, ms_deform_attn="dead", PSAMask="crash", point_sample="off", CrissCrossAttention="hang"
    )
    assert code == 1
    dead, crashed = lines["ms_deform_attn"], lines["PSAMask"]
    assert dead["status"] == crashed["status"] == lines["CrissCrossAttention"]["status"] == "dead"
    assert dead["text"].startswith("all zero: output, gradient of value, gradient of locations")
    assert dead["text"].endswith("no kernel image is available for execution on the device")
    assert "MMCV_WITH_OPS=1" in dead["fix"]
    assert "killed by signal 11 (forward)" in crashed["text"]
    assert crashed["text"].endswith("an illegal memory access was encountered")
    assert lines["CrissCrossAttention"]["text"] == "no answer within 25 seconds (forward)"
    assert lines["point_sample"]["status"] == "wrong"
    assert "differs by 1.0e-03 of its largest value" in lines["point_sample"]["text"]


def test_ops_that_raise_print_or_lose_their_gradient(run):
    code, lines = run(
        ms_deform_attn="no kernel",
        PSAMask="prints",
        point_sample="raise",
        CrissCrossAttention="no gradient",
    )
    assert code == 1
    assert lines["ms_deform_attn"]["status"] == "missing"
    assert lines["PSAMask"]["status"] == "wrong"
    assert lines["PSAMask"]["text"].startswith("the values are right, and it printed: error in")
    assert lines["point_sample"]["status"] == "dead"
    assert "no kernel image" in lines["point_sample"]["text"]
    assert lines["CrissCrossAttention"]["status"] == "dead"
    assert "gradient of x" in lines["CrissCrossAttention"]["text"]


def measured(exact=1.0, actual=1.0, error=0.0):
    return Measured("output", exact, actual, error)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (measured(error=ops.BOUND), "ok"),
        (measured(error=ops.BOUND * 1.01), "wrong"),
        (measured(error=float("nan"), actual=float("nan")), "wrong"),
        (measured(actual=0.0, error=1.0), "dead"),
    ],
)
def test_the_bound(values, status):
    assert judge({"stage": "done"}, [values], "", "")[0] == status


def line(status):
    return OpResult("x", status, ("ccnet",), "it is")


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok", "ok"], 0),
        (["ok", "unused"], 0),
        (["unused"], 2),
        (["ok", "missing"], 2),
        (["missing", "dead"], 1),
        (["ok", "wrong"], 1),
    ],
)
def test_exit_codes(statuses, code):
    assert exit_code([line(status) for status in statuses]) == code


def test_a_gpu_without_code_is_named_with_the_command():
    machine = Machine(
        device="cuda", torch="2.1.2", gpu="H100", capability=90, package="mmcv", mmcv="2.1.0",
        extension=Extension("_ext.so", (70, 86), (), 12),
    )  # fmt: skip
    assert machine.lacks_code() == ("the GPU needs sm_90, mmcv's ops are compiled for sm_70, sm_86")
    assert "TORCH_CUDA_ARCH_LIST='9.0'" in machine.fix()
    text = render_text(machine, [OpResult("a", "dead", ("ccnet",), "it is", machine.fix())])
    assert "on H100 (sm_90)" in text
    assert max(map(len, text.splitlines())) <= ops.WIDTH


def test_without_compiled_ops_nothing_is_tried_and_nothing_passes(tmp_path):
    package = tmp_path / "mmcv" / "ops"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text("import mmcv._ext")
    done = answered(tmp_path / "script" / "ops.py", paths=[tmp_path])
    assert done.returncode == 2
    assert "No module named 'mmcv._ext'" in done.stdout
    assert done.stdout.count("not tried") == len(OPS)


def test_the_script_is_one_file_for_python_3_8(tmp_path):
    written = tmp_path / "ops.py"
    done = CliRunner().invoke(app, ["ops", "--script", str(written)])
    assert done.exit_code == 0
    assert imported(written) <= sys.stdlib_module_names
    assert CliRunner().invoke(app, ["ops", "--device", "tpu"]).exit_code == 2


# What calls an op, by its name in a config.
CALLS = {
    "MSDeformAttnPixelDecoder": "ms_deform_attn",
    "FocalLoss": "sigmoid_focal_loss",
    "PSAHead": "PSAMask",
    "Mask2FormerHead": "point_sample",
    "PointHead": "point_sample",
    "CCHead": "CrissCrossAttention",
}


@pytest.mark.live
def test_the_models_are_those_of_the_zoo():
    """By the types in the ADE20K configs; configs of mmpretrain's backbones name none of these."""
    configs = Path(find_spec("mmseg").origin).parent / ".mim" / "configs"
    found = defaultdict(set)
    for path in configs.glob("*/*ade20k*.py"):
        seen, queue = set(), [path]
        while queue:
            file = queue.pop()
            if file in seen or "_base_/datasets" in str(file):
                continue
            seen.add(file)
            tree = ast.parse(file.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if node.value.endswith(".py"):
                        queue.append((file.parent / node.value).resolve())
                    op = CALLS.get(node.value.rpartition(".")[2])
                    if op:
                        found[op].add(path.parent.name)
    assert {op: set(models) for op, models in found.items()} == {
        op.name: set(op.models) for op in OPS
    }


def test_references_are_right_by_hand():
    image = torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]], dtype=torch.float64)
    points = torch.tensor([[[0.5, 0.5], [0.25, 0.25], [0.0, 0.25]]], dtype=torch.float64)
    assert ops.bilinear(image, points).tolist() == [[[2.75, 1.0, 0.5]]]
    loss = ops.focal_loss(torch, torch.zeros(2, 1), torch.tensor([0, 1]), 2.0, 0.25)
    half = torch.tensor(0.5).log().item() * -0.25
    assert loss.flatten().tolist() == pytest.approx([0.25 * half, 0.75 * half])
