"""Two runs held against each other."""

import numpy as np
import pytest

from parity.explain.compare_runs import compare_runs, grouped, overlap
from parity.explain.explain import explain
from parity.explain.row import beside_run, terms_of_run
from parity.fixtures import fixtures_root
from parity.runs.read import read_run
from parity.settings import differences, terms_of
from tests.causes.made import TRAIN, config, curve, run

RUNS = fixtures_root() / "runs"
STEPS = np.arange(10, 101, 10)


def config_differences(here, there):
    return grouped(differences(terms_of(here), terms_of(there)))


def beside(here, there):
    return compare_runs(beside_run(here, terms_of_run(here), there))


def test_equal_curves_do_not_part():
    found = overlap(curve("loss", STEPS, STEPS / 7), curve("loss", STEPS, STEPS / 7))
    assert (found.shared, found.parts_at, found.largest) == (10, None, 0.0)


def test_curves_part_where_they_differ_beyond_the_logged_precision():
    other = STEPS / 7.0
    other[:4] += 1e-7  # below what float32 in JSON holds
    other[4:] += 1e-3
    found = overlap(curve("loss", STEPS, STEPS / 7), curve("loss", STEPS, other))
    assert found.parts_at == 50
    assert found.there == pytest.approx(found.here + 1e-3)


def test_text_logs_hold_four_decimals():
    shifted = STEPS / 7.0 + 6e-5
    in_text = overlap(
        curve("loss", STEPS, STEPS / 7, "a.log"), curve("loss", STEPS, shifted, "b.json")
    )
    assert in_text.parts_at is None
    assert overlap(curve("loss", STEPS, STEPS / 7), curve("loss", STEPS, shifted)).parts_at == 10


@pytest.mark.parametrize(
    ("here", "there", "parts"),
    [
        ([1.0, np.nan], [1.0, np.nan], None),
        ([1.0, np.nan], [1.0, 2.0], 2),
        ([1.0, np.inf], [1.0, np.inf], None),
        ([1.0, np.inf], [1.0, -np.inf], 2),
        ([1.0, np.inf], [1.0, np.nan], 2),
    ],
)
def test_nan_and_infinity_are_values(here, there, parts):
    assert overlap(curve("loss", [1, 2], here), curve("loss", [1, 2], there)).parts_at == parts


def test_only_iterations_that_both_logged_are_compared():
    found = overlap(curve("loss", [10, 20, 30], [1, 2, 3]), curve("loss", [20, 40], [2, 9]))
    assert (found.shared, found.parts_at) == (1, None)
    assert overlap(curve("loss", [1], [1]), curve("loss", [2], [1])).shared == 0


@pytest.mark.parametrize(
    ("path", "value", "group"),
    [
        ((*TRAIN, 3, "crop_size"), (640, 640), "data"),
        (("model", "data_preprocessor", "bgr_to_rgb"), False, "data"),
        (("model", "backbone", "depths"), [9, 9], "model"),
        (("optim_wrapper", "optimizer", "lr"), 5.0, "schedule"),
        (("param_scheduler", 0, "power"), 2.0, "schedule"),
        (("train_cfg", "max_iters"), 7, "schedule"),
        (("optim_wrapper", "type"), "AmpOptimWrapper", "precision"),
        (("model", "test_cfg", "mode"), "slide", "evaluation"),
        (("val_dataloader", "batch_size"), 3, "evaluation"),
        (("randomness",), {"seed": 3}, "other"),
    ],
)
def test_a_setting_that_differs_is_grouped_by_meaning(path, value, group):
    found = config_differences(config({path: value}), config())
    assert [name for name, items in found.items() if items] == [group]
    assert found[group][0].source is not None


def test_lists_and_tuples_of_equal_values_are_equal():
    found = config_differences(config({(*TRAIN, 3, "crop_size"): [512, 512]}), config())
    assert not any(found.values())


def test_two_real_runs_of_one_seed_part_when_the_kernel_dies():
    healthy, dead = read_run(RUNS / "healthy"), read_run(RUNS / "dead-kernel-checkpoint")
    found = beside(dead, healthy)
    assert found.parts_at == int(healthy.curves["loss"].steps[0])
    assert not any(items for group, items in found.settings.items() if group != "other")
    assert next(c for c in found.curves if c.name == "base_lr").parts_at is None


def test_a_real_run_equals_itself():
    healthy = read_run(RUNS / "healthy")
    found = beside(healthy, healthy)
    assert found.parts_at is None
    assert not any(found.settings.values())
    answer = explain(healthy, against=healthy)
    assert (answer.gap, answer.status, answer.cause_ids) == (0.0, "within noise", ())


def test_two_real_runs_are_explained_against_each_other():
    answer = explain(read_run(RUNS / "reduce-zero"), against=read_run(RUNS / "healthy-fcn"))
    assert answer.row is None
    assert answer.gap < -5
    assert answer.cause_ids[0] == "reduce-zero"
    assert "healthy-fcn" in answer.row_reason
    assert answer.comparison is not None


def test_a_twin_has_no_preferred_direction():
    for score in (60.0, 40.0):
        answer = explain(
            run(scores=((1000, score),), effective_batch=2), against=run(scores=((1000, 50.0),))
        )
        assert [f.id for f in answer.findings][:1] == ["effective-batch"]
        assert answer.status == "explained"
