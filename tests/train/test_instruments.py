"""First operations, repeats, and the same step in float64."""

import pytest
import torch

from parity.errors import InputError
from parity.train import record
from parity.train.judge import Float32Draws, Float64Judge
from parity.train.loop import Loop
from parity.train.operations import OperationLog, first_operations
from tests.train import tiny


@pytest.fixture
def train(config, monkeypatch):
    def run(loop, *options):
        monkeypatch.setattr(record, "Loop", loop)
        return tiny.parity("train", config, "--full", "--lockstep", 2, *options)

    return run


class OtherEps(Loop):
    def _losses(self, batch):
        self.model.backbone.bn1.eps = 1e-3
        return super()._losses(batch)


class Shrinks(Loop):
    def _update(self):
        super()._update()
        with torch.no_grad():
            self.model.backbone.conv1.weight.mul_(0.99)


class RoundsOtherwise(Loop):
    """As if all sums of the backward pass had another order."""

    def _backward(self, loss, done):
        draws = torch.Generator().manual_seed(done)
        for param in self.model.parameters():
            noise = torch.randn(param.shape, generator=draws) * 2**-25
            param.register_hook(lambda gradient, noise=noise: gradient * (1 + noise))
        super()._backward(loss, done)


class NeverTwice(Loop):
    times = 0

    def _losses(self, batch):
        NeverTwice.times += 1
        self.model.backbone.bn1.bias.data += 1e-3 * NeverTwice.times
        return super()._losses(batch)


@pytest.mark.live
def test_the_first_operation_is_named_with_its_line(train, tmp_path):
    kept = ("--ops", "--out", tmp_path / "out")
    done = train(OtherEps, *kept)
    assert train(None, *kept, "--resume").stdout == done.stdout
    lines = done.stdout.partition("whose results the other side never has:\n")[2].splitlines()
    assert "native_batch_norm.default with (True, 0.1, 0.001) in backbone.bn1, " in lines[0]
    assert "native_batch_norm.default with (True, 0.1, 1e-05) in backbone.bn1, " in lines[1]
    assert "resnet.py:" in lines[0]


@pytest.mark.live
def test_an_operation_of_the_update_is_named(train):
    done = train(Shrinks, "--ops", "--option", "custom_hooks=[]")
    assert "different: iteration 1, parameters, backbone.conv1.weight" in done.stdout
    assert "  ours: aten.mul_.Tensor with (0.99), test_instruments.py:" in done.stdout


@pytest.mark.live
def test_rounding_is_excused_by_float64_and_a_mistake_is_not(train, tmp_path):
    kept = ("--float64", "--out", tmp_path / "out")
    rounded = train(RoundsOtherwise, *kept)
    assert rounded.exit_code == 0, rounded.output
    assert train(None, *kept, "--resume").stdout == rounded.stdout
    assert "no finding: 2 iterations" in rounded.stdout
    assert "gradients: at most " in rounded.stdout
    wrong = train(OtherEps, "--float64")
    assert wrong.exit_code == 1
    assert "different: iteration 1, activations, backbone.bn1" in wrong.stdout


@pytest.mark.live
def test_what_a_side_has_otherwise_the_second_time_is_not_deterministic(train):
    done = train(NeverTwice, "--repeat", "--side", "candidate")
    assert "not deterministic: iteration 1, activations, backbone.bn1" in done.stdout
    assert train(Loop, "--repeat").exit_code == 0
    assert "different: iteration 1, activations, backbone.bn1" in train(NeverTwice).stdout


def test_two_judges_are_refused(train):
    done = train(Loop, "--repeat", "--float64")
    assert isinstance(done.exception, InputError)


def test_ratio_of_distances():
    truth = torch.linspace(1, 2, 100, dtype=torch.float64)
    theirs = (truth * (1 + 1e-6)).float()
    judge = Float64Judge()
    assert judge.excuses("logits", (truth * (1 - 1e-6)).float(), theirs, truth)
    assert not judge.excuses("logits", (truth * (1 + 4e-5)).float(), theirs, truth)
    assert judge.largest["logits"] == pytest.approx(40, rel=0.1)
    # No closer than a rounding: an exact reference makes no mistake of one.
    exact = torch.ones(100)
    assert judge.excuses("batch", exact * (1 + 2**-23), exact, exact.double())
    assert not judge.excuses("batch", exact * (1 + 2**-18), exact, exact.double())
    assert not judge.excuses("batch", exact[:50], exact, exact.double())
    assert not judge.excuses("sample indices", [1], [2], [2])


def test_draws_of_float64_take_the_stream_of_float32():
    def drawn(dtype):
        torch.manual_seed(0)
        one = torch.ones(7, 3, dtype=dtype)
        parts = [torch.rand(5, dtype=dtype), torch.rand_like(one), one.clone().normal_()]
        parts += [torch.nn.functional.dropout(one), torch.bernoulli(one / 2), torch.randperm(4)]
        return [part.double() for part in parts]

    with Float32Draws():
        wide = drawn(torch.float64)
        queries = torch.randn(1, 2, 3, 4, dtype=torch.float64)
        attended = torch.nn.functional.scaled_dot_product_attention(queries, queries, queries)
    assert attended.dtype is torch.float64
    assert all(map(torch.equal, wide, drawn(torch.float32)))


def test_operations_are_held_by_value_and_not_by_order():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())

    def log(function):
        with OperationLog() as found:
            found.name(model)
            found.on = True
            function()
        return found.take()

    def backward(scale):
        model(torch.ones(2, 3)).mul(scale).sum().backward()

    x = torch.arange(4.0)
    assert first_operations(log(lambda: (x + 1, x * 2)), log(lambda: (x * 2, x + 1))).ours is None
    found = first_operations(log(lambda: (x + 1) * 2), log(lambda: (x + 1) / 2))
    assert (found.ours.name, found.theirs.name) == ("aten.mul.Tensor", "aten.div.Tensor")
    passed = [one for one in log(lambda: backward(1.0)) if "Addmm" in one.source]
    assert passed
    assert all(one.module == "0" for one in passed)
