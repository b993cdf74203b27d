"""What the configs of the zoo themselves say, held against its metafiles; nothing is executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from parity.errors import RunFormatError
from parity.runs.config import read_config
from parity.runs.facts import Config
from parity.runs.families import type_of
from parity.runs.options import crop_size_of
from parity.zoo.rows import Differs, ScoreRow
from parity.zoo.signature import full_signature


@dataclass(frozen=True)
class ConfigFacts:
    """crop: height x width, schedule: e.g. ``160k``; "" where the config does not say."""

    crop: str
    schedule: str
    signature: str


def with_configs(rows: Iterable[ScoreRow], configs: Path) -> list[ScoreRow]:
    """`rows` with what their configs below `configs` say of crop, schedule and signature.

    A config that cannot be read is noted with its row.
    """

    return [_with_facts(row, _facts(row.config, configs)) if row.config else row for row in rows]


@cache
def zoo_config(config: str, configs: Path) -> Config | str:
    """What `config`, e.g. ``configs/ann/ann_....py``, says, or why it cannot be read."""
    path = configs.parent / config
    if not path.resolve().is_relative_to(configs.resolve()):
        return "leads out of the zoo's configs; not read"
    if not path.is_file():
        return "does not exist"
    try:
        return read_config(path, tree=configs, configs_root=configs, name=config)
    except RunFormatError as error:
        return f"cannot be read: {error}"


def _facts(config: str, configs: Path) -> ConfigFacts | str:
    found = zoo_config(config, configs)
    if isinstance(found, str):
        return found
    iterations = found.get("train_cfg", "max_iters")
    return ConfigFacts(
        crop=_crop(found),
        schedule=schedule_text(iterations) if isinstance(iterations, int) else "",
        signature=full_signature(found),
    )


def _crop(config: Config) -> str:
    """What the training pipeline crops to; a variable ``crop_size`` may be left from a base."""
    try:
        size: Any = crop_size_of(config).value
    except RunFormatError:
        return ""  # a config may hold anything anywhere
    two = isinstance(size, (list, tuple)) and len(size) == 2
    return f"{size[0]}x{size[1]}" if two else ""


def _with_facts(row: ScoreRow, facts: ConfigFacts | str) -> ScoreRow:
    if isinstance(facts, str):
        return replace(row, notes=(*row.notes, f"its config, {row.config}, {facts}"))
    differs = [
        Differs(field, theirs, "config", row.config)
        for field, theirs in (("crop", facts.crop), ("schedule", facts.schedule))
        if theirs and getattr(row, field) and theirs != getattr(row, field)
    ]
    return replace(
        row,
        crop=row.crop or facts.crop,
        schedule=row.schedule or facts.schedule,
        signature=facts.signature,
        differs=(*row.differs, *differs),
    )


def schedule_text(iterations: int) -> str:
    """Iterations as the zoo writes them: 160000 is ``160k``."""
    return f"{iterations // 1000}k" if iterations % 1000 == 0 else str(iterations)


_BACKBONE_KEYS = ("depth", "depths", "embed_dims", "embed_dim", "arch", "num_layers", "extra")


def model_signature(config: Config) -> tuple[Any, ...]:
    """What makes a model another one: type of the decode head, type and size of the backbone."""
    head, backbone = config.get("model", "decode_head"), config.get("model", "backbone")
    backbone = backbone if isinstance(backbone, Mapping) else {}
    heads = head if isinstance(head, (list, tuple)) else [head]
    sizes = {key: _plain(backbone[key]) for key in _BACKBONE_KEYS if key in backbone}
    kinds = tuple(type_of(item) for item in heads if isinstance(item, dict))
    return kinds, type_of(backbone).removesuffix("V1c"), tuple(sorted(sizes.items()))


def crop_text(crop: Any) -> str:
    """``(512, 1024)`` as rows write it, ``512x1024``; "" for anything else."""
    if isinstance(crop, int):
        crop = (crop, crop)
    whole = isinstance(crop, (list, tuple)) and len(crop) == 2
    return f"{crop[0]}x{crop[1]}" if whole else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _plain(item)) for key, item in value.items()))
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else repr(value)
