"""The losses on their own: gradients, invariants, and what they refuse."""

from __future__ import annotations

import pickle
import sys
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd import gradcheck

from parity.errors import InputError
from parity.probes.loss import PROBES
from parity.probes.natural.gradient import gradient
from parity.steps.loss import (
    LossTerm,
    OhemSampler,
    accuracy,
    binary_cross_entropy,
    boundary_loss,
    cross_entropy,
    decode_head_loss,
    dice_loss,
    focal_loss,
    hausdorff_loss,
    kl_div_loss,
    lovasz_loss,
    mask_cross_entropy,
    ohem_cross_entropy,
    ohem_weights,
    si_log_loss,
    total_loss,
    tversky_loss,
)

IGNORED = 255


def random(seed, *shape, dtype=torch.float64):
    return torch.from_numpy(np.random.RandomState(seed).normal(0, 1, shape)).to(dtype)


def labels(seed=1, classes=3, shape=(2, 3, 4)):
    found = torch.from_numpy(np.random.RandomState(seed).randint(0, classes, shape))
    found[0, 0, :2] = IGNORED
    return found


def one_hot(label, classes=3):
    return F.one_hot(label.clamp(max=classes - 1), classes).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("loss", "label"),
    [
        (partial(cross_entropy, ignore_index=IGNORED), labels()),
        (partial(cross_entropy, ignore_index=IGNORED, avg_non_ignore=True), labels()),
        (partial(cross_entropy, ignore_index=IGNORED, reduction="none"), labels()),
        (partial(cross_entropy, class_weight=[1.0, 2.0, 0.5]), labels().clamp(max=2)),
        (partial(dice_loss, use_sigmoid=False), labels()),
        (partial(dice_loss, naive_dice=True, reduction="none"), labels()),
        (focal_loss, one_hot(labels())),
        (partial(focal_loss, alpha=[0.1, 0.5, 0.7], reduction="none"), one_hot(labels())),
        (tversky_loss, labels()),
        (partial(tversky_loss, class_weight=[1.0, 2.0, 0.5]), labels()),
        (partial(ohem_cross_entropy, thresh=0.5, min_kept=3), labels()),
        (kl_div_loss, random(2, 2, 3, 3, 4)),
        (partial(kl_div_loss, temperature=3.0, reduction="none"), random(2, 2, 3, 3, 4)),
        (hausdorff_loss, labels()),
        (partial(mask_cross_entropy, mask_class=torch.tensor([0, 2])), random(3, 2, 3, 4).abs()),
    ],
)
def test_gradient(loss, label):
    assert gradcheck(lambda pred: loss(pred, label), random(0, 2, 3, 3, 4).requires_grad_())


def test_gradient_of_depths():
    pred, label = random(0, 2, 1, 3, 4).exp().requires_grad_(), random(1, 2, 1, 3, 4).exp()
    assert gradcheck(lambda pred: si_log_loss(pred, label), pred)


def test_gradient_of_head():
    terms = (LossTerm("loss_ce", cross_entropy), LossTerm("loss_dice", dice_loss))
    loss = partial(decode_head_loss, label=labels(shape=(2, 7, 9)), losses=terms)
    assert gradcheck(lambda pred: total_loss(loss(pred)), random(0, 2, 3, 3, 4).requires_grad_())


@pytest.mark.parametrize(
    ("loss", "channels", "label"),
    [
        (partial(binary_cross_entropy, ignore_index=IGNORED), 3, labels()),
        (boundary_loss, 1, labels(classes=2)),
        (partial(lovasz_loss, reduction="none"), 3, labels()),
        (partial(lovasz_loss, per_image=True, classes="all"), 3, labels()),
        (partial(lovasz_loss, loss_type="binary", reduction="none"), 1, labels(classes=2)),
    ],
)
def test_gradient_of_what_computes_in_float32(loss, channels, label):
    """As the reference does, whatever the dtype: so with wider steps and limits."""

    def single(pred):
        return loss(pred.float(), label).double()

    pred = random(0, 2, channels, 3, 4).requires_grad_()
    assert gradcheck(single, pred, eps=1e-3, atol=2e-3, rtol=1e-2)


class TestCrossEntropy:
    def test_default_divides_by_all_pixels(self):
        pred, label = random(0, 2, 3, 3, 4), labels()
        valid = label != IGNORED
        over_all = cross_entropy(pred, label, ignore_index=IGNORED)
        over_valid = cross_entropy(pred, label, ignore_index=IGNORED, avg_non_ignore=True)
        torch.testing.assert_close(over_all, over_valid * valid.double().mean())
        expected = F.cross_entropy(pred, label, ignore_index=IGNORED)
        torch.testing.assert_close(over_valid, expected, rtol=1e-6, atol=0)

    def test_none_valid_is_zero(self):
        label = torch.full((2, 3, 4), IGNORED)
        for avg_non_ignore in (False, True):
            pred = random(0, 2, 3, 3, 4).requires_grad_()
            loss = cross_entropy(pred, label, ignore_index=IGNORED, avg_non_ignore=avg_non_ignore)
            assert loss == 0
            assert not gradient(loss, pred).any()

    def test_class_weight_fails_at_ignored_pixels(self):
        with pytest.raises(InputError, match="has 3 entries, and label holds 0 to 255"):
            cross_entropy(
                random(0, 2, 3, 3, 4), labels(), class_weight=[1, 2, 3], ignore_index=IGNORED
            )

    def test_message_names_every_tensor(self):
        with pytest.raises(
            InputError, match=r"pred float64 \(2, 3, 3, 4\), label int64 \(2, 3, 5\)"
        ):
            cross_entropy(random(0, 2, 3, 3, 4), labels(shape=(2, 3, 5)))

    def test_arrays_are_refused(self):
        with pytest.raises(InputError, match=r"label must be a torch.Tensor, got ndarray"):
            cross_entropy(random(0, 2, 3), np.zeros(2, np.int64))

    @pytest.mark.parametrize("name", ["weights.pkl", "missing.npy", "broken.json"])
    def test_class_weight_files(self, tmp_path, name):
        path = tmp_path / name
        if name == "weights.pkl":
            path.write_bytes(pickle.dumps([1.0, 2.0, 3.0]))
        elif name == "broken.json":
            path.write_text("[1,", "utf-8")
        with pytest.raises(InputError, match=name):
            cross_entropy(random(0, 2, 3), torch.tensor([0, 1]), class_weight=str(path))


