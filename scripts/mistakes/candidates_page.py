"""Known mistakes given as candidates: counts by step, and what is not found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from parity.candidate.planted import Planted

from parity.report.markup import cell

FORMAT = 1


def counted(rows: Sequence[Planted]) -> list[tuple[str, int, int, int]]:
    """Step, suspects, found, not found; the last row is of all."""
    table = []
    for step in (*dict.fromkeys(row.step for row in rows), "all"):
        mine = [row for row in rows if step in (row.step, "all")]
        found = sum(row.is_detected for row in mine)
        table.append((step, len(mine), found, len(mine) - found))
    return table


def render_planted(rows: Sequence[Planted]) -> str:
    """The counts as a Markdown table, and a table of what is not found; ends in a newline."""
    lines = ["| step | suspects | found | not found |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in counted(rows)]
    missed = [row for row in rows if not row.is_detected]
    if missed:
        lines += ["", "| not found | given as | in the place of |", "| --- | --- | --- |"]
        lines += [f"| {cell(row.id)} | {row.name} | {row.replaces} |" for row in missed]
    return "\n".join(lines) + "\n"


def render_planted_json(rows: Sequence[Planted]) -> str:
    """Every suspect with the case that shows it, with a format number."""
    return json.dumps({"format": FORMAT, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
