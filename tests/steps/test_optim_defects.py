"""Planted mistakes in groups, clipping and accumulation: each must be found."""

from __future__ import annotations

import pytest
import torch

from parity.checks.support import hold
from parity.compare import Verdict
from parity.probes.optim import PROBES, SEGMENTOR, TRANSFORMER
from parity.steps.optim import clip, groups, layer_decay, training
from parity.steps.optim.accumulate import Accumulation, accumulation_plan
from parity.steps.optim.clip import Clipped, clip_gradients

BY_NAME = {probe.step.name: probe for probe in PROBES}
SEEDS = range(18)
RULES = {"norm_decay_mult": 0.0, "bias_lr_mult": 2.0, "dwconv_decay_mult": 0.5}
KEYS = {"norm": {"decay_mult": 0.0}, "backbone": {"lr_mult": 0.1}, "stages.1": {"lr_mult": 0.2}}
SWIN_LIKE = {
    "layout": SEGMENTOR,
    "lr": 1e-4,
    "weight_decay": 0.05,
    "paramwise_cfg": {"custom_keys": KEYS, **RULES},
}
BEIT_LIKE = {
    "layout": TRANSFORMER,
    "lr": 3e-5,
    "weight_decay": 0.05,
    "paramwise_cfg": {"num_layers": 12, "layer_decay_rate": 0.9},
    "constructor": "LayerDecayOptimizerConstructor",
}

custom_settings, rules, places = groups.custom_settings, groups._rules, groups._places
decay_multiplier, vit_layer = groups.decay_multiplier, layer_decay.vit_layer


def shortest_key_first(config):
    keys = config.get("custom_keys", {})
    return {key: keys[key] for key in sorted(keys, key=lambda key: (len(key), key))}


def keys_as_written(config):
    return config.get("custom_keys", {})


def keys_at_the_start_only(place, keys, lr, weight_decay):
    starting = {key: own for key, own in keys.items() if place.full_name.startswith(key)}
    return custom_settings(place, starting, lr, weight_decay)


def rules_on_top_of_keys(place, keys, lr, weight_decay):
    found = custom_settings(place, keys, lr, weight_decay)
    return None if found is None else {**found, **rules(place, lr, weight_decay, RULES)}


def lr_mult_lost(place, keys, lr, weight_decay):
    found = custom_settings(place, keys, lr, weight_decay)
    return None if found is None else {**found, "lr": lr}


def decay_mult_lost(place, keys, lr, weight_decay):
    found = custom_settings(place, keys, lr, weight_decay)
    return None if found is None else {**found, "weight_decay": weight_decay}


def bias_lr_on_norms_too(place, config):
    return config.get("bias_lr_mult") if place.name == "bias" else None


def depthwise_left_out(place, config):
    return decay_multiplier(place, {**config, "dwconv_decay_mult": None})


def frozen_kept(*arguments):
    for place in places(*arguments):
        place.param.requires_grad_()
        yield place


GROUP_DEFECTS = [
    ("_NORMS", (torch.nn.modules.batchnorm._BatchNorm,)),
    ("_NORMS", ()),
    ("ranked_custom_keys", shortest_key_first),
    ("ranked_custom_keys", keys_as_written),
    ("custom_settings", keys_at_the_start_only),
    ("custom_settings", lr_mult_lost),
    ("custom_settings", decay_mult_lost),
    ("custom_settings", rules_on_top_of_keys),
    ("lr_multiplier", bias_lr_on_norms_too),
    ("decay_multiplier", depthwise_left_out),
    ("_places", frozen_kept),
]


def layers_off_by_one(name, *, num_layers):
    return max(vit_layer(name, num_layers=num_layers) - 1, 0)


def head_decayed_too(name, *, num_layers):
    return min(vit_layer(name, num_layers=num_layers), num_layers)


def embeddings_undecayed(name, param):
    return param.ndim == 1 or name.endswith((".bias", "pos_embed", "cls_token"))


LAYER_DEFECTS = [
    ("vit_layer", layers_off_by_one),
    ("vit_layer", head_decayed_too),
    ("is_undecayed", embeddings_undecayed),
]


def each_parameter_apart(gradients, *, clip_grad):
    apart = [clip_gradients([item], clip_grad=clip_grad) for item in gradients]
    norm = clip_gradients(gradients, clip_grad=clip_grad).norm
    return Clipped([item for clipped in apart for item in clipped.gradients], norm)


def unclipped(gradients, *, clip_grad):
    return Clipped(list(gradients), clip_gradients(gradients, clip_grad=clip_grad).norm)


def always_scaled_to_the_limit(gradients, *, clip_grad):
    """Small gradients grow."""
    clipped = clip_gradients(gradients, clip_grad=clip_grad)
    if clipped.norm is None:
        return clipped
    factor = clip_grad["max_norm"] / (clipped.norm + 1e-6)
    return Clipped([None if item is None else item * factor for item in gradients], clipped.norm)


def without_epsilon(gradients, *, clip_grad):
    clipped = clip_gradients(gradients, clip_grad=clip_grad)
    if clipped.norm is None or clipped.norm <= clip_grad["max_norm"]:
        return clipped
    factor = clip_grad["max_norm"] / clipped.norm
    return Clipped([None if item is None else item * factor for item in gradients], clipped.norm)


