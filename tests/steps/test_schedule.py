from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.checks.support import hold
from parity.compare import Verdict
from parity.errors import InputError
from parity.probes.natural import step_of
from parity.steps.schedule import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    MultiStepLR,
    PolyLR,
    PolyLRRatio,
    lr_table,
    schedulers_from_config,
)

STEP = step_of("schedule", lr_table)
BY_ITERATION = {"by_epoch": False}
SWIN = {
    "base_lrs": [6e-5, 6e-6],
    "max_iters": 400,
    "param_scheduler": [
        {"type": "LinearLR", "start_factor": 1e-6, "by_epoch": False, "begin": 0, "end": 15},
        {"type": "PolyLR", "power": 0.9, "eta_min": 1e-8, "begin": 15, "end": 400} | BY_ITERATION,
    ],
}
KNET = {
    "base_lrs": [1e-4],
    "max_iters": 200,
    "param_scheduler": [
        {"type": "LinearLR", "start_factor": 1e-3, "begin": 0, "end": 20} | BY_ITERATION,
        {"type": "MultiStepLR", "milestones": [100, 150], "begin": 20, "end": 200} | BY_ITERATION,
    ],
}


def planned(change):
    """The step on what `change` makes of the list of schedulers."""

    def wrong(value, rng):
        return STEP({**value, "param_scheduler": change(value["param_scheduler"])}, None)

    return wrong


def options_of(index, **options):
    """The step with other options for one scheduler."""
    return planned(lambda plan: [*plan[:index], {**plan[index], **options}, *plan[index + 1 :]])


def afterwards(change):
    """What `change` makes of the right table."""
    return lambda value, rng: change(STEP(value, rng))


def closed_form(value, rng):
    """The formula of the papers: the same but for the last bits."""
    table = STEP(value, rng)
    poly = value["param_scheduler"][1]
    begin, end, power, floor = (poly[key] for key in ("begin", "end", "power", "eta_min"))
    left = 1 - np.arange(end - begin) / (end - begin - 1)
    for group, lr in enumerate(table[begin]):
        table[begin:end, group] = (lr - floor) * left**power + floor
    return table


DEFECTS = {
    "power_1_for_09": (SWIN, options_of(1, power=1.0)),
    "poly_by_epoch": (SWIN, options_of(1, by_epoch=True)),
    # What leaving by_epoch out of both schedulers gives.
    "all_by_epoch": (SWIN, planned(lambda plan: [{**one, "by_epoch": True} for one in plan])),
    "floor_left_out": (SWIN, options_of(1, eta_min=0.0)),
    "warm_up_missing": (SWIN, planned(lambda plan: plan[1:])),
    "warm_up_one_longer": (SWIN, options_of(0, end=16)),
    "warm_up_ratio_1e_3": (SWIN, options_of(0, start_factor=1e-3)),
    "poly_from_0": (SWIN, options_of(1, begin=0)),  # the decay runs during warm-up too
    "stepped_before_the_update": (
        SWIN,
        afterwards(lambda table: np.concatenate([table[1:], table[-1:]])),
    ),
    "stepped_one_late": (SWIN, afterwards(lambda table: np.concatenate([table[:1], table[:-1]]))),
    "groups_swapped": (SWIN, afterwards(lambda table: table[:, ::-1])),
    "one_rate_for_all_groups": (SWIN, afterwards(lambda table: table[:, [0] * table.shape[1]])),
    "single_precision": (SWIN, afterwards(lambda table: np.float64(np.float32(table)))),
    "closed_form": (SWIN, closed_form),
    # Milestones counted from the start of training, not from begin.
    "milestones_from_0": (KNET, options_of(1, milestones=[80, 130])),
    "milestones_in_epochs": (KNET, options_of(1, by_epoch=True)),
    "gamma_05": (KNET, options_of(1, gamma=0.5)),
}


@pytest.mark.live
class TestPlanted:
    @pytest.mark.parametrize("value", [SWIN, KNET], ids=["swin", "knet"])
    def test_clean_step_gives_nothing(self, value):
        assert hold(STEP, value, 0).verdict is Verdict.EQUAL

    @pytest.mark.parametrize(("value", "defect"), DEFECTS.values(), ids=DEFECTS)
    def test_is_found(self, value, defect):
        result = hold(STEP, value, 0, candidate=defect)
        assert result.verdict is Verdict.DIFFERENT
        assert not result.error


