import pytest
import torch

from parity.checks.support import assert_equal, hold
from parity.compare.compare import Verdict
from parity.compare.tree import compare_tree
from parity.live import reference_module
from parity.probes.heads import PROBES, make_outputs
from parity.probes.natural import step_of
from parity.steps.loss import cross_entropy, knet_loss
from parity.steps.loss.detail import detail_targets


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("probe", PROBES, ids=lambda one: one.step.name)
    def test_many_shapes(self, probe):
        for seed in range(8):
            assert_equal(probe.step, probe.make(seed), seed)

    @pytest.mark.parametrize("probe", PROBES, ids=lambda one: one.step.name)
    def test_one_class(self, probe):
        name = probe.step.function.__name__
        for seed in range(2):
            result = hold(probe.step, make_outputs(seed, loss=name, classes=1), seed)
            assert result.verdict is not Verdict.DIFFERENT, result.explain()


@pytest.mark.live
def test_stages_in_a_list():
    value = make_outputs(2, loss="knet_loss")
    found = knet_loss(list(value["preds"]), value["label"])
    assert list(found) == [f"{name}.s{at}" for at in range(3) for name in ("loss_ce", "acc_seg")]
    expected = reference_module("loss").knet_loss(value["preds"], value["label"])
    assert list(found) == list(expected)
    assert all(leaf.verdict is Verdict.EQUAL for leaf in compare_tree(found, expected).values())


@pytest.mark.live
def test_labels_of_volumes():
    torch.manual_seed(0)
    value = {"pred": torch.randn(2, 3, 4, 5, 6), "label": torch.randint(0, 3, (2, 4, 5, 6))}
    assert_equal(step_of("volumes", cross_entropy), value)


def test_what_stride_4_alone_sees_is_no_detail():
    """Its share is float32's 0.1, which is not above 0.1."""
    label = torch.zeros(1, 9, 9, dtype=torch.long)
    label[0, 4, 4] = 1
    assert detail_targets(label)[0, 4, 4] == 1
    label = torch.zeros(1, 9, 9, dtype=torch.long)
    label[0, :, 7:] = 1
    assert detail_targets(label)[0, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1]
