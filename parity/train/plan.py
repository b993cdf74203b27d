"""What our loop needs to know of a config, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from parity.errors import InputError
from parity.recipe import Recipe, recipe_of
from parity.settings.items import Item
from parity.settings.terms import terms_of
from parity.steps.schedule import ReduceOnPlateauLR, Scheduler, lr_table, schedulers_from_config
from parity.train.data import EpochOrder, InfiniteOrder, Samples, dataset_of
from parity.train.losses import HeadLoss, head_loss
from parity.train.precision import Amp
from parity.train.settings import TrainingSettings
from parity.train.validation import ValidationPlan, validation_plan

Values = Mapping[str, Any]
AMP = "AmpOptimWrapper"
EPOCHS = "EpochBasedTrainLoop"
_ORDERS: Mapping[str, type[InfiniteOrder]] = {
    "InfiniteSampler": InfiniteOrder,
    "DefaultSampler": EpochOrder,
}
_LOADER = frozenset(
    {"dataset", "sampler", "batch_size", "drop_last", "num_workers", "persistent_workers"}
    | {"pin_memory", "prefetch_factor"}  # which change no sample
)
_SEGMENTORS = ("EncoderDecoder", "CascadeEncoderDecoder")


@dataclass(frozen=True)
class TrainingPlan:
    """A training of our side.

    heads: the loss of each head by its name in the segmentor, aux heads last; an InputError
    where it is not reproduced, raised when it is needed. collate, optimizer, grouping:
    options of the functions of these names. max_iters: of the whole schedule. average:
    options of `Average`; None without one. epoch_length: batches in one order of the data.
    by_epoch: the loop counts epochs; otherwise the order, of the kind `order`, is without end
    or begins anew where it ends.
    """

    dataset: Samples
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
    epoch_length: int
    by_epoch: bool = False
    order: type[InfiniteOrder] = InfiniteOrder
    drop_last: bool = False
    persistent: bool = False
    amp: Amp | None = None
    average: Values | None = None
    validation: ValidationPlan | None = None

    def rates(self, base: Sequence[float], iters: int) -> NDArray[np.float64]:
        """The rate of every group, from its `base`, in each iteration that is run, and further."""
        length = self.epoch_length
        counted = -(-iters // length) * length if self.by_epoch else iters
        loop: Literal["iter", "epoch"] = "epoch" if self.by_epoch else "iter"
        specs = self.schedulers
        return lr_table(base, specs, max_iters=counted, epoch_length=length, loop=loop)


def plan_of(settings: TrainingSettings) -> TrainingPlan:
    """What `settings` ask of our loop. Raises InputError for what it does not do."""
    values, name = settings.values, settings.name
    recipe = recipe_of(terms_of(settings.config), name)
    wrapper, loader = dict(values["optim_wrapper"]), values["train_dataloader"]
    _insist(name, recipe)
    sampler, dataset = loader["sampler"], dataset_of(recipe, "train")
    batch_size = int(_number(settings, "train_dataloader", "batch_size"))
    by_epoch = recipe.terms.item("train_cfg").kind == EPOCHS
    length = _batches(name, len(dataset), batch_size, loader.get("drop_last", False))
    epochs = int(_number(settings, "train_cfg", "max_epochs")) if by_epoch else 1
    max_iters = epochs * length if by_epoch else int(_number(settings, "train_cfg", "max_iters"))
    schedulers = schedulers_from_config(values.get("param_scheduler") or [])
    for spec in schedulers:
        if spec.momentum or isinstance(spec, ReduceOnPlateauLR):
            raise InputError(f"{name}: {type(spec).__name__} of momentum or scores is not trained")
    return TrainingPlan(
        dataset=dataset,
        collate=recipe.train[-1].options,
        batch_size=batch_size,
        workers=loader.get("num_workers", 0),
        shuffle=sampler.get("shuffle", True),
        sampler_seed=sampler.get("seed"),
        heads={key: _losses(recipe, key) for key in ("decode_head", "auxiliary_head")},
        optimizer=wrapper["optimizer"],
        grouping=_grouping(settings),
        clip_grad=wrapper.get("clip_grad"),
        accumulative_counts=wrapper.get("accumulative_counts", 1),
        schedulers=tuple(
            _ended(spec, epochs if spec.by_epoch else max_iters) for spec in schedulers
        ),
        max_iters=max_iters,
        epoch_length=length,
        by_epoch=by_epoch,
        order=_ORDERS[recipe.terms.item("train_dataloader", "sampler").kind],
        drop_last=loader.get("drop_last", False),
        persistent=loader.get("persistent_workers", False),
        amp=_amp(wrapper),
        average=_average(settings),
        validation=validation_plan(recipe, values, epoch_length=length if by_epoch else None),
    )


def _insist(name: str, recipe: Recipe) -> None:
    """Raises InputError, naming the first thing that our loop does not do."""
    wanted = {
        ("model",): _SEGMENTORS,
        ("optim_wrapper",): ("OptimWrapper", AMP),
        ("train_cfg",): ("IterBasedTrainLoop", EPOCHS),
        ("train_dataloader", "sampler"): tuple(_ORDERS),
    }
    for path, kinds in wanted.items():
        kind = recipe.terms.item(*path).kind
        if kind not in kinds:
            raise InputError(f"{name}: {'.'.join(path)} {kind!r} is not trained; {kinds[0]} is")
    if recipe.terms.item("train_cfg").kind == EPOCHS and kind == "InfiniteSampler":
        raise InputError(f"{name}: an {EPOCHS} with InfiniteSampler never ends its first epoch")
    loader = recipe.terms.item("train_dataloader")
    if other := [key for key in loader.fields if key not in _LOADER]:
        raise InputError(f"{name}: train_dataloader.{other[0]} is not done here")
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


def _batches(name: str, size: int, batch_size: int, drop_last: bool) -> int:
    """How many one order of the data has. Raises InputError where that is none."""
    found = size // batch_size if drop_last else -(-size // batch_size)
    if not found:
        raise InputError(f"{name}: drop_last leaves no batch of {batch_size} from {size} images")
    return found


def _ended(spec: Scheduler, end: int) -> Scheduler:
    """With the end of training where the config gives no end."""
    return spec if spec.end is not None else replace(spec, end=end)
