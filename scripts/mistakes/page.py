"""A scorecard as Markdown and JSON, and the list of all suspects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date

from parity.suspects.planting import StepScore
from parity.suspects.scorecard import Scorecard

from parity.report.markup import cell
from parity.suspects.around import needs_of
from parity.suspects.suspect import Suspect, mistakes

FORMAT = 1

_ABOUT = """\
What the diagnosis makes of known mistakes. `parity scorecard` plants every suspect in its step, and
pairs of suspects, checks, and diagnoses; this page is written by
`parity scorecard --pairs 0 --held-out --markdown docs/scorecard.md`. A suspect is one mistake in
one function; a mistake that several functions can hold is several suspects.

- **detected**: the check calls the step different; **right step**: it is the first that is.
- **first**: the planted suspect is named first, because it reproduces output, generator state and
  draws bit by bit on every input; **first or alike**: or no input here tells it from the first.
- **pairs**: two suspects of one step made together, likewise. Pairs that give what a single
  suspect gives, or nothing wrong, are counted as **masked** and left out.
- **false alarms**: cases without a mistake that the check calls different."""


def render_scorecard(card: Scorecard, suspects: Sequence[Suspect], made: date | None = None) -> str:
    """The whole page, ending in a newline. made: the day of the run, said beside its shares."""
    lines = [_row(row) for row in (*card.steps, card.total)]
    parts = [
        "# Scorecard",
        _ABOUT,
        f"{len(suspects)} suspects of {mistakes(suspects)} mistakes. "
        f"Expected side: {card.mode}. {card.clean} cases without a mistake, "
        f"{len(card.false_alarms)} false alarms.",
        "\n".join([*_HEAD, *lines]),
    ]
    if card.held:
        parts += _held_out(card, made)
    if card.total.missed:
        parts += ["## Not named first", "\n".join(f"- {cell(text)}" for text in card.total.missed)]
    if card.failures:
        parts += ["## Short of what must be reached", "\n".join(f"- {x}" for x in card.failures)]
    return "\n\n".join([*parts, render_suspects(suspects)]) + "\n"


_ABOUT_HELD = """\
Every suspect is diagnosed while a tenth of the mistakes, its own among them, is not in the
catalogue: what is a mistake called that nobody wrote down yet? As in a check, by 8 inputs on which
it shows and 8 on which it does not.

- **unnamed**: no name is given, which is right; **alike**: the name is of what gives the same on
  every input, or what is called "up to rounding" does up to that, so that it is the same mistake.
- **likened**: "behaves as if"; counted as **wrong** unless alike. Wrong names must stay below 2 %.
- A likeness is told where the suspect makes at least 95 % of what differs, in the array of which it
  makes least, averaged over the inputs on which either of the two is wrong."""


def _held_out(card: Scorecard, made: date | None) -> list[str]:
    rows = (*card.held, replace(card.held_out, step="together"))
    lines = [
        f"| {row.step} | {row.suspects} | {row.unnamed} | {row.alike} | {row.likened} "
        f"| {row.wrong} |"
        for row in rows
    ]
    head = ["| step | suspects | unnamed | alike | likened | wrong |", "| --- |" + " ---: |" * 5]
    total = card.held_out
    day = "" if made is None else f" Run of {made.isoformat()}:"
    share = total.wrong / total.suspects if total.suspects else 0.0
    said = f"{_ABOUT_HELD}\n\n{day.strip()} {total.wrong} wrong names, {share:.1%}.".strip()
    names = ["\n".join(f"- {cell(text)}" for text in total.names)] if total.names else []
    return ["## Mistakes held out", said, "\n".join([*head, *lines]), *names]


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
    """Every mistake with the functions it is made in, what is wrong, and the input it needs."""
    found: dict[tuple[str, str], list[Suspect]] = {}
    for one in suspects:
        found.setdefault((one.step, one.summary), []).append(one)
    lines = [
        f"| {step} | {made[0].id} | {', '.join(_functions(made))} | {cell(summary)} "
        f"| {cell(needs_of(made[0])) or 'any input'} |"
        for (step, summary), made in found.items()
    ]
    head = ["| step | mistake | made in | what is wrong | needs |", "| --- |" + " --- |" * 4]
    title = f"## All {mistakes(suspects)} mistakes, {len(suspects)} suspects"
    return "\n\n".join([title, "\n".join([*head, *lines])])


def _functions(suspects: Sequence[Suspect]) -> list[str]:
    return [cell(one.replaces) for one in suspects]


def render_scorecard_json(card: Scorecard) -> str:
    """The counts of every step and in total, with a format number."""
    document = {"format": FORMAT, "passed": not card.failures, "failures": card.failures}
    document |= {**asdict(card), "total": asdict(card.total)}
    return json.dumps(document, indent=1) + "\n"
