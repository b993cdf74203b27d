from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.checks.support import assert_both_raise, assert_equal
from parity.live import reference_module
from parity.probes.natural import step_of
from parity.probes.schedule import MOMENTUM, PROBES
from parity.steps.schedule import lr_table, momentum_table

STEP = step_of("schedule", lr_table)
CYCLE = {"type": "OneCycleLR", "eta_max": 0.3}
FURTHER = [
    {"type": "StepLR", "step_size": 3, "gamma": 0.5},
    {"type": "ExponentialLR", "gamma": 0.9},
    {"type": "CosineRestartLR", "periods": [3, 5], "restart_weights": [1, 0.5], "eta_min": 1e-4},
    {"type": "CosineRestartLR", "periods": [4], "eta_min_ratio": 0.1},
    {**CYCLE, "div_factor": 10.0},
    {**CYCLE, "anneal_strategy": "linear", "total_steps": 41, "pct_start": 0.4},
    {**CYCLE, "three_phase": True, "final_div_factor": 100.0, "pct_start": 0.4},
]
SCHEDULES = "_base_/schedules/schedule"
CONFIGS = [
    *(f"{SCHEDULES}_{length}.py" for length in ("20k", "25k", "40k", "80k", "160k")),
    "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    "mask2former/mask2former_r50_8xb2-160k_ade20k-512x512.py",
    "knet/knet-s3_swin-t_upernet_8xb2-adamw-80k_ade20k-512x512.py",
]


