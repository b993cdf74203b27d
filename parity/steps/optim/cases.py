"""The steps of this folder on plain values, which can be stored and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.random import RandomState

from parity.steps.optim.accumulate import accumulation_plan
from parity.steps.optim.clip import clip_gradients
from parity.steps.optim.groups import param_groups
from parity.steps.optim.layout import build_model
from parity.steps.optim.training import train


def param_groups_step(value: Mapping[str, Any], rng: RandomState) -> list[dict[str, Any]]:
    """`param_groups` of the model described by ``layout``; other entries are its options."""
    options = dict(value)
    return [
        dict(vars(group)) for group in param_groups(build_model(options.pop("layout")), **options)
    ]


def clip_gradients_step(value: Mapping[str, Any], rng: RandomState) -> dict[str, Any]:
    """`clip_gradients` of ``gradients``."""
    return clip_gradients(value["gradients"], clip_grad=value["clip_grad"])._asdict()


def accumulation_plan_step(value: Mapping[str, int], rng: RandomState) -> list[dict[str, Any]]:
    """`accumulation_plan` with the entries as options."""
    return [entry._asdict() for entry in accumulation_plan(**value)]


def train_step(value: Mapping[str, Any], rng: RandomState) -> list[dict[str, Any]]:
    """`train` the model described by ``layout`` and ``seed`` on ``inputs``."""
    options = dict(value)
    model = build_model(options.pop("layout"), seed=options.pop("seed"))
    return train(model, options.pop("inputs"), **options)
