"""Metafile rows and README rows brought together; where they disagree, both are kept."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parity.errors import InputError
from parity.zoo.configs import schedule_text
from parity.zoo.readme import FIGURE, ReadmeRow, ReadmeTables, Skipped, number
from parity.zoo.rows import Differs, ScoreRow, dataset_key

# Figures that are rounded differently in two places agree: 5.1 is 5.10, 12.56 is 12.562.
_ROUNDING = 0.0051
# "Cityscapes Validation set" is Cityscapes
_SPLIT = re.compile(r"\s+(?:validation|val|test)(?:\s+set)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Merged:
    """rows: of both sources. skipped: what in the READMEs gives no score. joined: rows of both."""

    rows: tuple[ScoreRow, ...]
    skipped: tuple[Skipped, ...]
    joined: int


@dataclass(frozen=True)
class _Published:
    """A README row with its figures read. problems: cells that are not what the column says."""

    row: ReadmeRow
    dataset: str
    miou: float
    numbers: dict[str, float | None]
    texts: dict[str, str]
    problems: tuple[str, ...]


def merge_readmes(rows: Sequence[ScoreRow], tables: ReadmeTables) -> Merged:
    """`rows` of the metafiles, with what the READMEs say besides and otherwise.

    A line belongs to the result with the same weights file on the same data set,
    else with the same config; the first of several lines. A further line with the
    same score is noted, any other is a row of its own, and so is a line that
    belongs to no result. A result without a line is noted.
    """
    skipped = list(tables.skipped)
    published: list[_Published] = []
    names = {dataset_key(row.dataset): row.dataset for row in rows}
    for line in tables.rows:
        try:
            published.append(_published(line, names))
        except InputError as error:
            skipped.append(Skipped(line.file, line.line, f"{error}; not read"))
    pairs = _join(rows, published)
    merged = [
        _with_readme(row, published[pairs[index]])
        if index in pairs
        else replace(row, notes=(*row.notes, "in no table of the READMEs"))
        for index, row in enumerate(rows)
    ]
    taken = set(pairs.values())
    left = [line for index, line in enumerate(published) if index not in taken]
    for item in left:
        if not _repeats(item, merged):
            merged.append(_own_row(item))
    return Merged(tuple(merged), tuple(skipped), len(pairs))


def _published(line: ReadmeRow, names: dict[str, str]) -> _Published:
    """Raises InputError for a line without a score in percent."""
    values = line.values
    miou = number(values["miou"])
    if miou is None or miou > 100:
        raise InputError(f'"{values["miou"]}" is not an mIoU')
    numbers: dict[str, float | None] = {}
    texts = {"device": values.get("device", ""), "crop": values.get("crop", "")}
    problems = []
    for field in ("miou_ms", "memory", "fps", "batch"):
        try:
            numbers[field] = number(values.get(field, ""))
        except InputError as error:
            numbers[field] = None
            problems.append(f"{field}: {error}")
    speed = values.get("fps", "")
    if speed and numbers["fps"] is None and FIGURE.fullmatch(texts["device"]):
        # Seen in configs/maskformer/README.md of 1.2.2: the two cells are exchanged.
        numbers["fps"], texts["device"] = number(texts["device"]), speed
        problems = [problem for problem in problems if not problem.startswith("fps")]
        problems.append("speed and device stand in each other's column")
    length = values.get("schedule", "")
    whole = re.fullmatch(r"[0-9]{1,9}", length) is not None
    texts["schedule"] = schedule_text(int(length)) if whole else length
    places = tuple(f"{line.file}:{line.line}: {problem}" for problem in problems)
    return _Published(line, _dataset(line, names), miou, numbers, texts, places)


def _dataset(line: ReadmeRow, names: dict[str, str]) -> str:
    """The line's own data set, else the innermost heading that names a known one."""
    stated = _SPLIT.sub("", line.values.get("dataset", ""))
    candidates = (stated,) if stated else line.headings
    for candidate in candidates:
        if dataset_key(candidate) in names:
            return names[dataset_key(candidate)]
    return candidates[0] if candidates else ""


