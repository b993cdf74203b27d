"""Known mistakes given as candidates: counts by step, and what is not found."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from mistakes.candidates import Planted
from parity.report.markup import cell, grid

FORMAT = 1


def counted(rows: Sequence[Planted]) -> list[tuple[str, int, int, int, int]]:
    """Step, suspects, places, found in all of these, and not; the last row is of all."""
    table = []
    for step in (*dict.fromkeys(row.step for row in rows), "all"):
        mine = [row for row in rows if step in (row.step, "all")]
        suspects, missed = ({row.id for row in some} for some in (mine, not_found(mine)))
        table.append((step, len(suspects), len(mine), len(suspects - missed), len(missed)))
    return table


def not_found(rows: Sequence[Planted]) -> list[Planted]:
    """Those that no case of the check shows."""
    return [row for row in rows if not row.is_detected]


_ABOUT = """\
Every suspect, in each of its places, is given as a candidate, under the plain name of its step and
with the defaults of `parity check STEP --candidate`. **found**: some case of that check is
different, in every place."""


def render_planted(rows: Sequence[Planted], mode: str, made: date | None = None) -> str:
    """The counts as a Markdown table, and a table of what is not found."""
    day = "" if made is None else f"Run of {made.isoformat()}. "
    lines = [_ABOUT, "", f"{day}Expected side: {mode}.", ""]
    head = ("step", "suspects", "places", "found", "not found")
    lines += [grid(head, (map(str, row) for row in counted(rows)), numbers=4)]
    if missed := not_found(rows):
        cells = ((cell(row.id), row.name, row.replaces) for row in missed)
        lines += ["", grid(("not found", "given as", "in the place of"), cells)]
    return "\n".join(lines)


def render_planted_json(rows: Sequence[Planted]) -> str:
    """Every suspect with the case that shows it, with a format number."""
    return json.dumps({"format": FORMAT, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