@pytest.mark.live
class TestSchedule:
    @pytest.mark.parametrize("seed", range(28))
    @pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.step.name)
    def test_probes(self, probe, seed):
        assert_equal(probe.step, probe.make(seed), seed)

    @pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.rpartition("/")[2])
    def test_every_iteration_of_a_config(self, path):
        value = reference_module("schedule").config_schedule(path)
        assert_equal(STEP, value)

    @settings(max_examples=60)
    @given(
        st.fixed_dictionaries({"eta_min": st.floats(0, 1e-4), "power": st.floats(0.1, 3.0)}),
        st.fixed_dictionaries(
            {"start_factor": st.floats(1e-6, 1.0), "end_factor": st.floats(0.0, 1.0)}
        ),
        st.floats(1e-6, 1.0),
        st.tuples(st.integers(2, 20), st.integers(1, 40)),
    )
    def test_warm_up_then_poly(self, poly, warm, lr, lengths):
        warmup, rest = lengths
        schedulers = [
            {"type": "LinearLR", "end": warmup, "by_epoch": False} | warm,
            {"type": "PolyLR", "begin": warmup, "by_epoch": False} | poly,
        ]
        value = {"base_lrs": [lr], "param_scheduler": schedulers, "max_iters": warmup + rest}
        assert_equal(STEP, value)

    @pytest.mark.parametrize("begin", [-2, 0, 3])
    @pytest.mark.parametrize("length", [1, 2, 3, 6, 30])
    def test_overlapping_spans(self, begin, length):
        end = begin + length
        span = {"begin": begin, "end": end, "by_epoch": False}
        schedulers = [
            {"type": "PolyLR", "by_epoch": False},
            {"type": "LinearLR"} | span,
            {"type": "ConstantLR", "factor": 0.5} | span,
            {"type": "MultiStepLR", "milestones": [0, 2, 2, 5]} | span,
            {"type": "CosineAnnealingLR", "T_max": 3, "eta_min_ratio": 0.1} | span,
        ]
        value = {"base_lrs": [0.01, 1, 0.0], "param_scheduler": schedulers, "max_iters": 20}
        assert_equal(STEP, value)

    @pytest.mark.parametrize("kind", ["PolyLR", "LinearLR", "CosineAnnealingLR"])
    @pytest.mark.parametrize("options", [{}, {"convert_to_iter_based": True}, {"begin": 1}])
    def test_by_epoch_in_an_iteration_based_loop(self, kind, options):
        """The mistake of leaving by_epoch out: one epoch spans all of training."""
        entry = {"type": kind, "end": 5} | options
        value = {"base_lrs": [0.01], "param_scheduler": entry, "max_iters": 12, "epoch_length": 4}
        assert_equal(STEP, value)

    @pytest.mark.parametrize("convert", [False, True])
    @pytest.mark.parametrize("loop", ["iter", "epoch"])
    def test_end_of_training_is_the_default_end(self, loop, convert):
        """The only epoch of an iteration-based loop, converted, has `epoch_length` iterations."""
        entry = {"type": "PolyLR", "convert_to_iter_based": convert}
        value = {"base_lrs": [0.01], "param_scheduler": [entry], "max_iters": 12, "epoch_length": 4}
        assert_equal(STEP, {**value, "loop": loop})

    @pytest.mark.parametrize("entry", FURTHER, ids=lambda entry: entry["type"])
    @pytest.mark.parametrize(
        ("given", "run"),
        [
            ({"by_epoch": False, "begin": 2}, {}),
            ({"begin": 1}, {"loop": "epoch", "epoch_length": 4}),
            ({"convert_to_iter_based": True}, {"loop": "epoch", "epoch_length": 4}),
            ({}, {"epoch_length": 3}),
        ],
    )
    def test_further_kinds(self, entry, given, run):
        later = {"type": "PolyLRRatio", "eta_min_ratio": 0.1, "by_epoch": False, "begin": 20}
        schedulers = [{"type": "LinearLR", "end": 3} | given, entry | given, later]
        value = {"base_lrs": [0.1, 0.02], "param_scheduler": schedulers, "max_iters": 40, **run}
        assert_equal(STEP, value)

    @pytest.mark.parametrize("name", ["Step", "CosineRestart", "Exponential", "Poly", "Linear"])
    def test_momentum(self, name):
        given = next((one for one in FURTHER if one["type"] == f"{name}LR"), {})
        entry = {**given, "type": f"{name}Momentum", "by_epoch": False}
        poly = {"type": "PolyLR", "by_epoch": False}
        value = {"momenta": [0.9, 0.5], "param_scheduler": [entry, poly], "max_iters": 20}
        assert_equal(MOMENTUM, value)
        assert set(momentum_table([0.9], [poly], max_iters=5)[:, 0]) == {0.9}

    @pytest.mark.parametrize("rules", list(product(["less", "greater"], ["rel", "abs"])))
    @pytest.mark.parametrize("loop", ["iter", "epoch"])
    def test_plateau(self, rules, loop):
        rule, threshold_rule = rules
        entry = {
            "type": "ReduceOnPlateauLR", "monitor": "mIoU", "rule": rule, "cooldown": 1, "end": 7,
            "patience": 1, "threshold_rule": threshold_rule, "threshold": 0.1, "min_value": 1e-3,
        }  # fmt: skip
        scores = [3.0, 3.05, 3.4, 3.3, 3.2, 3.2, 3.1, 3.9, 3.8, 3.7]
        value = {
            "base_lrs": [0.1, 0.002], "param_scheduler": [entry], "max_iters": 20,
            "epoch_length": 2, "loop": loop, "val_interval": 1 if loop == "epoch" else 2,
            "metrics": [{"mIoU": score} for score in scores],
        }  # fmt: skip
        assert_equal(STEP, value)
        assert len(set(lr_table(**value)[:, 0])) > 1

    @pytest.mark.parametrize(
        "entry",
        [
            {"type": "PolyLR", "begin": 5, "end": 5, "by_epoch": False},
            {"type": "LinearLR", "start_factor": 1.5, "by_epoch": False},
            {"type": "LinearLR", "start_factor": 0.0, "by_epoch": False},
            {"type": "ConstantLR", "factor": -0.5, "by_epoch": False},
            {"type": "ConstantLR", "factor": 0.0, "by_epoch": False},
            {"type": "PolyLR", "power": -1.0, "by_epoch": False},
            {"type": "PolyLR", "by_epoch": False, "convert_to_iter_based": True},
            {"type": "CosineAnnealingLR", "eta_min": 0.1, "eta_min_ratio": 0.1},
            {"type": "MultiStepLR", "by_epoch": False},
            {"type": "PolyLR", "powers": 0.9, "by_epoch": False},
            {"type": "NoSuchLR"},
        ],
    )
    def test_refused_by_both(self, entry):
        value = {"base_lrs": [0.01], "param_scheduler": [entry], "max_iters": 12}
        assert_both_raise(STEP, value)
