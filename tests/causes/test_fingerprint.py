"""The fingerprint of a dead deformable attention, and what it must not be mistaken for."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from parity.causes.catalogue import cause
from parity.causes.cause import RuledOut, Unchecked
from parity.causes.fingerprint import UNTOUCHED, analyse, predictions
from parity.causes.rates import learning_rates, multipliers
from parity.fixtures import fixtures_root
from parity.runs.checkpoint import read_checkpoint
from parity.runs.record import CheckpointFile
from parity.settings import terms_of
from parity.steps.deform_attn import initial_sampling_bias

from .made import config, context, curve, launch, run, segment, verdict_on

LAYER = "decode_head.pixel_decoder.encoder.layers.0.self_attn"
DEFORMABLE = {("model", "decode_head", "pixel_decoder"): {"type": "MSDeformAttnPixelDecoder"}}


def predicted(made, steps):
    return predictions(made, terms_of(made.config), LAYER, steps)


def tensors(*, factor=0.9, heads=8, levels=3, points=4):
    samples = heads * levels * points
    return {
        "sampling_offsets.weight": np.zeros((2 * samples, 16)),
        "sampling_offsets.bias": initial_sampling_bias(heads, levels, points).double().numpy()
        * factor,
        "attention_weights.weight": np.zeros((samples, 16)),
        "attention_weights.bias": np.zeros(samples),
        "value_proj.bias": np.zeros(16),
        "output_proj.bias": np.full(16, 0.1),
    }


@pytest.mark.parametrize(
    "shape", [(8, 3, 4), (8, 4, 4), (4, 1, 2), (16, 2, 8), (1, 1, 1), (6, 3, 4)]
)
def test_the_factor_is_found_for_any_number_of_heads_levels_and_points(shape):
    heads, levels, points = shape
    layer = analyse("x", tensors(factor=0.656, heads=heads, levels=levels, points=points))
    assert layer.factor == pytest.approx(0.656)
    assert layer.residual < 1e-6
    assert layer.untouched
    assert layer.trained
    assert layer.on_grid(1)


def test_a_trained_bias_is_not_on_the_grid():
    given = tensors()
    given["sampling_offsets.bias"] = given["sampling_offsets.bias"] + np.random.RandomState(
        0
    ).normal(0, 0.03, 192)
    assert not analyse("x", given).on_grid(160_000)


@pytest.mark.parametrize("name", UNTOUCHED)
def test_one_element_that_moved_is_enough(name):
    given = tensors()
    given[name].flat[-1] = 1e-30
    assert not analyse("x", given).untouched


def _saved(tmp_path, state, name="iter_1000.pth", kind="iter"):
    path = tmp_path / name
    torch.save({"meta": {}, "state_dict": state}, path)
    return CheckpointFile(name, kind, 1000, path.stat().st_size, read_checkpoint(path))


def _run(tmp_path, given, **more):
    state = {f"{LAYER}.{key}": torch.from_numpy(value).float() for key, value in given.items()}
    made = run(changes=DEFORMABLE, path=tmp_path, **more)
    return replace(made, checkpoints=(_saved(tmp_path, state),))


def _predicted(steps=1000):
    rates = learning_rates(run(), terms_of(run().config), steps)[0][0]
    return float(np.prod(1 - rates * 0.05))


def test_dead_is_certain_with_the_predicted_factor(tmp_path):
    found = verdict_on("dead-kernel", context(_run(tmp_path, tensors(factor=_predicted()))))
    assert found.confidence == "certain"
    assert "weight decay alone predicts 0.99" in found.detail


def test_another_factor_than_predicted_is_said_and_is_less_certain(tmp_path):
    found = verdict_on("dead-kernel", context(_run(tmp_path, tensors(factor=0.9))))
    assert found.confidence == "likely"
    assert "not the predicted one" in found.why


def test_an_untrained_checkpoint_decides_nothing(tmp_path):
    given = tensors(factor=1.0)
    given["output_proj.bias"][:] = 0
    verdict = verdict_on("dead-kernel", context(_run(tmp_path, given)), Unchecked)
    assert "not been trained" in verdict.why


def test_a_healthy_checkpoint_rules_it_out_and_weakens_the_console(tmp_path):
    given = tensors()
    given["value_proj.bias"][:] = 0.01
    made = _run(tmp_path, given)
    verdict = verdict_on("dead-kernel", context(made), Unchecked)
    assert verdict.why.startswith("not dead throughout")
    watched = replace(made, consoles=("nohup.out",))
    verdict_on("dead-kernel", context(watched), RuledOut)
    both = replace(made, console=(launch(),))
    found = verdict_on("dead-kernel", context(both))
    assert found.confidence == "likely"
    assert "part of the time" in found.why


def test_a_damaged_checkpoint_is_said_and_stops_nothing(tmp_path):
    made = _run(tmp_path, tensors())
    (tmp_path / "iter_1000.pth").write_bytes(b"not a checkpoint any more")
    verdict = verdict_on("dead-kernel", context(made), Unchecked)
    assert "iter_1000.pth" in verdict.why


def test_no_deformable_attention_rules_it_out():
    verdict_on("dead-kernel", context(), RuledOut)
    verdict = verdict_on("dead-kernel", context(run(changes=DEFORMABLE)), Unchecked)
    assert "--console" in verdict.needs


def test_the_prediction_of_160k_iterations_is_the_known_one():
    changes = {("param_scheduler", 0, "end"): 160_000, ("train_cfg", "max_iters"): 160_000}
    [found] = predicted(run(changes=changes, max_iters=160_000), 160_000)
    assert found.factor == pytest.approx(0.656, abs=5e-4)
    # The closed form of poly 0.9, as a check by other means.
    step = np.arange(160_000)
    closed = np.sum(np.log1p(-1e-4 * (1 - step / 159_999) ** 0.9 * 0.05))
    assert found.factor == pytest.approx(math.exp(closed), rel=1e-6)


def test_logged_rates_predict_the_same_as_the_schedule():
    rates = learning_rates(run(), terms_of(run().config), 1000)[0][0]
    steps = np.arange(50, 1001, 50)
    logged = segment()
    made = run(segments=(logged,))
    curves = {**made.curves, "base_lr": curve("base_lr", steps, rates[steps - 1])}
    made = replace(made, curves=curves)
    by_config, by_log = predicted(made, 1000)
    assert by_log.factor == pytest.approx(by_config.factor, rel=1e-6)
    assert by_log.agrees(analyse("x", tensors(factor=by_config.factor)))


def test_accumulation_steps_the_optimizer_less_often():
    [all_steps] = predicted(run(), 1000)
    [some] = predicted(run(accumulation=4), 1000)
    assert math.log(some.factor) == pytest.approx(math.log(all_steps.factor) / 4, rel=0.01)


@pytest.mark.parametrize("options", [{"type": "SGD", "lr": 0.1}, {"type": "Adam", "lr": 1e-4}, {}])
def test_no_factor_is_predicted_for_coupled_decay(options):
    assert predicted(run(changes={("optim_wrapper", "optimizer"): options}), 10) == ()


@pytest.mark.parametrize(
    ("paramwise", "expected"),
    [
        ({}, (1.0, 1.0)),
        ({"custom_keys": {"decode_head": {"lr_mult": 0.5}}}, (0.5, 1.0)),
        (
            {
                "custom_keys": {
                    "pixel_decoder": {"decay_mult": 0.0},
                    "decode_head": {"lr_mult": 2.0},
                }
            },
            (1.0, 0.0),
        ),
        ({"bias_decay_mult": 0.0, "bias_lr_mult": 2.0}, (2.0, 0.0)),
        ({"norm_decay_mult": 0.0}, (1.0, 1.0)),
    ],
)
def test_multipliers_follow_the_longest_key(paramwise, expected):
    made = terms_of(config({("optim_wrapper", "paramwise_cfg"): paramwise}))
    assert multipliers(made, f"{LAYER}.sampling_offsets.bias") == expected


def test_the_effect_measured_here_is_the_one_in_the_fixtures():
    rows = json.loads((fixtures_root() / "runs" / "measured.json").read_text())["dead_vs_healthy"]
    mean = {op: np.mean([r["mIoU"] for r in rows if r["op"] == op]) for op in ("healthy", "dead")}
    [effect] = [e for e in cause("dead-kernel").effects if e.status == "measured here"]
    assert f"mean {mean['healthy']:.2f} healthy, {mean['dead']:.2f} dead" in effect.text
    assert sum(row["op"] == "dead" for row in rows) == 3
