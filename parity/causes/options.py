"""Detectors that hold one setting of the run's config against the zoo's config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parity.causes.cause import Evidence, Found, RuledOut, RunContext, Unchecked, Verdict
from parity.runs.facts import Config

Path = tuple[str | int, ...]
# A reader gives the value of a setting, with a default filled in, and where it is written.
Reader = Callable[[Config], tuple[Any, Path]]
NO_CONFIG = Unchecked(
    "the run's config could not be read", "the config that mmengine dumps into the work directory"
)
NO_ROW = Unchecked(
    "there is no zoo result to hold the config against",
    "the name of the zoo's config (--against NAME), with mmsegmentation installed",
)


def differs(
    context: RunContext, read: Reader, what: str, *, why: str = "both configs state it"
) -> Verdict:
    """Found when `read` gives another value for the run than for the zoo's config."""
    if context.run.config is None:
        return NO_CONFIG
    if context.expected is None:
        return NO_ROW
    mine, place = read(context.run.config)
    theirs, _ = read(context.expected)
    if same(mine, theirs):
        return RuledOut(f"{what}: as in {context.expected_name}, {shown(mine)}")
    evidence = context.evidence(context.run.config.source(*place), shown(mine))
    detail = f"{what}: {shown(mine)} here, {shown(theirs)} in {context.expected_name}"
    return Found(evidence, "certain", why, detail)


def same(mine: Any, theirs: Any) -> bool:
    """Equal, with lists and tuples alike, numbers compared by value."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return mine.keys() == theirs.keys() and all(same(mine[k], theirs[k]) for k in mine)
    if isinstance(mine, (list, tuple)) and isinstance(theirs, (list, tuple)):
        return len(mine) == len(theirs) and all(map(same, mine, theirs))
    return bool(mine == theirs)


def shown(value: Any, limit: int = 160) -> str:
    """`value` in one short line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


def setting(*path: str | int, default: Any = None) -> Reader:
    """A reader of one place."""

    def read(config: Config) -> tuple[Any, Path]:
        value = config.get(*path)
        return (default if value is None else value), path

    return read


PIPELINES: dict[str, tuple[Path, ...]] = {
    "train": (("train_dataloader", "dataset"), ("data", "train")),
    "val": (("val_dataloader", "dataset"), ("data", "val")),
    "test": (("test_dataloader", "dataset"), ("data", "test")),
}
_WRAPPED: tuple[Path, ...] = ((), ("dataset",), ("datasets", 0))


def dataset(config: Config, split: str) -> tuple[Mapping[str, Any], Path]:
    """The data set of a split, wrappers such as RepeatDataset taken off, and its place."""
    for base in PIPELINES[split]:
        for inner in _WRAPPED:
            found = config.get(*base, *inner)
            if isinstance(found, Mapping) and "pipeline" in found:
                return found, (*base, *inner)
    return {}, PIPELINES[split][0]


def transforms(config: Config, split: str) -> list[tuple[Mapping[str, Any], Path]]:
    """The transforms of a split's pipeline with their places, flattened out of 1.x's wrappers."""
    owner, place = dataset(config, split)
    pipeline = owner.get("pipeline")
    items = pipeline if isinstance(pipeline, Sequence) and not isinstance(pipeline, str) else ()
    found: list[tuple[Mapping[str, Any], Path]] = []
    for index, item in enumerate(items):
        at = (*place, "pipeline", index)
        if isinstance(item, Mapping):
            found.append((item, at))
            inner = item.get("transforms")
            for position, nested in enumerate(inner if isinstance(inner, Sequence) else ()):
                if isinstance(nested, Mapping):
                    found.append((nested, (*at, "transforms", position)))
    return found


def kind_of(item: Mapping[str, Any]) -> str:
    """The type's name without its scope: ``mmseg.Resize`` is ``Resize``."""
    return str(item.get("type", "")).rpartition(".")[2]


def transform(config: Config, split: str, *names: str) -> tuple[Mapping[str, Any] | None, Path]:
    """The first transform of one of these types, and its place."""
    for item, place in transforms(config, split):
        if kind_of(item) in names:
            return item, place
    return None, (*dataset(config, split)[1], "pipeline")


def transform_option(
    split: str, names: Sequence[str], option: str, *, default: Any = None
) -> Reader:
    """A reader of one option of a transform; the transform missing reads as None."""

    def read(config: Config) -> tuple[Any, Path]:
        item, place = transform(config, split, *names)
        if item is None:
            return None, place
        return item.get(option, default), (*place, option)

    return read


def decode_heads(config: Config) -> list[tuple[Mapping[str, Any], Path]]:
    """The decode heads, auxiliary ones last, with their places."""
    found: list[tuple[Mapping[str, Any], Path]] = []
    for key in ("decode_head", "auxiliary_head"):
        head = config.get("model", key)
        several = isinstance(head, Sequence) and not isinstance(head, str)
        for index, item in enumerate(head if several else [head]):
            if isinstance(item, Mapping):
                found.append((item, ("model", key, index) if several else ("model", key)))
    return found


def walk(value: Any, place: Path = ()) -> list[tuple[Mapping[str, Any], Path]]:
    """Every mapping inside `value`, with its place, outermost first."""
    found: list[tuple[Mapping[str, Any], Path]] = []
    waiting: list[tuple[Any, Path]] = [(value, place)]
    while waiting:
        item, at = waiting.pop(0)
        if isinstance(item, Mapping):
            found.append((item, at))
            waiting += [(inner, (*at, key)) for key, inner in item.items()]
        elif isinstance(item, (list, tuple)):
            waiting += [(inner, (*at, index)) for index, inner in enumerate(item)]
    return found


def place_evidence(context: RunContext, *path: str | int) -> tuple[Evidence, ...]:
    """Where `path` is written in the run's config, with its value."""
    if context.run.config is None:
        return ()
    return context.evidence(context.run.config.source(*path), shown(context.run.config.get(*path)))