class TestFormulas:
    """The recursions beside the closed forms they stand for, up to rounding."""

    @given(st.integers(2, 300), st.floats(0.1, 3.0), st.floats(0, 1e-3))
    def test_poly(self, length, power, floor):
        spec = PolyLR(power=power, eta_min=floor, by_epoch=False)
        left = 1 - np.arange(length) / (length - 1)
        expected = (0.01 - floor) * left**power + floor
        table = lr_table([0.01], [spec], max_iters=length)[:, 0]
        np.testing.assert_allclose(table, expected, rtol=1e-9, atol=1e-15)

    @given(st.integers(2, 300), st.floats(1e-6, 1.0), st.floats(1e-3, 1.0))
    def test_linear(self, length, start, stop):
        spec = LinearLR(start_factor=start, end_factor=stop, by_epoch=False)
        expected = 0.01 * (start + (stop - start) * np.arange(length) / (length - 1))
        table = lr_table([0.01], [spec], max_iters=length)[:, 0]
        np.testing.assert_allclose(table, expected, rtol=1e-9)

    @given(st.integers(2, 100), st.floats(0, 1e-3))
    def test_cosine(self, period, floor):
        spec = CosineAnnealingLR(T_max=period, eta_min=floor, by_epoch=False)
        angles = np.pi * np.arange(period + 1) / period
        expected = floor + (0.01 - floor) * (1 + np.cos(angles)) / 2
        table = lr_table([0.01], [spec], max_iters=period + 1)[:, 0]
        np.testing.assert_allclose(table, expected, rtol=1e-7, atol=1e-12)

    def test_ratio_is_a_poly_with_a_floor_per_group(self):
        ratio = PolyLRRatio(eta_min_ratio=0.1, power=0.9, by_epoch=False)
        table = lr_table([0.1, 0.01], [ratio], max_iters=9)
        for group, lr in enumerate([0.1, 0.01]):
            poly = PolyLR(eta_min=lr * 0.1, power=0.9, by_epoch=False)
            assert np.array_equal(table[:, group], lr_table([lr], [poly], max_iters=9)[:, 0])

    def test_milestones_count_from_begin(self):
        spec = MultiStepLR(milestones=[2, 4, 4], gamma=0.5, begin=3, by_epoch=False)
        table = lr_table([1.0], [spec], max_iters=9)[:, 0]
        assert table.tolist() == [1, 1, 1, 1, 1, 0.5, 0.5, 0.125, 0.125]

    def test_constant_is_undone_at_its_end(self):
        spec = ConstantLR(factor=0.25, begin=1, end=4, by_epoch=False)
        assert lr_table([1.0], [spec], max_iters=6)[:, 0].tolist() == [1, 0.25, 0.25, 1, 1, 1]

    def test_by_epoch_stands_still_in_an_iteration_based_loop(self):
        assert set(lr_table([0.1], [PolyLR(end=10)], max_iters=50)[:, 0]) == {0.1}

    def test_by_epoch_steps_at_epochs(self):
        spec = MultiStepLR(milestones=[1, 2], gamma=0.5)
        table = lr_table([1.0], [spec], max_iters=6, epoch_length=2, loop="epoch")
        assert table[:, 0].tolist() == [1, 1, 0.5, 0.5, 0.25, 0.25]

    def test_shape_and_dtype(self):
        table = lr_table([0.1, 0.2, 0.1], [], max_iters=4)
        assert table.shape == (4, 3)
        assert table.dtype == np.float64


class TestInput:
    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"type": "CosineLR", "step_size": 3}, "not one of"),
            ({"type": "StepLR"}, "missing options"),
            ({"type": "PolyLR", "momentum": True}, "unknown options"),
            ({"type": "OneCycleMomentum", "eta_max": 0.1}, "schedules rates"),
            ({"type": "OneCycleLR", "eta_max": [0.1]}, "one eta_max"),
            (
                {"type": "OneCycleLR", "eta_max": 1, "total_steps": 3, "by_epoch": False},
                "no step 4",
            ),
            ({"type": "CosineRestartLR", "periods": [3]}, "either eta_min"),
            ({"type": "ReduceOnPlateauLR", "by_epoch": False}, "counts epochs"),
            ({}, "not one of"),
            ({"type": "PolyLR", "powr": 0.9}, "unknown options"),
            ({"type": "MultiStepLR"}, "missing options"),
            ({"type": "PolyLR", "begin": 3, "end": 3}, "larger than begin"),
            ({"type": "LinearLR", "start_factor": 2.0}, "from 0 to 1"),
            ({"type": "LinearLR", "start_factor": 0.0, "by_epoch": False}, "at iteration 1"),
            ({"type": "PolyLR", "convert_to_iter_based": True}, "epoch_length"),
            ({"type": "CosineAnnealingLR", "eta_min": 0, "eta_min_ratio": 0}, "not both"),
        ],
    )
    def test_schedulers(self, entry, message):
        with pytest.raises(InputError, match=message):
            lr_table([0.1], schedulers_from_config(entry), max_iters=9)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"base_lrs": []}, "base_lrs"),
            ({"base_lrs": [-0.1]}, "base_lrs"),
            ({"base_lrs": [float("nan")]}, "base_lrs"),
            ({"max_iters": 0}, "max_iters"),
            ({"loop": "epochs"}, "loop"),
            ({"loop": "epoch"}, "epoch_length"),
            ({"loop": "epoch", "epoch_length": 4}, "divides"),
            ({"epoch_length": 0}, "epoch_length"),
        ],
    )
    def test_table(self, options, message):
        with pytest.raises(InputError, match=message):
            lr_table(param_scheduler=[], **{"base_lrs": [0.1], "max_iters": 9, **options})

    def test_scope_and_verbosity_of_a_config_are_accepted(self):
        [spec] = schedulers_from_config(
            {"type": "mmengine.PolyLR", "verbose": False, "last_step": -1, "end": 4}
        )
        assert spec == PolyLR(end=4)