class TestAccuracy:
    def test_ignored_pixels_do_not_count(self):
        label = labels()
        pred = one_hot(label).double()
        torch.testing.assert_close(
            accuracy(pred, label, ignore_index=IGNORED), torch.tensor([100.0])
        )

    def test_none_valid_is_a_hundred(self):
        label = torch.full((2, 3, 4), IGNORED)
        assert accuracy(random(0, 2, 3, 3, 4), label, ignore_index=IGNORED).item() == 100

    def test_more_ranks_never_lose(self):
        found = accuracy(random(0, 2, 3, 3, 4), labels(), topk=(1, 2, 3), ignore_index=IGNORED)
        assert found == sorted(found)
        torch.testing.assert_close(found[-1], torch.tensor([100.0]))


class TestOverlap:
    @pytest.mark.parametrize("loss", [partial(dice_loss, use_sigmoid=False), tversky_loss])
    def test_certain_and_right_is_almost_zero(self, loss):
        label = labels(shape=(2, 30, 30)).clamp(max=2)
        assert loss(one_hot(label).double() * 50, label) < 1e-4

    def test_focal_refuses_class_indices(self):
        with pytest.raises(InputError, match="must be one-hot"):
            focal_loss(random(0, 2, 3, 3, 4), labels())

    def test_hausdorff_says_when_scipy_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
        with pytest.raises(InputError, match="pip install scipy"):
            hausdorff_loss(random(0, 2, 3, 3, 4), labels())

    def test_equal_depths_are_zero(self):
        depths = random(0, 2, 1, 3, 4).exp()
        assert si_log_loss(depths, depths) == 0


class TestOhem:
    def test_weights_are_zero_at_ignored_pixels(self):
        label = labels()
        weights = ohem_weights(random(0, 2, 3, 3, 4), label, thresh=1.1)
        assert torch.equal(weights, (label != IGNORED).double())

    def test_as_many_as_asked_for(self):
        assert ohem_weights(random(0, 2, 3, 3, 4), labels(), min_kept=3).sum() == 2 * 3

    def test_none_valid(self):
        label = torch.full((2, 3, 4), IGNORED)
        loss = ohem_cross_entropy(random(0, 2, 3, 3, 4).requires_grad_(), label)
        assert loss == 0
        assert not loss.requires_grad

    def test_unfit_loss(self):
        with pytest.raises(InputError, match="ohem_weights"):
            ohem_weights(random(0, 2, 3, 3, 4), labels(), losses=(LossTerm("l", dice_loss),))


class TestHead:
    def test_terms_of_one_name_add_up(self):
        pred, label = random(0, 2, 3, 3, 4), labels()
        term = LossTerm("loss_ce", cross_entropy)
        once = decode_head_loss(pred, label, losses=(term,))
        twice = decode_head_loss(pred, label, losses=(term, term))
        assert list(twice) == ["loss_ce", "acc_seg"]
        assert torch.equal(twice["loss_ce"], 2 * once["loss_ce"])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"losses": ()}, "at least one LossTerm"),
            ({"losses": (LossTerm("loss_b", boundary_loss),)}, "cannot call boundary_loss"),
            ({"losses": (LossTerm("l", cross_entropy, {"ignore_index": 0}),)}, "from the head"),
            ({"sampler": OhemSampler(), "ignore_index": None}, "needs an ignore_index"),
        ],
    )
    def test_refused(self, options, message):
        with pytest.raises(InputError, match=message):
            decode_head_loss(random(0, 2, 3, 3, 4), labels(), **options)

    def test_total_needs_a_loss(self):
        losses = decode_head_loss(
            random(0, 2, 3, 3, 4), labels(), losses=(LossTerm("ce", cross_entropy),)
        )
        with pytest.raises(InputError, match="no entry"):
            total_loss(losses)


def test_exchanged_elements_of_an_unreduced_loss_show_in_its_gradient():
    pred = random(0, 4).requires_grad_()
    assert len(gradient(pred * 2, pred).unique()) == 4


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
def test_probes_travel_and_repeat(probe):
    step, make = pickle.loads(pickle.dumps((probe.step, probe.make)))
    first, second = make(5), probe.make(5)
    assert all(torch.equal(first[name], second[name]) for name in second)
    assert step.module == "loss"
    assert step.function is probe.step.function
