"""A config for other hardware: the same samples in each optimizer step, at the same rates.

mmengine's loop counts micro-batches (mmengine 0.10.7 runner/loops.py), its schedulers step after
each of them (hooks/param_scheduler_hook.py), and an optimizer with ``accumulative_counts`` k steps
at the last of every k (optim/optimizer/optimizer_wrapper.py). So step s happens in iteration
k s + k - 1, counted from 0, where the derived schedule has the rate of iteration s.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np

from parity.causes.facts import intended_accumulation, intended_batch
from parity.errors import InputError
from parity.explain.row import beside_row, choose, terms_of_run
from parity.guard.different import stays_different
from parity.guard.judge import planned_run
from parity.recipe import FoundConfig, find_config
from parity.runs.config import parse_config
from parity.runs.datasets import dataset_path
from parity.runs.facts import Config
from parity.runs.merge import unknown_in
from parity.settings import Terms, differences, terms_of
from parity.steps.schedule import lr_table

# What differs by intention; anything else would be a mistake of ours.
_MEANT = (
    "train_dataloader.batch_size",
    "optim_wrapper.accumulative_counts",
    "train_cfg.max_iters",
    "train_cfg.val_interval",
    "default_hooks.checkpoint.interval",
    "auto_scale_lr.enable",
)
_DERIVED = ("PolyLR", "PolyLRRatio", "LinearLR", "ConstantLR", "MultiStepLR", "CosineAnnealingLR")


Values = dict[str, Any]


@dataclass(frozen=True)
class Derived:
    """A config and what is known of it beside the original.

    factor: micro-batches for each of the original's iterations. checked: what was held against
    the original, in words. differs: what stays different. changes: by top-level name.
    """

    base: str
    changes: Values
    factor: int
    checked: tuple[str, ...]
    differs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The config file."""
        lines = [f"_base_ = {self.base!r}", ""]
        lines += [f"{name} = {pformat(v, width=96, sort_dicts=False)}" for name, v in
                  self.changes.items()]  # fmt: skip
        return "\n".join(lines) + "\n"


def derive(
    config: str,
    *,
    gpus: int,
    batch: int | None = None,
    data: Path | None = None,
    out: Path | None = None,
) -> Derived:
    """The config called `config` for `gpus` processes with `batch` images each.

    batch: by default the config's. What is missing to the original's samples per step is
    accumulated. data: another root of the data set. out: where the file is to lie. Raises
    InputError where the batch cannot be had, or the config is not one that is derived here.
    """
    place = find_config(config)
    found = place.config
    terms = terms_of(found)
    _check(config, place, terms)
    samples = terms.get("train_dataloader", "batch_size")
    meant = _intended(config, found, place.name)
    images = gpus * (batch or samples)
    if meant % images:
        raise InputError(
            f"{config}: {meant} samples an iteration are no multiple of {gpus} x "
            f"{batch or samples}; give a --batch such that GPUs times batch divides {meant}"
        )
    factor = meant // images
    changes = _changes(found, terms, batch or samples, factor, data)
    derived = terms_of(_merged(found, changes))
    return Derived(
        _base(place, out),
        changes,
        factor,
        tuple(_checked(terms, derived, factor, meant, images)),
        tuple(stays_different(terms, gpus, meant, batch or samples, factor)),
    )


def _check(config: str, place: FoundConfig, terms: Terms) -> None:
    if terms.legacy:
        raise InputError(f"{config}: is of mmseg 0.x; give a config of 1.x")
    if place.path.is_dir():
        raise InputError(f"{config}: only a log prints its config; save that in a file, as a base")
    if "read_base" in place.path.read_text("utf-8", "replace"):
        raise InputError(f"{config}: is in mmengine's pure Python style, which _base_ cannot take")
    keys = ("train_dataloader", "train_cfg", "param_scheduler", "optim_wrapper", "default_hooks")
    for item in unknown_in({key: place.config.get(key) for key in keys}):
        raise InputError(f"{config}: {item.note}")
    for path in (("train_dataloader", "batch_size"), ("train_cfg", "max_iters")):
        if type(terms.get(*path)) is not int:
            raise InputError(f"{config}: has no {'.'.join(path)}; only such trainings are derived")


def _intended(config: str, found: Config, name: str) -> int:
    """Samples of an iteration, over all GPUs."""
    run = planned_run(found, name=name, gpus=1)
    mine = terms_of_run(run)
    context = beside_row(run, mine, choose(run, terms=mine))
    meant, _ = intended_batch(context)
    if meant is None:
        raise InputError(
            f"{config}: neither the zoo nor its name (such as 8xb2) says how many samples a step "
            "is meant to have; rename it so that it does"
        )
    return meant // (intended_accumulation(context) or 1)


