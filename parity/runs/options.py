"""What a config says about training: crop, schedule, precision, weights to start from, norms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from parity.errors import RunFormatError
from parity.runs.datasets import dataset_path
from parity.runs.facts import Config, Fact, Unknown, mapping, sequence, text
from parity.runs.families import model_path, type_of

Path = tuple[str | int, ...]
# Optimizer wrappers (mmengine) and hooks (mmcv 0.x) that compute in reduced precision.
_AMP = {"AmpOptimWrapper", "Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook"}


def first_of(config: Config, *paths: Path) -> Fact[Any]:
    """The first of `paths` that `config` gives; not known where only running could tell it."""
    for path in paths:
        fact = config.fact(*path)
        if fact.known or fact.note:
            return fact
    return Fact(note=f"{config.file} gives no {_name(paths[0])}")


def crop_size_of(config: Config) -> Fact[Any]:
    """Size of the random crop, else of the model's input, as the config writes it."""
    path = (*dataset_path(config), "pipeline")
    steps = enumerate(sequence(config.get(*path), _name(path)))
    crops = [(*path, i, "crop_size") for i, step in steps if type_of(step) == "RandomCrop"]
    model = (*model_path(config), "data_preprocessor", "size")
    return first_of(config, *crops, model, ("crop_size",))


def _name(path: Path) -> str:
    return ".".join(map(str, path))


def _mapping_of(config: Config, *paths: Path) -> Fact[Mapping[str, Any]]:
    """The first of `paths` that `config` gives, which must be a dict. Raises RunFormatError."""
    fact = first_of(config, *paths)
    if fact.known:
        mapping(fact.value, _name(paths[0]))
    return fact


def optimizer_of(config: Config) -> Fact[Mapping[str, Any]]:
    """Type, lr, weight decay, ..."""
    return _mapping_of(config, ("optim_wrapper", "optimizer"), ("optimizer",))


def paramwise_of(config: Config) -> Fact[Mapping[str, Any]]:
    """Options of single parameters: lr_mult, decay_mult, layer decay."""
    return _mapping_of(config, ("optim_wrapper", "paramwise_cfg"), ("optimizer", "paramwise_cfg"))


def clip_grad_of(config: Config) -> Fact[Mapping[str, Any]]:
    """Gradient clipping."""
    return _mapping_of(config, ("optim_wrapper", "clip_grad"), ("optimizer_config", "grad_clip"))


def schedule_of(config: Config) -> Fact[tuple[Mapping[str, Any], ...]]:
    """The stages of the learning rate schedule, in order."""
    fact = first_of(config, ("param_scheduler",), ("lr_config",))
    given = fact.value if isinstance(fact.value, (list, tuple)) else [fact.value]
    stages = tuple(item for item in given if isinstance(item, Mapping))
    return Fact(stages or None, fact.source, fact.note)


def precision_of(config: Config) -> Fact[str]:
    """``float32``, or ``amp`` and the reduced type."""
    for key in ("optim_wrapper", "optimizer_config"):
        given = mapping(config.get(key), key)
        text(given.get("type"), f"{key}.type")
        if type_of(given) in _AMP:
            dtype = text(config.get(key, "dtype"), f"{key}.dtype") or "float16"
            return Fact(f"amp {dtype}", config.source(key, "type"))
    if config.get("fp16") is not None:
        return Fact("amp float16", config.source("fp16"))
    return Fact("float32", config.source("optim_wrapper", "type"))


def pretrained_of(config: Config) -> Fact[str]:
    """The weights to start from; ``none`` where the config names none."""
    model = model_path(config)
    fact = first_of(
        config,
        ("load_from",),
        (*model, "backbone", "init_cfg", "checkpoint"),
        (*model, "init_cfg", "checkpoint"),
        (*model, "pretrained"),
        (*model, "backbone", "pretrained"),
    )
    if isinstance(fact.value, str) or (fact.source and not fact.known):
        return fact
    return Fact("none", config.source(*model, "backbone"), "the config names no weights")


def norms_of(config: Config) -> Fact[tuple[str, ...]]:
    """Every kind of normalisation that a `norm_cfg` of the model names, sorted."""
    path = model_path(config)
    found = sorted(set(_norm_types(config.get(*path))))
    where = config.source(*path, "backbone", "norm_cfg")
    return Fact(tuple(found), where, "" if found else "the model's config names none")


def _norm_types(value: Any) -> Iterator[str]:
    if isinstance(value, Unknown):
        raise RunFormatError(value.note)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "norm_cfg" and type_of(item):
                yield type_of(item)
            elif key == "norm_cfg" or not isinstance(item, Unknown):
                yield from _norm_types(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from () if isinstance(item, Unknown) else _norm_types(item)