def _join(rows: Sequence[ScoreRow], published: Sequence[_Published]) -> dict[int, int]:
    """Index of the README line for the index of a row, first by weights, then by config."""
    pairs: dict[int, int] = {}
    for link in ("weights", "config"):
        taken = set(pairs.values())
        ours: dict[tuple[str, str], list[int]] = defaultdict(list)
        theirs: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            if index not in pairs:
                file = row.weights if link == "weights" else row.config.rpartition("/")[2]
                ours[dataset_key(row.dataset), file].append(index)
        for index, line in enumerate(published):
            if index not in taken:
                theirs[dataset_key(line.dataset), line.row.links.get(link, "")].append(index)
        for (dataset, file), found in ours.items():
            others = theirs.get((dataset, file), [])
            if file and len(found) == 1 and others:
                pairs[found[0]] = others[0]
    return pairs


def _repeats(line: _Published, merged: list[ScoreRow]) -> bool:
    """Whether a result has the line's weights and score; it is then noted with that result."""
    weights = line.row.links.get("weights", "")
    for index, row in enumerate(merged):
        same_file = weights and (row.dataset, row.weights) == (line.dataset, weights)
        if same_file and abs(row.miou - line.miou) <= _ROUNDING:
            note = f"also in {line.row.file}:{line.row.line}"
            merged[index] = replace(row, notes=(*row.notes, note))
            return True
    return False


def _with_readme(row: ScoreRow, line: _Published) -> ScoreRow:
    place = f"{line.row.file}:{line.row.line}"
    theirs = {**line.texts, "config": "", "weights": "", **line.row.links}
    ours = replace(row, config=row.config.rpartition("/")[2])
    differs = [
        Differs(field, theirs[field], "README", place)
        for field in ("crop", "schedule", "device", "config", "weights")
        if theirs[field] and getattr(ours, field) not in ("", theirs[field])
    ]
    differs += _other_figures(row, line, place)
    return replace(
        row,
        crop=row.crop or theirs["crop"],
        schedule=row.schedule or theirs["schedule"],
        device=row.device or theirs["device"],
        batch=row.batch if row.batch is not None else _whole(line.numbers["batch"]),
        miou_ms=row.miou_ms if row.miou_ms is not None else line.numbers["miou_ms"],
        memory_gb=row.memory_gb if row.memory_gb is not None else line.numbers["memory"],
        fps=line.numbers["fps"],
        differs=(*row.differs, *differs),
        notes=(*row.notes, *line.problems, *_further_scores(line)),
    )


def _other_figures(row: ScoreRow, line: _Published, place: str) -> Iterable[Differs]:
    figures = (
        ("miou", row.miou, line.miou),
        ("miou_ms", row.miou_ms, line.numbers["miou_ms"]),
        ("memory_gb", row.memory_gb, line.numbers["memory"]),
        ("batch", row.batch, line.numbers["batch"]),
    )
    for field, ours, theirs in figures:
        if ours is not None and theirs is not None and abs(ours - theirs) > _ROUNDING:
            yield Differs(field, f"{theirs:g}", "README", place)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _further_scores(line: _Published) -> tuple[str, ...]:
    """Other columns of mIoU, such as PoolFormer's ``mIoU*``."""
    place = f"{line.row.file}:{line.row.line}"
    return tuple(
        f"{place}: also gives {name} {value}"
        for name, value in line.row.other.items()
        if "miou" in name.lower() and value
    )


def _own_row(line: _Published) -> ScoreRow:
    place = f"{line.row.file}:{line.row.line}"
    config = line.row.links.get("config", "")
    said = f', below "{line.row.caption}"' if line.row.caption else ""
    return ScoreRow(
        name=config.removesuffix(".py") or f"{place}",
        method=line.row.values.get("method", "") or line.row.headings[-1],
        backbone=line.row.values.get("backbone", ""),
        crop=line.texts["crop"],
        schedule=line.texts["schedule"],
        batch=_whole(line.numbers["batch"]),
        miou=line.miou,
        miou_ms=line.numbers["miou_ms"],
        memory_gb=line.numbers["memory"],
        config=f"{line.row.file.rpartition('/')[0]}/{config}" if config else "",
        weights=line.row.links.get("weights", ""),
        notes=(f"in no metafile; from {place}{said}", *line.problems, *_further_scores(line)),
        dataset=line.dataset,
        fps=line.numbers["fps"],
        device=line.texts["device"],
        source="README",
    )
