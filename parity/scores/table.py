"""Score rows of zoo and runs as one sorted table: ranks, marks, footnotes. Renders nothing."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parity.errors import InputError
from parity.scores.runs import RunRow
from parity.zoo.configs import comparable, unlike
from parity.zoo.pairs import Study
from parity.zoo.readme import Skipped
from parity.zoo.rows import ScoreRow

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NO_SIGNATURE = "?"


@dataclass(frozen=True)
class TableRow:
    """One line. rank: None where the score is of another kind than those ranked.

    marks: in what the evaluation is unlike the zoo's usual one (`signature`:
    the letter of its own). run: of an own run, what only runs have; against_row:
    in what it was scored or trained unlike the result it is compared with.
    """

    row: ScoreRow
    rank: int | None
    signature: str
    marks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run: RunRow | None = None
    against_row: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreTable:
    """rows: those shown, highest mIoU first. results, ranked, own: numbers before any filter.

    signatures: letter, signature and number of rows; A is the usual one of the
    zoo. detailed: READMEs were read, so speeds and devices are known. study: what
    differences between the zoo's rows are worth; None with a filter.
    """

    dataset: str
    version: str
    origin: str
    rows: tuple[TableRow, ...]
    results: int
    own: int
    signatures: tuple[tuple[str, str, int], ...]
    skipped: tuple[Skipped, ...] = ()
    filters: tuple[str, ...] = ()
    detailed: bool = False
    study: Study | None = None


@dataclass(frozen=True)
class Selection:
    """What to show. method: part of a method, backbone or config's name. top: of the zoo's rows."""

    method: str = ""
    top: int | None = None


@dataclass(frozen=True)
class _Letters:
    """The signatures of a table. usual: the most frequent one of the zoo."""

    usual: str
    letters: Mapping[str, str] = field(default_factory=dict)


def _order(row: ScoreRow) -> tuple[bool, float, str, str]:
    none = math.isnan(row.miou)
    return none, 0.0 if none else -row.miou, row.name, row.weights


def score_table(
    zoo: Sequence[ScoreRow],
    runs: Sequence[RunRow] = (),
    *,
    dataset: str,
    version: str,
    origin: str,
    skipped: Iterable[Skipped] = (),
    selection: Selection | None = None,
    detailed: bool = False,
    study: Study | None = None,
) -> ScoreTable:
    """Sort, rank and mark. Raises InputError when `selection` leaves no result of the zoo."""
    letters = _letters(zoo, runs)
    lines = [(row, None) for row in zoo] + [(run.row, run) for run in runs]
    lines.sort(key=lambda line: _order(line[0]))
    by_name = {row.name: row for row in zoo}
    marked = [_marked(row, run, letters, by_name) for row, run in lines]
    ranked = _ranked(marked)
    shown = _selected(ranked, selection or Selection())
    return ScoreTable(
        dataset=dataset,
        version=version,
        origin=origin,
        rows=tuple(shown),
        results=len(zoo),
        own=len(runs),
        signatures=_legend(letters, shown),
        skipped=tuple(skipped),
        filters=_filters(selection or Selection()),
        detailed=detailed,
        study=study,
    )


def _letters(zoo: Sequence[ScoreRow], runs: Sequence[RunRow]) -> _Letters:
    counts = Counter(row.signature for row in zoo if row.signature)
    usual = [signature for signature, _ in counts.most_common()]
    others = sorted({run.row.signature for run in runs} - {"", *usual})
    every = [*usual, *others]
    return _Letters(usual[0] if usual else "", dict(zip(every, _names(len(every)), strict=True)))


def _names(count: int) -> list[str]:
    """A to Z, then AA, AB, ..."""
    names = list(LETTERS)
    while len(names) < count:
        names += [first + second for first in names[-26:] for second in LETTERS]
    return names[:count]


def _marked(
    row: ScoreRow, run: RunRow | None, letters: _Letters, by_name: Mapping[str, ScoreRow]
) -> TableRow:
    marks = unlike(row.signature, letters.usual) if letters.usual else ()
    notes = [*row.notes, *_disagreements(row)]
    against: tuple[str, ...] = ()
    if run is not None:
        marks += run.marks
        other = by_name.get(run.verdict.zoo_row or "")
        against = () if other is None else _unlike_its_row(run, other)
        notes += [f"unlike its zoo row: {', '.join(against)}"] if against else []
    letter = letters.letters.get(row.signature, NO_SIGNATURE)
    marks = tuple(dict.fromkeys(marks))
    return TableRow(row, None, letter, marks, tuple(notes), run, against)


def _disagreements(row: ScoreRow) -> list[str]:
    return [
        f"{item.field}: {item.source} says {item.value} ({item.place})"
        if item.source != "config"
        else f"{item.field}: the config itself sets {item.value}"
        for item in row.differs
    ]


def _unlike_its_row(run: RunRow, other: ScoreRow) -> tuple[str, ...]:
    found = [*unlike(run.row.signature, other.signature), *run.marks]
    crops = {other.crop, *(item.value for item in other.differs if item.field == "crop")}
    if run.row.crop and other.crop and run.row.crop not in crops:
        found.append(f"crop {run.row.crop} for {other.crop}")
    return tuple(dict.fromkeys(found))


def _ranked(lines: Sequence[TableRow]) -> list[TableRow]:
    """Ranks by mIoU, equal scores sharing the better one."""
    ranked: list[TableRow] = []
    count, rank, before = 0, 0, math.nan
    for line in lines:
        if not _has_rank(line):
            ranked.append(line)
            continue
        count += 1
        if line.row.miou != before:
            rank, before = count, line.row.miou
        ranked.append(replace(line, rank=rank))
    return ranked


def _has_rank(line: TableRow) -> bool:
    # A metafile's mIoU is single scale on the whole set, also where its config cannot be read.
    kind = line.row.source == "metafile" or comparable(line.marks)
    return kind and not math.isnan(line.row.miou)


def _selected(lines: Sequence[TableRow], selection: Selection) -> list[TableRow]:
    """The zoo's rows that `selection` asks for, and all own runs."""
    shown: list[TableRow] = []
    left = math.inf if selection.top is None else selection.top
    for line in lines:
        if line.run is not None:
            shown.append(line)
        elif left > 0 and _matches(line.row, selection.method):
            shown.append(line)
            left -= 1
    if selection.method and all(line.run is not None for line in shown):
        methods = ", ".join(sorted({line.row.method for line in lines if line.run is None}))
        raise InputError(
            f"--method {selection.method}: in no method, backbone or config name; "
            f"the methods are {methods}"
        )
    return shown


def _matches(row: ScoreRow, text: str) -> bool:
    plain = text.lower().replace("-", "").replace(" ", "")
    names = (row.method, row.backbone, row.name)
    return any(plain in name.lower().replace("-", "").replace(" ", "") for name in names)


def _filters(selection: Selection) -> tuple[str, ...]:
    found = [f'with "{selection.method}" in method, backbone or name'] if selection.method else []
    return (*found, *([f"the first {selection.top}"] if selection.top is not None else []))


def _legend(letters: _Letters, shown: Sequence[TableRow]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter(line.signature for line in shown)
    named = {letter: signature for signature, letter in letters.letters.items()}
    return tuple(
        (letter, named.get(letter, ""), counts[letter])
        for letter in (*named, NO_SIGNATURE)
        if counts[letter]
    )
