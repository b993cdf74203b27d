"""Runs of other programs: what a reader of theirs gives, and what all readers need.

Their YAML and JSON documents are read as configs: values with the lines they stand in.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from parity.errors import RunFormatError
from parity.runs.curves import number
from parity.runs.documents import document
from parity.runs.facts import Config, Fact, Source
from parity.runs.families import backbone_of
from parity.runs.log_data import LogData, percent_scale
from parity.runs.reading import Reading
from parity.runs.record import ClassScore, Evaluation
from parity.runs.scalars import score_name
from parity.runs.tree import read_bounded

SNIFFED_BYTES = 1 << 16


def whole(value: Any) -> int | None:
    """`value` as a count; None when it is none."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= 10**15 else None


def text(value: Any) -> str | None:
    """`value` where it is a text."""
    return value if isinstance(value, str) else None


@dataclass
class Foreign:
    """A run of another program.

    starts: what each start of it logged, in time order, the most exact source
    first. stated: facts by the name of the setting. files: those the reader took.
    """

    starts: list[list[LogData]]
    stated: dict[str, Fact[Any]] = field(default_factory=dict)
    files: frozenset[str] = frozenset()

    def state(self, name: str, value: Any, source: Source | None, note: str = "") -> None:
        """Set the setting `name`, unless it is not known or set already."""
        if value is not None and name not in self.stated:
            self.stated[name] = Fact(value, source, note)

    def take(
        self, given: Config, name: str, key: str, read: Callable[[Any], Any] = whole, note: str = ""
    ) -> None:
        """Set the setting `name` to what `read` makes of the value at `key`, parts with dots."""
        fact = given.fact(*key.split("."))
        self.state(name, read(fact.value), fact.source, note)


def head(reading: Reading, file: str) -> bytes:
    """The beginning of `file`; b"" when it cannot be read."""
    try:
        with reading.tree.open(file) as stream:
            return stream.read(SNIFFED_BYTES)
    except (RunFormatError, OSError):
        return b""


@dataclass
class Scores:
    """Values of one evaluation: metrics by mmseg's names, and the scores of single classes."""

    metrics: dict[str, float] = field(default_factory=dict)
    iou: dict[str, float] = field(default_factory=dict)
    acc: dict[str, float] = field(default_factory=dict)

    def evaluation(
        self, split: str, step: int | None, source: Source, scale: float | None = None
    ) -> Evaluation:
        """In percent. scale: to multiply with, by default 100 where all metrics are fractions."""
        factor = percent_scale(self.metrics.values()) if scale is None else scale
        names, nan = dict.fromkeys((*self.iou, *self.acc)), float("nan")
        rows = tuple(ClassScore(n, self.iou.get(n, nan), self.acc.get(n, nan)) for n in names)
        return Evaluation(split, step, self.metrics, source, classes=rows).times(factor)


def metrics_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The segmentation metrics among the values of `record`."""
    found: dict[str, float] = {}
    for written, value in record.items():
        name, read = score_name(written), number(value)
        if name is not None and read is not None:
            found.setdefault(name, read)
    return found


def plain_list(value: object) -> Sequence[Any]:
    """`value` where it is a list, else nothing."""
    return value if isinstance(value, (list, tuple)) else ()


MAX_YAML, MAX_JSON = 1 << 18, 1 << 26
MAX_KEYS = 20_000
_KEY = re.compile(r'(\s+)"([^"\\]{1,200})":')


def read_yaml(file: str, reading: Reading) -> Config | None:
    """A YAML mapping of plain values; None, and listed as unread, for anything else."""
    try:
        text = _text(file, reading, MAX_YAML)
        values = document(text, ".yaml")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (RunFormatError, yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        reading.failed(file, _plain(file, error, "YAML of plain values"))
        return None
    reading.files.append(file)
    origins = {} if node is None else _origins(node, file, text.split("\n"))
    return Config(values, file, origins)


def read_json(file: str, reading: Reading) -> Config | None:
    """A JSON object; None, and listed as unread, for anything else."""
    try:
        text = _text(file, reading, MAX_JSON)
        values = json.loads(text)
        if not isinstance(values, dict):
            raise RunFormatError("holds no object")
    except (RunFormatError, ValueError, RecursionError) as error:
        reading.failed(file, _plain(file, error, "JSON"))
        return None
    reading.files.append(file)
    return Config(values, file, _top_level(values, file, text))


def _top_level(
    values: Mapping[str, Any], file: str, text: str
) -> dict[tuple[str | int, ...], Source]:
    """The line of every key of the outermost object, where each has one of its own."""
    found: dict[tuple[str | int, ...], Source] = {}
    indent = None
    for at, line in enumerate(text.split("\n"), start=1):
        match = _KEY.match(line)
        if match is None:
            continue
        indent = match[1] if indent is None else indent
        if match[1] == indent and match[2] in values:
            found.setdefault((match[2],), Source(file, at, line.strip()[:300]))
    return found


def item_lines(given: Config, reading: Reading, key: str, count: int) -> Sequence[int]:
    """The line of `key` in each of `count` objects, in order; zeros where there are not so many."""
    try:
        text = _text(given.file, reading, MAX_JSON)
    except RunFormatError:
        return [0] * count
    place = re.compile(rf'\s+"{re.escape(key)}":')
    lines = [at for at, line in enumerate(text.split("\n"), start=1) if place.match(line)]
    return lines if len(lines) == count else [0] * count


def _plain(file: str, error: Exception, what: str) -> RunFormatError:
    if isinstance(error, RunFormatError):
        return error
    return RunFormatError(f"{file}: not {what}: {' '.join(str(error).split())[:200]}")


def _text(file: str, reading: Reading, limit: int) -> str:
    root = reading.tree.root
    return read_bounded(root / file, limit, inside=root).decode("utf-8-sig", "replace")


def _origins(root: yaml.Node, file: str, lines: list[str]) -> dict[tuple[str | int, ...], Source]:
    """The line of every key. Anchors may make a graph of the tree: only so many are followed."""
    found: dict[tuple[str | int, ...], Source] = {}
    waiting: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), root)]
    while waiting and len(found) < MAX_KEYS:
        path, node = waiting.pop()
        if not isinstance(node, yaml.MappingNode):
            continue
        for key, value in node.value[:MAX_KEYS]:
            here = (*path, str(getattr(key, "value", "")))
            line = key.start_mark.line
            found[here] = Source(file, line + 1, lines[line].strip()[:300])
            waiting.append((here, value))
    return found


def backbone_like(**options: Any) -> str | None:
    """The zoo's name of a backbone, given in mmseg's words."""
    return backbone_of(Config({"model": {"backbone": options}}, "")).value
