"""One step of one failing case as Markdown, without its pictures."""

from parity.check.exhibit.records import ClassTable, Facts, Histogram, LabelChange
from parity.report.markup import cell, table
from parity.text import number

MAX_ROWS = 15


def exhibit_parts(facts: Facts) -> list[str]:
    """Paragraphs and tables."""
    how = "chained" if facts.chained else "isolated"
    return [
        f"### {cell(facts.case)}, {how}",
        cell(facts.error or facts.summary),
        *_draws(facts),
        *_leaves(facts),
        *(text for bars in facts.histograms for text in _histogram(bars)),
        *(text for change in facts.labels for text in _labels(change)),
        *(text for scores in facts.classes for text in _classes(scores)),
        *(
            f"Series {cell(curve.title)}: see the plot in the HTML report."
            for curve in facts.curves
        ),
    ]


def _draws(facts: Facts) -> list[str]:
    if not any(row.mark for row in facts.draws):
        return []
    rows = [(str(row.position), row.actual, row.expected, _MARKS[row.mark]) for row in facts.draws]
    head = f"Draws: {facts.draws_actual} actual, {facts.draws_expected} expected."
    return [head, table(("draw", "actual", "expected", ""), rows)]


_MARKS = {"": "", "first": "first that differs", "differs": "differs"}


def _leaves(facts: Facts) -> list[str]:
    if not facts.leaves:
        return []
    rows = [
        (
            row.path or "output",
            str(row.comparison.verdict),
            row.comparison.detail or row.comparison.reason,
        )
        for row in facts.leaves[:MAX_ROWS]
    ]
    more = facts.leaves_left_out + len(facts.leaves) - len(rows)
    tail = f"{more} more differ; " if more else ""
    tail += f"{facts.leaves_equal} are equal in every bit." if facts.leaves_equal else ""
    return [table(("output", "verdict", "what differs"), rows), tail.strip(" ;")]


def _histogram(bars: Histogram) -> list[str]:
    rows = [(number(bin.high), f"{bin.near:,}", f"{bin.away:,}") for bin in bars.bins]
    head = f"How far {cell(bars.path or 'output')} is off"
    if bars.near is None or bars.away is None:
        short = [(row[0], row[2]) for row in rows]
        return [head, table(("off by up to", "elements"), short, numbers=1)]
    head += f"; near: up to {bars.radius} pixels from a boundary in {cell(bars.labels)}"
    return [head, table(("off by up to", "near", "elsewhere"), rows, numbers=2)]


def _labels(change: LabelChange) -> list[str]:
    rows = [(cell.row, cell.column, f"{cell.actual:,}") for cell in change.cells[:MAX_ROWS]]
    head = f"Classes in {cell(change.path or 'output')}"
    return [head, table(("expected", "actual", "pixels"), rows, numbers=1)]


def _classes(scores: ClassTable) -> list[str]:
    columns = ["class", *(f"{name} {side}" for name in scores.columns for side in ("a", "e"))]
    rows = [
        (
            f"{row.index} {row.name}",
            *(number(v) for pair in zip(row.actual, row.expected, strict=True) for v in pair),
        )
        for row in scores.rows[:MAX_ROWS]
    ]
    parts = [
        f"Classes by {cell(scores.sorted_by)}, largest difference first; a: actual, e: expected",
        table(columns, rows, numbers=len(columns) - 1),
    ]
    if scores.cells:
        cells = [
            (c.row, c.column, f"{c.actual:,}", f"{c.expected:,}") for c in scores.cells[:MAX_ROWS]
        ]
        parts.append(table(("labelled", "predicted", "actual", "expected"), cells, numbers=2))
    return parts
