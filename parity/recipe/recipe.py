"""A config as a recipe: its data steps, losses, inference, metric and schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.pipeline import Step
from parity.recipe.find import find_config
from parity.recipe.groups import groups_of
from parity.recipe.heads import Head, heads_of
from parity.recipe.listing import DataSet, data_set_of
from parity.recipe.reader import Reader, Uncompared
from parity.recipe.schedule import Schedule, schedule_of
from parity.settings.items import plain
from parity.settings.terms import Terms, terms_of

_SPLITS = ("train", "val")
_INFERENCE = ("mode", "crop_size", "stride")


@dataclass(frozen=True, eq=False)
class Recipe:
    """The steps of a config, in order, with its options.

    train, val: from the file on, to the batch. views: to those of test-time augmentation,
    without them nothing. heads: decode heads, then auxiliary ones.
    test_cfg, metric: options of inference and of the score; None where no step here does
    it. groups: what `param_groups` takes. reduces: label 0, per split. listings: the
    first data set, per split. joined: by name, further data sets whose pipelines are unlike
    that of the first, each as if it were the only one of its split.
    uncompared: what no step here does; the rest is compared all the same.
    """

    name: str
    terms: Terms
    train: tuple[Step, ...]
    val: tuple[Step, ...]
    views: tuple[Step, ...]
    heads: tuple[Head, ...]
    test_cfg: Mapping[str, Any] | None
    metric: Mapping[str, Any] | None
    schedule: Schedule | None
    groups: Mapping[str, Any] | None
    reduces: Mapping[str, bool]
    listings: Mapping[str, DataSet]
    joined: Mapping[str, Recipe] = field(default_factory=dict)
    uncompared: tuple[Uncompared, ...] = ()

    @property
    def head(self) -> Head | None:
        """The one that predicts: the last decode head."""
        decoding = [head for head in self.heads if head.where.startswith("decode_head")]
        return decoding[-1] if decoding else None


def read(config: str | Path, *, name: str = "") -> Recipe:
    """The recipe of `config`: a name of the zoo, a path, or a work directory.

    name: how to call it, by default as its file, or its folder where that tells more.
    Raises InputError where there is no such config, RunFormatError where it cannot be read.
    """
    found = find_config(config)
    return recipe_of(terms_of(found.config), name or found.name)


def recipe_of(terms: Terms, name: str) -> Recipe:
    """The recipe of a config in the terms of `parity.settings.terms`."""
    reader = Reader(terms)
    train, val = (reader.pipeline(split) for split in _SPLITS)
    found = Recipe(
        name,
        terms,
        tuple(train),
        tuple(val),
        reader.views(),
        heads_of(reader),
        _inference(reader),
        _metric(reader),
        schedule_of(reader),
        groups_of(reader),
        {split: _reduces(reader, split) for split in _SPLITS},
        {split: data_set_of(reader, split) for split in _SPLITS},
    )
    joined = {
        f"{split} {at + 1}, {reader.datasets(split)[at].kind}": _alone(reader, found, split, at)
        for split in _SPLITS
        for at in reader.unlike(split)[1:]
    }
    return replace(found, joined=joined, uncompared=tuple(reader.uncompared))


def _alone(reader: Reader, recipe: Recipe, split: str, at: int) -> Recipe:
    """The recipe as if the joined data set `at` of `split` were its only one."""
    steps = tuple(reader.pipeline(split, at))
    return replace(
        recipe,
        train=steps if split == "train" else (),
        val=steps if split == "val" else (),
        reduces={split: _reduces(reader, split, at)},
        listings={split: data_set_of(reader, split, at)},
    )


def _reduces(reader: Reader, split: str, at: int = 0) -> bool:
    return bool(reader.datasets(split)[at].get("reduce_zero_label").value)


def _inference(reader: Reader) -> dict[str, Any] | None:
    given = reader.terms.item("model", "test_cfg")
    mode = given.get("mode").value
    if mode not in ("whole", "slide"):
        reader.note(given, f"inference in mode {mode!r}", "no step here does it")
        return None
    kept = {key: plain(given.get(key)) for key in _INFERENCE if key in given.fields}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}


def _metric(reader: Reader) -> dict[str, Any] | None:
    parts = reader.terms.item("val_evaluator").parts
    if len(parts) != 1 or parts[0].kind != "IoUMetric":
        kinds = ", ".join(part.kind for part in parts) or "nothing"
        reader.note(reader.terms.item("val_evaluator"), f"{kinds} as the score", "no step here")
        return None
    names = ("iou_metrics", "nan_to_num", "beta", "ignore_index")
    return {key: plain(parts[0].get(key)) for key in names if not parts[0].get(key).is_empty}
