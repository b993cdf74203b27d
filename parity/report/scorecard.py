"""A scorecard as Markdown and JSON, and the list of all suspects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from parity.report.markup import cell
from parity.suspects.around import needs_of
from parity.suspects.planting import StepScore
from parity.suspects.scorecard import Scorecard
from parity.suspects.suspect import Suspect

FORMAT = 1

_ABOUT = """\
What the diagnosis makes of known mistakes. `parity scorecard` plants every suspect in its step, and
pairs of suspects, checks, and diagnoses; this page is written by
`parity scorecard --pairs 0 --markdown docs/scorecard.md`.

- **detected**: the check calls the step different; **right step**: it is the first that is.
- **first**: the planted suspect is named first, because it reproduces output, generator state and
  draws bit by bit on every input; **first or alike**: or no input here tells it from the first.
- **pairs**: two suspects of one step made together, likewise. Pairs that give what a single
  suspect gives, or nothing wrong, are counted as **masked** and left out.
- **false alarms**: cases without a mistake that the check calls different."""


def render_scorecard(card: Scorecard, suspects: Sequence[Suspect]) -> str:
    """The whole page, ending in a newline; nothing in it depends on when or where it was made."""
    lines = [_row(row) for row in (*card.steps, card.total)]
    parts = [
        "# Scorecard",
        _ABOUT,
        f"Expected side: {card.mode}. {card.clean} cases without a mistake, "
        f"{len(card.false_alarms)} false alarms.",
        "\n".join([*_HEAD, *lines]),
    ]
    if card.total.missed:
        parts += ["## Not named first", "\n".join(f"- {cell(text)}" for text in card.total.missed)]
    if card.failures:
        parts += ["## Short of what must be reached", "\n".join(f"- {x}" for x in card.failures)]
    return "\n\n".join([*parts, render_suspects(suspects)]) + "\n"


_COLUMNS = (
    *("step", "suspects", "detected", "right step", "first", "first or alike"),
    *("pairs", "detected", "both first", "first or alike", "masked"),
)
_HEAD = (f"| {' | '.join(_COLUMNS)} |", "| --- |" + " ---: |" * (len(_COLUMNS) - 1))


def _row(row: StepScore) -> str:
    counts = (row.suspects, row.detected, row.right_step, row.first, row.named)
    of_pairs = (row.pairs, row.pairs_detected, row.pairs_first, row.pairs_named, row.masked)
    return f"| {' | '.join([row.step, *map(str, counts + of_pairs)])} |"


def render_suspects(suspects: Sequence[Suspect]) -> str:
    """Every suspect with what it does wrongly and the input it needs."""
    lines = [
        f"| {one.step} | {one.id} | {cell(one.summary)} | {cell(needs_of(one)) or 'any input'} |"
        for one in suspects
    ]
    head = ["| step | suspect | what is wrong | needs |", "| --- | --- | --- | --- |"]
    return "\n\n".join([f"## All {len(lines)} suspects", "\n".join([*head, *lines])])


def render_scorecard_json(card: Scorecard) -> str:
    """The counts of every step and in total, with a format number."""
    document = {"format": FORMAT, "passed": not card.failures, "failures": card.failures}
    document |= {**asdict(card), "total": asdict(card.total)}
    return json.dumps(document, indent=1) + "\n"
