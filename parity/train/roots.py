"""Where the data of a training lie: at the config's root, at the user's, or built in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.settings.terms import terms_of

if TYPE_CHECKING:
    from parity.train.settings import TrainingSettings

BUILT_IN_CLASSES = 150
BUILT_IN_COUNT = 6
LOADERS = ("train_dataloader", "val_dataloader")
Values = dict[str, Any]


@contextmanager
def built_in_data() -> Iterator[Path]:
    """A root in ADE20K's layout with copies of the built-in images, for a training.

    One of them is left out: it holds labels beyond the classes, which no loss takes.
    """
    source = inputs_root()
    with tempfile.TemporaryDirectory(prefix="parity-train-") as folder:
        for kind, split in product(("images", "annotations"), ("training", "validation")):
            target = Path(folder) / kind / split
            target.mkdir(parents=True)
            for file in sorted((source / kind / "validation").iterdir()):
                if not file.name.startswith("wide_"):
                    shutil.copyfile(file, target / file.name)
        yield Path(folder)


def with_roots(given: TrainingSettings, data: Path | None, spare: Path | None) -> TrainingSettings:
    """Every data set below its root, `data` or `spare`; see `read_settings`. Raises InputError."""
    for key in LOADERS:
        if given.values.get(key):
            given = _with_root(given, key, data, spare)
    return given


def _with_root(
    given: TrainingSettings, key: str, data: Path | None, spare: Path | None
) -> TrainingSettings:
    loader, made, own = given.values[key], given, set()

    def below(dataset: Values) -> Values:
        nonlocal made
        own.add(dataset.get("data_root"))
        root, told = _root(given, dataset, data, spare)
        made = replace(made.having(told), spare=str(root) if told else made.spare)
        return {**dataset, "data_root": str(root)}

    changed: Values = {key: {**loader, "dataset": _at_leaves(loader.get("dataset") or {}, below)}}
    if data is not None and len(own) > 1:
        raise InputError(f"{given.name}: joins data of several roots, and --data names one")
    return made.having(**changed)


def _at_leaves(dataset: Values, change: Callable[[Values], Values]) -> Values:
    """`dataset` with `change` made to it, or to every data set within its wrappers."""
    if isinstance(dataset.get("datasets"), (list, tuple)):
        return {**dataset, "datasets": [_at_leaves(one, change) for one in dataset["datasets"]]}
    if isinstance(dataset.get("dataset"), Mapping):
        return {**dataset, "dataset": _at_leaves(dataset["dataset"], change)}
    return change(dataset)


def _root(
    given: TrainingSettings, dataset: Values, data: Path | None, spare: Path | None
) -> tuple[Path, str]:
    """That of `dataset`, and what to tell where it is not the config's or the user's."""
    prefix = dataset.get("data_prefix")
    if not isinstance(prefix, Mapping) or not {"img_path", "seg_map_path"} <= set(prefix):
        kind = dataset.get("type", "no data set")
        raise InputError(f"{given.name}: {kind} without data_prefix is not trained here")
    own, told = Path(dataset.get("data_root") or ""), ""
    root = own if data is None else data
    if data is None and spare is not None and not (own / prefix["img_path"]).is_dir():
        _check_classes(given, own, dataset)
        root, told = spare, f"{own} is missing: {BUILT_IN_COUNT} built-in images for it"
    for folder in prefix.values():
        if not (root / folder).is_dir():
            raise InputError(f"{root / folder}: no such directory; name the root with --data")
    return root, told


def _check_classes(given: TrainingSettings, root: Path, dataset: Values) -> None:
    heads = terms_of(given.config).item("model", "decode_head").parts
    classes = heads[-1].get("num_classes").value if heads else None
    if dataset.get("type") != "ADE20KDataset" or classes not in (BUILT_IN_CLASSES, None):
        raise InputError(
            f"{root}: the data set of {given.name} is missing; name its root with --data "
            f"(the built-in images have the classes of ADE20K)"
        )
