import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import SEEDS, hold
from parity.compare.compare import Verdict
from parity.live import reference_module
from parity.pipeline import Step
from parity.probes import loss as probes
from parity.probes.loss import PROBES, make_head, make_pixels, make_single
from parity.probes.natural import step_of
from parity.steps import loss as ours
from parity.steps.loss import LossTerm, OhemSampler

BY_NAME = {probe.step.name: probe for probe in PROBES}
# The first probe of each function; the others vary its options.
MAIN = {probe.step.function: name for name, probe in reversed(BY_NAME.items())}
DTYPES = (torch.float64, torch.float16, torch.bfloat16)


def assert_held(step: Step, value: dict, seed: int = 0) -> bool:
    """Bit-equal, or refused by both sides, ours with an InputError; whether it was equal."""
    result = hold(step, value, seed)
    if result.verdict is Verdict.EQUAL:
        return True
    assert result.error.startswith("both raise"), f"seed {seed}: {result.explain()}"
    assert result.raised.startswith("InputError"), f"seed {seed}: {result.raised}"
    return False


@pytest.mark.live
class TestProbes:
    @pytest.mark.parametrize("name", BY_NAME)
    def test_many_shapes(self, name):
        step, make = BY_NAME[name].step, BY_NAME[name].make
        for seed in range(60 if name in MAIN.values() else 20):
            assert assert_held(step, make(seed), seed), f"seed {seed}: both sides raise"

    @pytest.mark.parametrize("dtype", DTYPES, ids=str)
    @pytest.mark.parametrize("name", BY_NAME)
    def test_dtypes(self, name, dtype):
        lovasz = "lovasz" in name or name == "loss_head_aligned"
        for seed in range(4):
            value = BY_NAME[name].make(seed)
            value["pred"] = value["pred"].to(dtype)
            equal = assert_held(BY_NAME[name].step, value, seed)
            # The Lovász losses multiply their float32 weights with torch.dot.
            assert equal or (lovasz and dtype is torch.float64)

    @pytest.mark.parametrize("name", BY_NAME)
    def test_nan(self, name):
        for seed in range(3):
            value = BY_NAME[name].make(seed)
            pred = value["pred"].clone()
            pred[..., seed % pred.shape[-1]] = float("nan")
            assert_held(BY_NAME[name].step, {**value, "pred": pred}, seed)

    @pytest.mark.parametrize("name", BY_NAME)
    def test_empty_batch(self, name):
        value = {key: tensor[:0] for key, tensor in BY_NAME[name].make(0).items()}
        result = hold(BY_NAME[name].step, value, 0)
        assert result.verdict is not Verdict.DIFFERENT, result.explain()
        assert result.raised.startswith("InputError") or not result.raised


TERMS = (
    probes.CE,
    probes.VALID_CE,
    probes.BCE,
    probes.DICE,
    probes.LOVASZ,
    LossTerm("loss_tversky", ours.tversky_loss),
    LossTerm("loss_hausdorff", ours.hausdorff_loss),
    LossTerm("other", ours.cross_entropy, {"loss_weight": 2, "reduction": "sum"}),
)


@pytest.mark.live
class TestHead:
    @given(
        SEEDS,
        st.lists(st.sampled_from(TERMS), min_size=1, max_size=3).map(tuple),
        st.sampled_from([None, OhemSampler(0.7, 9), OhemSampler(None, 9), OhemSampler(0.5, 1)]),
        st.sampled_from([255, 0]),
        st.booleans(),
    )
    def test_any_losses(self, seed, losses, sampler, ignore_index, align_corners):
        options = {
            "losses": losses,
            "sampler": sampler,
            "ignore_index": ignore_index,
            "align_corners": align_corners,
        }
        step = step_of("head", ours.decode_head_loss, options)
        assert_held(step, make_head(seed))

    @pytest.mark.parametrize("ignore_index", [255, None])
    @pytest.mark.parametrize("sampler", [None, OhemSampler(0.7, 9)])
    def test_single_channel(self, sampler, ignore_index):
        options = {"losses": (probes.BCE,), "sampler": sampler, "ignore_index": ignore_index}
        step = step_of("head", ours.decode_head_loss, options)
        for seed in range(10):
            assert_held(step, make_single(seed))

    @pytest.mark.parametrize("sampler", [None, OhemSampler(0.7, 500)])
    def test_150_classes(self, sampler):
        rng = np.random.RandomState(0)
        label = rng.randint(0, 151, (2, 96, 128))
        label[label == 150] = 255
        pred = torch.from_numpy(rng.normal(0, 2, (2, 150, 24, 32))).float()
        step = step_of("head", ours.decode_head_loss, {"sampler": sampler})
        assert assert_held(step, {"pred": pred, "label": torch.from_numpy(label)})

    @pytest.mark.parametrize(
        "term",
        [
            LossTerm("loss_boundary", ours.boundary_loss),
            LossTerm("loss_ohem", ours.ohem_cross_entropy),
            LossTerm("loss_kl", ours.kl_div_loss),
            LossTerm("loss_si_log", ours.si_log_loss),
            LossTerm("loss_focal", ours.focal_loss),
            LossTerm("loss_ce", ours.cross_entropy, {"avg_factor": 3}),
            LossTerm("loss_ce", ours.cross_entropy, {"ignore_index": 0}),
        ],
    )
    def test_what_no_head_can_call(self, term):
        step = step_of("head", ours.decode_head_loss, {"losses": (term,)})
        assert not assert_held(step, make_head(1))

    def test_total_is_what_mmengine_descends(self):
        live = reference_module("loss")
        for seed in range(20):
            given = make_pixels(seed)["pred"]
            losses = {"loss_a": given, "acc_seg": given[:1], "b.loss": given[0, 0, 0, :1] * 3}
            torch.testing.assert_close(
                ours.total_loss(losses), live.total_loss(losses), rtol=0, atol=0, equal_nan=True
            )


def test_the_cases_are_hard():
    values = [make_pixels(seed) for seed in range(200)]
    preds, labels = ([value[name] for value in values] for name in ("pred", "label"))
    for hits in (
        [bool(pred.isinf().any()) for pred in preds],
        [bool((pred.abs() > 1e4).any()) for pred in preds],
        [not pred.is_contiguous() for pred in preds],
        [pred.shape[1] == 1 for pred in preds],
        [bool((label == 255).all()) for label in labels],
        [bool((label != 255).all()) for label in labels],
        [len(label.unique()) == 1 and int(label.max()) < 255 for label in labels],
        [0.1 < float((label == 255).float().mean()) < 0.6 for label in labels],
        [label[0].numel() == 1 for label in labels],
    ):
        assert sum(hits) >= 2
