"""What our loop needs to know of a config, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from parity.errors import InputError
from parity.recipe import Recipe, recipe_of
from parity.settings.items import Item
from parity.settings.terms import terms_of
from parity.steps.schedule import ReduceOnPlateauLR, Scheduler, schedulers_from_config
from parity.train.data import StreamDataset, dataset_of
from parity.train.losses import HeadLoss, head_loss
from parity.train.precision import Amp
from parity.train.settings import TrainingSettings
from parity.train.validation import ValidationPlan, validation_plan

Values = Mapping[str, Any]
AMP = "AmpOptimWrapper"
_SEGMENTORS = ("EncoderDecoder", "CascadeEncoderDecoder")


@dataclass(frozen=True)
class TrainingPlan:
    """A training of our side.

    heads: the loss of each head by its name in the segmentor, aux heads last; an InputError
    where it is not reproduced, raised when it is needed. collate, optimizer, grouping:
    options of the functions of these names. max_iters: of the whole schedule. average:
    options of `Average`; None without one.
    """

    dataset: StreamDataset
    collate: Values
    batch_size: int
    workers: int
    shuffle: bool
    sampler_seed: int | None
    heads: Mapping[str, tuple[HeadLoss | InputError, ...]]
    optimizer: Values
    grouping: Values
    clip_grad: Values | None
    accumulative_counts: int
    schedulers: tuple[Scheduler, ...]
    max_iters: int
    amp: Amp | None = None
    average: Values | None = None
    validation: ValidationPlan | None = None


def plan_of(settings: TrainingSettings) -> TrainingPlan:
    """What `settings` ask of our loop. Raises InputError for what it does not do."""
    values, name = settings.values, settings.name
    recipe = recipe_of(terms_of(settings.config), name)
    wrapper, loader = dict(values["optim_wrapper"]), values["train_dataloader"]
    _insist(name, recipe)
    sampler, max_iters = loader["sampler"], _number(settings, "train_cfg", "max_iters")
    schedulers = schedulers_from_config(values.get("param_scheduler") or [])
    for spec in schedulers:
        if spec.momentum or isinstance(spec, ReduceOnPlateauLR):
            raise InputError(f"{name}: {type(spec).__name__} of momentum or scores is not trained")
    return TrainingPlan(
        dataset=dataset_of(recipe, loader["dataset"], "train"),
        collate=recipe.train[-1].options,
        batch_size=int(_number(settings, "train_dataloader", "batch_size")),
        workers=loader.get("num_workers", 0),
        shuffle=sampler.get("shuffle", True),
        sampler_seed=sampler.get("seed"),
        heads={key: _losses(recipe, key) for key in ("decode_head", "auxiliary_head")},
        optimizer=wrapper["optimizer"],
        grouping=_grouping(settings),
        clip_grad=wrapper.get("clip_grad"),
        accumulative_counts=wrapper.get("accumulative_counts", 1),
        schedulers=tuple(_ended(spec, int(max_iters)) for spec in schedulers),
        max_iters=int(max_iters),
        amp=_amp(wrapper),
        average=_average(settings),
        validation=validation_plan(recipe, values),
    )


def _insist(name: str, recipe: Recipe) -> None:
    """Raises InputError, naming the first thing that our loop does not do."""
    wanted = {
        ("model",): _SEGMENTORS,
        ("optim_wrapper",): ("OptimWrapper", AMP),
        ("train_cfg",): ("IterBasedTrainLoop",),
        ("train_dataloader", "sampler"): ("InfiniteSampler",),
    }
    for path, kinds in wanted.items():
        kind = recipe.terms.item(*path).kind
        if kind not in kinds:
            raise InputError(f"{name}: {'.'.join(path)} {kind!r} is not trained; {kinds[0]} is")
    if recipe.terms.item("model", "data_preprocessor").kind != "SegDataPreProcessor":
        raise InputError(f"{name}: the model has no SegDataPreProcessor, and is not trained")
    for part in recipe.uncompared:
        if "train" in part.what or "model" in part.what:
            raise InputError(f"{name}: {part}")


def _losses(recipe: Recipe, key: str) -> tuple[HeadLoss | InputError, ...]:
    return tuple(_loss_or_error(head) for head in recipe.terms.item("model", key).parts)


def _loss_or_error(head: Item) -> HeadLoss | InputError:
    try:
        return head_loss(head)
    except InputError as error:
        return error


def _amp(wrapper: Values) -> Amp | None:
    if not str(wrapper.get("type", "")).endswith(AMP):
        return None
    return Amp(**{key: wrapper[key] for key in ("dtype", "loss_scale") if key in wrapper})


def _average(settings: TrainingSettings) -> Values | None:
    """Raises InputError for an average of another kind than ours."""
    hooks = settings.values.get("custom_hooks") or []
    if not hooks:
        return None
    (hook,) = hooks
    options = {key: value for key, value in hook.items() if key not in ("type", "priority")}
    options.pop("strict_load", None)
    kind = options.pop("ema_type", "ExponentialMovingAverage")
    known = {"momentum", "interval", "update_buffers", "begin_iter"}
    if kind != "ExponentialMovingAverage" or not options.keys() <= known:
        told = ", ".join(sorted(options.keys() - known)) or kind
        raise InputError(f"{settings.name}: an EMAHook with {told} is not done here")
    return options


def _number(settings: TrainingSettings, *path: str) -> float:
    value = settings.config.get(*path)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InputError(f"{settings.name}: {'.'.join(path)} is {value!r}, not a number")
    return value


def _grouping(settings: TrainingSettings) -> Values:
    wrapper = settings.values["optim_wrapper"]
    found = {key: wrapper[key] for key in ("paramwise_cfg", "constructor") if wrapper.get(key)}
    optimizer, path = wrapper["optimizer"], ("optim_wrapper", "optimizer")
    decay = _number(settings, *path, "weight_decay") if "weight_decay" in optimizer else None
    rates = {"lr": _number(settings, *path, "lr"), "weight_decay": decay}
    return {**found, **rates, "optimizer": optimizer["type"]}


def _ended(spec: Scheduler, max_iters: int) -> Scheduler:
    """With the end of training where the config gives no end."""
    return spec if spec.end is not None or spec.by_epoch else replace(spec, end=max_iters)
