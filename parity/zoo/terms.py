"""A config of the zoo reduced to what trains and scores, as one flat mapping of terms.

What is bookkeeping (how often a checkpoint is written or an evaluation is
made, workers, folders) is left out; what follows from another term is written
as following from it, so that two configs that differ in one setting differ in
the terms of that setting only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from parity.runs.facts import Config
from parity.zoo.rows import ScoreRow

FlatTerms = Mapping[str, Any]

ITERATIONS = "train_cfg.max_iters"
BATCH = "batch"
WEIGHTS = "pretraining.file"
PRETRAINING = "pretraining.data"
MODE = "model.test_cfg.mode"
_SECTIONS = (
    "model",
    "train_dataloader",
    "test_dataloader",
    "test_evaluator",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "load_from",
)
_BOOKKEEPING = re.compile(
    r"train_cfg\.(val_interval|val_begin|dynamic_intervals)"
    r"|(train|test)_dataloader\.(num_workers|persistent_workers|pin_memory|sampler|batch_size)\b.*"
    r"|(train|test)_dataloader\.dataset\.data_root"
    r"|test_evaluator\.(output_dir|format_only)"
    # Said again by the terms of pretraining.
    r"|model\.pretrained|model\.backbone\.pretrained"
    r"|model\.backbone(\.backbone_cfg)?\.init_cfg(\..*)?"
)
_LAST_STEP = re.compile(r"param_scheduler\.(\d+\.)?(end|T_max)")
_DATA = (
    (re.compile(r"(?<![a-z0-9])(in)?2[12]k(?![a-z0-9])"), "ImageNet-22k"),
    (re.compile(r"(?<![a-z0-9])in1k(?![a-z0-9])|^(torchvision|open-mmlab)://"), "ImageNet-1k"),
)


def terms_of(row: ScoreRow, config: Config) -> FlatTerms:
    """What `config` says of training and scoring, and the batch, which only the row says."""
    iterations = config.get("train_cfg", "max_iters")
    terms: dict[str, Any] = {}
    for section in _SECTIONS:
        for path, value in _leaves(config.get(section), section):
            if _BOOKKEEPING.fullmatch(path):
                continue
            ends = _LAST_STEP.fullmatch(path) and value == iterations
            terms[path] = "the last iteration" if ends else value
    file = _weights_file(config)
    return terms | {BATCH: row.batch, WEIGHTS: file, PRETRAINING: pretraining_data(row.name, file)}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    elif value is not None:
        yield path, repr(value) if isinstance(value, (list, tuple, float)) else value


def _weights_file(config: Config) -> str:
    """The file that the backbone starts from; "" for none."""
    places = (
        ("model", "pretrained"),
        ("model", "backbone", "pretrained"),
        ("model", "backbone", "init_cfg", "checkpoint"),
        ("model", "backbone", "backbone_cfg", "init_cfg", "checkpoint"),
    )
    found = (config.get(*place) for place in places)
    return next((str(value) for value in found if value), "")


def pretraining_data(name: str, file: str) -> str:
    """The images that `file` was trained on, by its name or the config's; "" where neither says."""
    if not file:
        return "none"
    said = [data for pattern, data in _DATA if pattern.search(file.lower())]
    said += [data for pattern, data in _DATA if pattern.search(name.lower())]
    return said[0] if said else ""
