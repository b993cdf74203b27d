"""Inputs for the `schedule` step."""

from typing import Any

import numpy as np
from numpy.random import RandomState

from parity.pipeline import Step
from parity.probes import Probe
from parity.probes.natural import step_of
from parity.steps.schedule import lr_table, momentum_table

KINDS = ("warmup_poly", "poly", "warmup_steps", "ratio", "cosine", "epochs", "converted")


def make_schedule(seed: int) -> dict[str, Any]:
    """Short runs with the lists of schedulers that mmseg's configs use, and by epoch."""
    rng = np.random.RandomState(seed)
    kind = KINDS[seed % len(KINDS)]
    max_iters, warmup = int(rng.randint(20, 200)), int(rng.randint(2, 15))
    base_lrs = [float(lr) for lr in 10.0 ** rng.uniform(-5, -1, rng.randint(1, 4))]
    value: dict[str, Any] = {"base_lrs": base_lrs, "max_iters": max_iters}
    if kind in ("epochs", "converted"):
        return value | _by_epoch(rng, kind == "converted")
    return value | {"param_scheduler": _by_iteration(rng, kind, max_iters, warmup)}


def _by_iteration(rng: RandomState, kind: str, max_iters: int, warmup: int) -> list[dict[str, Any]]:
    factor, power = float(rng.choice([1e-6, 1e-3, 0.1])), float(rng.choice([0.9, 1.0, 2.0]))
    linear = {"type": "LinearLR", "start_factor": factor, "begin": 0, "end": warmup}
    rest: dict[str, Any] = {"begin": warmup, "end": max_iters}
    milestones = sorted(int(at) for at in rng.randint(1, max_iters, 3))
    poly = {"type": "PolyLR", "power": power, "eta_min": float(rng.choice([0, 1e-5]))}
    entries: dict[str, list[dict[str, Any]]] = {
        "warmup_poly": [linear, poly | rest],
        "poly": [poly | {"begin": 0}],  # no end: the end of training
        "warmup_steps": [linear, {"type": "MultiStepLR", "milestones": milestones} | rest],
        "ratio": [
            linear,
            {"type": "PolyLRRatio", "eta_min_ratio": 3e-2, "power": power, "begin": warmup}
            | {"end": max_iters - 4},
            {"type": "ConstantLR", "factor": 0.5, "begin": max_iters - 4, "end": max_iters},
        ],
        "cosine": [linear, {"type": "CosineAnnealingLR", "T_max": max_iters // 2} | rest],
    }
    return [entry | {"by_epoch": False} for entry in entries[kind]]


def _by_epoch(rng: RandomState, convert: bool) -> dict[str, Any]:
    epochs, length = int(rng.randint(3, 12)), int(rng.randint(2, 12))
    warmup = {"type": "LinearLR", "start_factor": 0.1, "end": 2, "convert_to_iter_based": convert}
    steps = {"type": "MultiStepLR", "milestones": [1, epochs // 2], "gamma": 0.3}
    by_iteration = {"type": "PolyLR", "power": 0.9, "by_epoch": False}
    schedulers = [warmup, steps | {"convert_to_iter_based": convert}, by_iteration]
    options = {"max_iters": epochs * length, "epoch_length": length, "loop": "epoch"}
    return {"param_scheduler": schedulers, **options}


def with_keywords(function: Any, value: dict[str, Any], rng: Any, **options: Any) -> Any:
    """The result of a function that takes the entries of the value by their names."""
    return function(**value, **options)


SCHEDULE = step_of("schedule", lr_table)
MOMENTUM = Step("momentum", momentum_table, run=with_keywords)
PROBES = (Probe(SCHEDULE, make_schedule),)