def _changes(
    found: Config, terms: Terms, batch: int, factor: int, data: Path | None
) -> dict[str, Any]:
    made: Values = {"train_dataloader": {"batch_size": batch}}
    if factor > 1:
        made |= _longer(found, terms, factor)
    for split in ("train", "val", "test") if data is not None else ():
        *inside, name = dataset_path(found, split)
        if not isinstance(found.get(*inside, name), Mapping):
            continue
        if any(type(key) is int for key in inside):
            raise InputError(f"{found.file}: the data of {split} are several sets; no --data")
        _put(made, [*map(str, inside), str(name), "data_root"], str(data))
    return made


def _put(tree: Values, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    tree[path[-1]] = value


def _longer(found: Config, terms: Terms, factor: int) -> Values:
    length = terms.get("train_cfg", "max_iters")
    counts = factor * (terms.get("optim_wrapper", "accumulative_counts") or 1)
    made: Values = {
        "optim_wrapper": {"accumulative_counts": counts},
        "train_cfg": {"max_iters": factor * length},
    }
    for path in (("train_cfg", "val_interval"), ("default_hooks", "checkpoint", "interval")):
        if type(interval := terms.get(*path)) is int:
            _put(made, path, factor * interval)
    if terms.get("auto_scale_lr", "enable"):
        made["auto_scale_lr"] = {"enable": False}
    stages = found.get("param_scheduler") or []
    stages = [stages] if isinstance(stages, Mapping) else stages
    made["param_scheduler"] = [_stage(dict(stage), factor, length) for stage in stages]
    return made


def _stage(stage: Values, factor: int, length: int) -> Values:
    """A scheduler whose rate in iteration k s + k - 1 is that of the given one in s."""
    kind = str(stage.get("type", ""))
    if stage.get("by_epoch", True):
        return stage  # in a loop by iterations it never moves
    if kind not in _DERIVED:
        raise InputError(f"param_scheduler {kind} is not derived; {', '.join(_DERIVED)} are")
    begin = stage.get("begin") or 0
    end = length if stage.get("end") is None else stage["end"]
    made = {**stage, "begin": factor * begin + factor - 1, "end": factor * end}
    if "milestones" in stage:
        made["milestones"] = [factor * at for at in stage["milestones"]]
    if kind == "CosineAnnealingLR":
        made["T_max"] = factor * (stage.get("T_max") or end - begin)
    return made


def _merged(found: Config, changes: Values) -> Config:
    """As mmengine merges: dicts into dicts."""

    def merged(old: Any, new: Any) -> Any:
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            return new
        return {**old, **{key: merged(old.get(key), part) for key, part in new.items()}}

    return Config(merged(found.values, changes), found.file, found.origins)


def _base(place: FoundConfig, out: Path | None) -> str:
    path = place.path
    if place.tree is not None:  # of the installed mmsegmentation
        return f"mmseg::{path.relative_to(place.tree).as_posix()}"
    if out is None:
        return str(path.resolve())
    return Path(os.path.relpath(path.resolve(), out.resolve().parent)).as_posix()


def _checked(terms: Terms, derived: Terms, factor: int, meant: int, images: int) -> Iterator[str]:
    """What agrees with the original. Raises InputError for what does not: a mistake of ours."""
    other = [
        item.path
        for item in differences(derived, terms)
        if item.path not in _MEANT
        and not item.path.startswith("param_scheduler")
        and not item.path.endswith("data_root")
    ]
    if other:
        raise InputError(f"the derived config differs in {', '.join(other)}; derive it by hand")
    yield "model, pipelines, optimizer and its parameter groups: the original's"
    steps = terms.get("train_cfg", "max_iters") // (
        terms.get("optim_wrapper", "accumulative_counts") or 1
    )
    yield f"samples: {images} x {factor} = {meant} in each of {steps} optimizer steps"
    apart = _rates_apart(terms, derived, factor)
    if apart is not None:
        yield f"rate at each optimizer step: the original's within {apart:.1e} of its largest"


def _rates_apart(terms: Terms, derived: Terms, factor: int) -> float | None:
    """The largest difference of the rate over the original's iterations, of its largest rate."""
    rate = terms.get("optim_wrapper", "optimizer", "lr")
    if not isinstance(rate, (int, float)):
        return None
    length = terms.get("train_cfg", "max_iters")
    here, there = (
        _rates(repr(one.get("param_scheduler") or []), float(rate), times * length)
        for one, times in ((derived, factor), (terms, 1))
    )
    return float(np.abs(here[factor - 1 :: factor] - there).max() / there.max())


@cache
def _rates(stages: str, rate: float, length: int) -> Any:
    listed = parse_config(f"stages = {stages}", file="param_scheduler").get("stages")
    return lr_table([rate], listed, max_iters=length)[:, 0]
