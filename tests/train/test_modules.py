import json

import pytest

from parity.errors import InputError
from tests.train import tiny

pytestmark = pytest.mark.live

# A port of mmseg's PSPHead, whose names are others. resize: as mmseg's default.
PORT = """
import torch
from torch import nn
from torch.nn import functional as F
from tests.train import tiny

class Conv(nn.Module):
    def __init__(self, inside, out, size, eps=1e-5, relu=True):
        super().__init__()
        self.weights = nn.Conv2d(inside, out, size, padding=size // 2, bias=False)
        self.norm, self.relu = nn.BatchNorm2d(out, eps=eps), relu

    def forward(self, x):
        x = self.norm(self.weights(x))
        return F.relu(x) if self.relu else x

class Pyramid(nn.Module):
    def __init__(self, eps=1e-5, relu=True, aligned=False, drop=0.0):
        super().__init__()
        self.branches = nn.ModuleList(Conv(4, 4, 1, eps, relu) for _ in range(4))
        self.fuse = Conv(20, 4, 3)
        self.classify = nn.Conv2d(4, 150, 1)
        self.aligned, self.drop = aligned, drop

    def forward(self, features):
        x = features[0]
        parts = [x]
        for bins, branch in zip((1, 2, 3, 6), self.branches):
            small = branch(F.adaptive_avg_pool2d(x, bins))
            large = F.interpolate(
                small, size=x.shape[2:], mode="bilinear", align_corners=self.aligned)
            parts.append(large)
        x = self.fuse(torch.cat(parts, 1))
        return self.classify(F.dropout2d(x, self.drop, self.training))

def right():
    return Pyramid()

def other_eps():
    return Pyramid(eps=1e-6)

def no_relu():
    return Pyramid(relu=False)

def aligned():
    return Pyramid(aligned=True)

def drops():
    return Pyramid(drop=0.5)

def summed_otherwise():
    made = Pyramid()
    made.classify.forward = lambda x: (
        torch.einsum("nchw,oc->nohw", x.flip(1), made.classify.weight[:, :, 0, 0].flip(1))
        + made.classify.bias[:, None, None])
    return made

def two_more():
    made = Pyramid()
    made.more = nn.Linear(7, 7)
    return made

def raises():
    return nn.Conv2d(3, 4, 1)

EPS = 1e-5
"""
HEAD = (
    "model.decode_head={'type': 'PSPHead', 'in_channels': 4, 'in_index': 0, 'channels': 4, "
    "'num_classes': 150, 'dropout_ratio': 0, 'norm_cfg': {'type': 'BN'}}"
)
FAULTS = {
    "other_eps": "eval: output of psp_modules.0.1.bn (ours: branches.0.norm)",
    "no_relu": "eval: input of bottleneck.conv (ours: fuse.weights)",
    "aligned": "eval: input of bottleneck.conv (ours: fuse.weights)",
    "drops": "training: input of conv_seg (ours: classify)",
}


@pytest.fixture
def files(config, tmp_path):
    (tmp_path / "port.py").write_text(PORT)
    return tmp_path


def modules(files, make, *options):
    given = [f"{files}/port.py:{make}", f"{files}/tiny.py", "--part", "decode_head"]
    return tiny.parity("modules", *given, "--option", HEAD, *options)


def test_a_port_is_equal_under_other_names(files):
    done = modules(files, "right")
    assert done.exit_code == 0, done.output
    assert "32 weights and buffers mapped" in done.stdout
    assert "equal: every value is bit-equal" in done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_named_where_it_enters(fault, files):
    done = modules(files, fault)
    assert done.exit_code == 1, done.output
    assert f"different: {FAULTS[fault]}: " in done.stdout


def test_another_order_of_sums_is_rounding(files):
    done = modules(files, "summed_otherwise")
    assert done.exit_code == 0, done.output
    assert "equal but for rounding" in done.stdout
    assert "first not bit-equal in float32: eval: output of conv_seg" in done.stdout


def test_weights_without_counterpart_are_told(files):
    done = modules(files, "two_more")
    assert "more.weight, more.bias" in done.stdout


def test_a_map_goes_before_names_and_order(files):
    other = files / "map.json"
    other.write_text(json.dumps({"psp_modules.0.1.conv": "branches.1.weights"}))
    done = modules(files, "right", "--map", other)
    assert (
        "different: eval: input of psp_modules.0.1.conv (ours: branches.1.weights)" in done.stdout
    )


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        ("raises", (), "Conv2d does not run: TypeError"),
        ("EPS", (), "float is not called"),
        ("right", ("--part", "neck.x"), "no module 'neck.x'"),
        ("right", ("--input", "2x3"), "four positive numbers"),
        ("right", ("--map", "{files}/port.py"), "cannot be read as JSON"),
        ("right", ("--map", "{files}/none.json"), "ours has no weight 'none.weight'"),
        ("right", ("--map", "{files}/shape.json"), "shapes do not fit"),
    ],
)
def test_refused(make, options, message, files):
    (files / "none.json").write_text('{"conv_seg": "none"}')
    (files / "shape.json").write_text('{"conv_seg.weight": "fuse.weights.weight"}')
    done = modules(files, make, *(text.format(files=files) for text in options))
    assert isinstance(done.exception, InputError), done.output
    assert message in str(done.exception)
