"""What the configs of the zoo themselves say, held against its metafiles; nothing is executed.

And in what two scores were obtained differently, read off their signatures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from parity.errors import RunFormatError
from parity.runs.config import read_config
from parity.runs.facts import Config
from parity.runs.families import type_of
from parity.runs.options import crop_size_of, signature_of, test_mode_of
from parity.zoo.rows import Differs, ScoreRow


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
    schedule = schedule_text(iterations) if isinstance(iterations, int) else ""
    return ConfigFacts(_crop(found), schedule, full_signature(found))


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


UNKNOWN = "signature not known"
# The parts of a signature in their order (parity/runs/options.py); more may follow by name.
_KINDS = ("metric", "scale", "mode", "ignored label", "zero label", "label size")
_MULTIPLE = "multiple"
_OF_A_METHOD = ("slide", "whole", "window ", f"{_MULTIPLE}=", f"not {_MULTIPLE}=")


def full_signature(config: Config) -> str:
    """The signature of a config's scores, with the window of sliding inference and test alignment.

    E.g. ``mIoU|ss|slide 512x512 stride 341x341|ignore=255|reduce0=y|orig-size``,
    or ``...|orig-size|multiple=32`` where the test pipeline resizes to multiples.
    """
    try:
        signature = signature_of(config).value or ""
    except RunFormatError:
        return ""  # a config may hold anything anywhere
    return refined_signature(signature, config)


def refined_signature(signature: str, config: Config | None) -> str:
    """`signature` with what only the config says of it."""
    parts = signature.split("|")
    if config is None or len(parts) < len(_KINDS):
        return signature
    mode = _mode(config)
    if mode.partition(" ")[0] == parts[2]:
        parts[2] = mode
    pipeline = config.get("test_dataloader", "dataset", "pipeline")
    for item in pipeline if isinstance(pipeline, (list, tuple)) else ():
        if isinstance(item, Mapping) and type_of(item) == "ResizeToMultiple":
            parts.append(f"{_MULTIPLE}={item.get('size_divisor', 32)}")
    return "|".join(parts)


def _mode(config: Config) -> str:
    try:
        return test_mode_of(config).value or ""
    except RunFormatError:
        return ""  # a config may hold anything anywhere


def unlike(signature: str, other: str) -> tuple[str, ...]:
    """In what the first differs from the second, e.g. ``("ms+flip", "slide")``; () when alike.

    A part that only the second has is named too, as ``not multiple=32``, and one
    that either leaves open as ``mode not known``.
    """
    if not signature or not other:
        return (UNKNOWN,)
    mine, theirs = _parts(signature), _parts(other)
    kinds = [kind for kind in {**mine, **theirs} if mine.get(kind) != theirs.get(kind)]
    return tuple(_difference(kind, mine.get(kind, ""), theirs.get(kind, "")) for kind in kinds)


def _difference(kind: str, one: str, two: str) -> str:
    if kind in _KINDS and any(part in {"", "?"} or part.endswith("=?") for part in (one, two)):
        return f"{kind} not known"
    if not one:
        return f"not {two}"
    if kind == "mode":
        word, _, window = one.partition(" ")
        return word if word != two.partition(" ")[0] else f"window {window}"
    return one


def _parts(signature: str) -> dict[str, str]:
    parts = [part.strip() for part in signature.split("|")]
    known = dict(zip(_KINDS, parts, strict=False))
    return known | {part.partition("=")[0]: part for part in parts[len(_KINDS) :]}


def comparable(marks: tuple[str, ...]) -> bool:
    """Whether scores that differ in `marks` are still of one kind.

    How the image goes through the model (window, alignment) belongs to a method;
    test-time augmentation, other labels, a subset or an unknown signature do not.
    """
    return all(mark.startswith(_OF_A_METHOD) for mark in marks)