def norm_of_all_elements(gradients, *, norm_type=2.0):
    """The same number but for rounding."""
    return torch.cat([item.flatten() for item in gradients]).norm(float(norm_type))


def euclidean_always(gradients, *, norm_type=2.0):
    return torch.stack([item.norm() for item in gradients]).norm()


def full_rounds_only(**counts):
    """The last, shorter round is divided as if it were full."""
    plan = accumulation_plan(**counts)
    return tuple(Accumulation(counts["accumulative_counts"], entry.updates) for entry in plan)


def last_round_dropped(**counts):
    number, done = counts["accumulative_counts"], counts.get("init_counts", 0)
    plan = accumulation_plan(**counts)
    return tuple(
        Accumulation(entry.loss_factor, (done + at) % number == 0)
        for at, entry in enumerate(plan, 1)
    )


def counted_from_0(**counts):
    number = counts["accumulative_counts"]
    plan = accumulation_plan(**counts)
    return tuple(Accumulation(e.loss_factor, at % number == 0) for at, e in enumerate(plan))


def loss_undivided(loss, **counts):
    return loss


def updated_every_time(**counts):
    return True


def stepped_by_adam(model, found, *, optimizer):
    names = {"AdamW": "Adam", "SGD": "SGD"}
    return build_optimizer(model, found, optimizer={**optimizer, "type": names[optimizer["type"]]})


def without_momentum(model, found, *, optimizer):
    options = {key: item for key, item in optimizer.items() if key != "momentum"}
    return build_optimizer(model, found, optimizer=options)


def no_groups(model, **options):
    return groups.param_groups(model, lr=options["lr"], weight_decay=options["weight_decay"])


build_optimizer = training.build_optimizer
OTHER_DEFECTS = [
    ("optim_clip", clip, "total_norm", norm_of_all_elements),
    ("optim_clip", clip, "total_norm", euclidean_always),
    ("optim_train", training, "clip_gradients", each_parameter_apart),
    ("optim_train", training, "clip_gradients", unclipped),
    ("optim_train", training, "scale_loss", loss_undivided),
    ("optim_train", training, "should_update", updated_every_time),
    ("optim_train", training, "build_optimizer", stepped_by_adam),
    ("optim_train", training, "build_optimizer", without_momentum),
    ("optim_train", training, "param_groups", no_groups),
]
REPLACED = [
    ("optim_clip", each_parameter_apart),
    ("optim_clip", unclipped),
    ("optim_clip", always_scaled_to_the_limit),
    ("optim_clip", without_epsilon),
    ("optim_accumulate", full_rounds_only),
    ("optim_accumulate", last_round_dropped),
    ("optim_accumulate", counted_from_0),
]


def named(table):
    return [getattr(row[-1], "__name__", f"{row[-2]}_{index}") for index, row in enumerate(table)]


def differing(name, flaw=None):
    """Number of seeds at which outputs differ, with `flaw` for our function; none may raise."""
    step, make = BY_NAME[name].step, BY_NAME[name].make
    candidate = step.doing(flaw or step.function)
    results = [hold(step, make(seed), seed, candidate=candidate) for seed in SEEDS]
    assert not any(result.error for result in results)
    return sum(result.verdict is Verdict.DIFFERENT for result in results)


def assert_found(value):
    result = hold(BY_NAME["optim_groups"].step, value, 0)
    assert result.verdict is Verdict.DIFFERENT
    assert not result.error


@pytest.mark.live
class TestPlanted:
    @pytest.mark.parametrize("name", list(BY_NAME))
    def test_clean_step_gives_nothing(self, name):
        assert differing(name) == 0

    @pytest.mark.parametrize("value", [SWIN_LIKE, BEIT_LIKE], ids=["swin", "beit"])
    def test_clean_groups_give_nothing(self, value):
        assert hold(BY_NAME["optim_groups"].step, value, 0).verdict is Verdict.EQUAL

    @pytest.mark.parametrize(("name", "flaw"), GROUP_DEFECTS, ids=named(GROUP_DEFECTS))
    def test_groups(self, monkeypatch, name, flaw):
        monkeypatch.setattr(groups, name, flaw)
        assert_found(SWIN_LIKE)

    @pytest.mark.parametrize(("name", "flaw"), LAYER_DEFECTS, ids=named(LAYER_DEFECTS))
    def test_layer_decay(self, monkeypatch, name, flaw):
        monkeypatch.setattr(layer_decay, name, flaw)
        assert_found(BEIT_LIKE)

    @pytest.mark.parametrize(
        ("step", "module", "name", "flaw"), OTHER_DEFECTS, ids=named(OTHER_DEFECTS)
    )
    def test_is_found(self, monkeypatch, step, module, name, flaw):
        monkeypatch.setattr(module, name, flaw)
        assert differing(step) > 0

    @pytest.mark.parametrize(("step", "flaw"), REPLACED, ids=named(REPLACED))
    def test_whole_function(self, step, flaw):
        assert differing(step, flaw) > 0
