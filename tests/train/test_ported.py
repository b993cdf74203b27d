import pytest

from parity.errors import InputError
from tests.train import tiny

pytestmark = pytest.mark.live

# The FCN head and the stem of tests/train/tiny.py, ported.
PORT = """
import torch
from torch import nn
from torch.nn import functional as F
from tests.train import tiny

class Port(nn.Module):
    def __init__(self, eps=1e-5, relu=True, bias=False):
        super().__init__()
        self.drop = nn.Dropout2d(0.1)
        self.last = nn.Conv2d(4, 150, 1)
        self.second = nn.Conv2d(8, 4, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4, eps=eps)])
        self.first = nn.Conv2d(4, 4, 3, padding=1, bias=bias)
        self.relu = relu

    def forward(self, features):
        x = features[0]
        y = F.relu(self.norms[0](self.first(x)))
        y = self.norms[1](self.second(torch.cat([x, y], 1)))
        return self.last(self.drop(F.relu(y) if self.relu else y))

class Whole(nn.Module):
    def __init__(self, segmentor):
        super().__init__()
        self.trunk, self.head = segmentor.backbone, Port()

    def forward(self, images):
        return self.head(self.trunk(images))

def headed(head):
    def make(segmentor):
        segmentor.decode_head = head
        return segmentor
    return make

right = headed(Port())
other_eps = headed(Port(eps=1e-3))
no_relu = headed(Port(relu=False))
a_bias = headed(Port(bias=True))
whole = Whole
"""
FAULTS = {
    "other_eps": (1, "activations, decode_head.conv_cat.bn"),
    "no_relu": (1, "activations, decode_head.conv_seg"),
    "a_bias": (0, "parameters at the start, only_ours.decode_head_first_bias"),
}
NO_AUX = ("--option", "model.auxiliary_head=None")


@pytest.fixture
def train(config, tmp_path):
    (tmp_path / "port.py").write_text(PORT)

    def run(make, *options):
        given = [config, "--full", "--lockstep", 3, "--model", f"{tmp_path}/port.py:{make}"]
        return tiny.parity("train", *given, *options)

    return run


@pytest.mark.parametrize(("make", "options"), [("right", ()), ("right", NO_AUX), ("whole", NO_AUX)])
def test_a_port_trains_bit_equal(make, options, train):
    done = train(make, *options)
    assert done.exit_code == 0, done.output
    assert "equal: 3 iterations" in done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_located(fault, train):
    iteration, what = FAULTS[fault]
    when = f"iteration {iteration}" if iteration else "before the first iteration"
    done = train(fault)
    assert done.exit_code == 1, done.output
    assert f"different: {when}, {what}: " in done.stdout


def test_the_page_says_whose_head_it_was_and_which_operation_parts(train, tmp_path):
    train("no_relu", "--ops", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "training.html").read_text()
    assert "port.py:no_relu, " in page
    assert "the reference&#39;s: aten.relu" in page
    assert "nothing besides the network" not in page


def test_it_is_taught_under_the_reference_s_names(train):
    done = train("no_relu", "--teacher")
    assert "different: iteration 1, activations, decode_head.conv_seg" in done.stdout


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        ("whole", (), "but the config has several heads"),
        ("torch.nn.Identity", (), "has no decode_head"),
        ("none", (), "has no 'none'"),
    ],
)
def test_refused(make, options, message, train):
    done = train(make, *options)
    assert isinstance(done.exception, InputError), done.output
    assert message in str(done.exception)
