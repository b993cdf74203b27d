"""Make the exhibits of a case: run its steps again and look at those that differ."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from parity.check.exhibit.classes import ClassNames, class_table, label_change
from parity.check.exhibit.curves import curves
from parity.check.exhibit.histograms import histogram
from parity.check.exhibit.pictures import picture
from parity.check.exhibit.planes import arrays, is_label_map
from parity.check.exhibit.records import DrawRow, Exhibit, Facts, LeafRow, Picture
from parity.compare.compare import Comparison, Verdict
from parity.compare.leaf import Leaf
from parity.compare.rng import Draw, draw_text
from parity.compare.trace import StepRecord, StepResult

MAX_DRAWS = 40
DRAWS_BEFORE_FIRST = 5
MAX_LEAVES = 40
MAX_PICTURES = 4


def exhibit(
    actual: StepRecord,
    expected: StepRecord,
    result: StepResult,
    *,
    case: str,
    pipeline: str,
    chained: bool = False,
    class_names: ClassNames = (),
) -> Exhibit:
    """What is to be seen of one step: `result` says what differs between both records."""
    rows, draws_left_out = draw_rows(actual.draws, expected.draws)
    differing = [
        LeafRow(path, leaf)
        for path, leaf in result.leaves.items()
        if leaf.verdict is not Verdict.EQUAL
    ]
    differing.sort(key=_worst_first)
    facts = Facts(
        case=case,
        pipeline=pipeline,
        step=expected.name,
        chained=chained,
        verdict=str(result.verdict),
        summary=result.explain(),
        error=result.error,
        generator="" if result.error else result.generator,
        draws_actual=len(actual.draws),
        draws_expected=len(expected.draws),
        draws=rows,
        draws_left_out=draws_left_out,
        leaves=tuple(differing[:MAX_LEAVES]),
        leaves_left_out=max(len(differing) - MAX_LEAVES, 0),
        leaves_equal=len(result.leaves) - len(differing),
    )
    if result.error:
        return Exhibit(facts)
    return _with_arrays(facts, actual, expected, class_names)


def _worst_first(row: LeafRow) -> tuple[bool, bool, float, str]:
    """By path in the end: the reference orders its meta keys by hash, anew in every process."""
    differs, by_more, size = row.comparison.weight
    return not differs, not by_more, -size, row.path


def _with_arrays(
    facts: Facts, actual: StepRecord, expected: StepRecord, names: ClassNames
) -> Exhibit:
    left, right = arrays(actual.output), arrays(expected.output)
    shown = {
        row.path: row.comparison for row in facts.leaves if row.path in left and row.path in right
    }
    table = class_table(left, right, (actual.input, expected.input), names)
    scored = table is not None and bool(table.rows)
    pairs = [(path, left[path], right[path], shown[path]) for path in shown]
    series = [c for path, a, e, _ in pairs if not scored for c in curves(path, a, e)]
    maps = [
        label_change(path, a, e, names)
        for path, a, e, _ in pairs
        if is_label_map(path, a) and is_label_map(path, e)
    ]
    bars = [histogram(path, a, e, right) for path, a, e, _ in pairs if not scored]
    return Exhibit(
        replace(
            facts,
            histograms=tuple(item for item in bars if item is not None)[:MAX_PICTURES],
            labels=tuple(item for item in maps if item is not None)[:MAX_PICTURES],
            classes=(table,) if table is not None and scored else (),
            curves=tuple(series[:MAX_PICTURES]),
        ),
        _pictures(pairs),
    )


def _pictures(pairs: Sequence[tuple[str, Leaf, Leaf, Comparison]]) -> tuple[Picture, ...]:
    found = (picture(path, left, right, comparison) for path, left, right, comparison in pairs)
    return tuple(item for item in found if item is not None)[:MAX_PICTURES]


def draw_rows(actual: Sequence[Draw], expected: Sequence[Draw]) -> tuple[tuple[DrawRow, ...], int]:
    """Draws side by side from shortly before the first that differs, and how many are left out."""
    rows: list[DrawRow] = []
    parted = False
    for position, (left, right) in enumerate(zip_longest(actual, expected)):
        mark = "" if left == right else ("differs" if parted else "first")
        parted = parted or left != right
        rows.append(DrawRow(position, draw_text(left), draw_text(right), mark))
    first = next((row.position for row in rows if row.mark), 0)
    start = max(first - DRAWS_BEFORE_FIRST, 0) if len(rows) > MAX_DRAWS else 0
    shown = tuple(rows[start : start + MAX_DRAWS])
    return shown, len(rows) - len(shown)
