"""The scorecard as Markdown and JSON, section by section, and the list of all mistakes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date

from mistakes.counts import Scorecard
from mistakes.planting import StepScore
from parity.report.markup import cell, grid
from parity.suspects.suspect import Suspect

FORMAT = 1

PLANTED, HELD_OUT = "Planted in the step", "Mistakes held out"
CANDIDATES, COST = "As candidates", "What a diagnosis costs"
# In the order of the page.
TITLES = (PLANTED, HELD_OUT, CANDIDATES, COST)

ABOUT = """\
# Scorecard

What check and diagnosis make of known mistakes. A suspect is one mistake, its places are the
functions that can hold it; what is counted of suspects holds in all their places. Each section is
written by one run of `python scripts/scorecard.py`, which needs a checkout of this repository, and
says which and when; `--list FILE` writes all suspects with their places.

    python scripts/scorecard.py --pairs 4 --held-out --markdown docs/scorecard.md
    python scripts/scorecard.py --as-candidates --markdown docs/scorecard.md
    python scripts/scorecard.py --cost --markdown docs/scorecard.md"""

_ABOUT_PLANTED = """\
Every suspect is planted in its step, and pairs of suspects; both are checked and diagnosed.

- **detected**: the check calls the step different; **right step**: it is the first that is.
- **first**: the planted suspect is named first, because it reproduces output, generator state and
  draws bit by bit on every input; **first or alike**: or no input here tells it from the first.
- **pairs**: two suspects of one step made together, likewise. Pairs that give what a single
  suspect gives, or nothing wrong, are counted as **masked** and left out.
- **false alarms**: cases without a mistake that the check calls different."""


def with_sections(page: str, sections: Mapping[str, str]) -> str:
    """`page` with these sections in the place of those of the same titles, in their order."""
    parts = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)
    there = dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))
    there |= {title: text.strip() for title, text in sections.items()}
    found = [f"## {title}\n\n{there[title]}" for title in TITLES if title in there]
    return "\n\n".join([ABOUT, *found]) + "\n"


def render_scorecard(card: Scorecard, made: date | None = None) -> dict[str, str]:
    """The sections of a run. made: the day of the run, said beside its shares."""
    lines = (row.cells for row in (*card.steps, card.total))
    day = "" if made is None else f"Run of {made.isoformat()}. "
    parts = [
        _ABOUT_PLANTED,
        f"{day}{card.total.suspects} suspects in {card.total.places} places. "
        f"Expected side: {card.mode}. {card.clean} cases without a mistake, "
        f"{len(card.false_alarms)} false alarms.",
        grid(_COLUMNS, lines, numbers=len(_COLUMNS) - 1),
    ]
    if card.total.missed:
        missed = "\n".join(f"- {cell(text)}" for text in card.total.missed)
        parts += ["### Not named first", missed]
    if card.failures:
        parts += ["### Short of what must be reached", "\n".join(f"- {x}" for x in card.failures)]
    found = {PLANTED: "\n\n".join(parts)}
    return {**found, HELD_OUT: _held_out(card, made)} if card.held else found


_ABOUT_HELD = """\
Every suspect, in each of its places, is diagnosed while a tenth of them, itself included, is not in
the catalogue: what is a mistake called that nobody wrote down yet? As in a check, by 8 inputs on
which it shows and 8 on which it does not.

- **unnamed**: no name is given, which is right; **alike**: the name is of what gives the same on
  every input, or what is called "up to rounding" does up to that, so that it is the same mistake.
- **likened**: "behaves as if"; counted as **wrong** unless alike. Wrong names must stay below 2 %.
- A likeness is told where the suspect makes at least 98 % of what differs, in the array of which it
  makes least, averaged over the inputs on which either of the two is wrong."""


def _held_out(card: Scorecard, made: date | None) -> str:
    rows = (*card.held, replace(card.held_out, step="together"))
    head = ("step", "places", "unnamed", "alike", "likened", "wrong")
    lines = [[str(getattr(row, name)) for name in head] for row in rows]
    total = card.held_out
    day = "" if made is None else f" Run of {made.isoformat()}:"
    share = total.wrong / total.places if total.places else 0.0
    said = f"{_ABOUT_HELD}\n\n{day.strip()} {total.wrong} wrong names, {share:.1%}.".strip()
    names = ["\n".join(f"- {cell(text)}" for text in total.names)] if total.names else []
    return "\n\n".join([said, grid(head, lines, numbers=5), *names])


_COLUMNS = (
    *("step", "suspects", "places", "detected", "right step", "first", "first or alike"),
    *("pairs", "detected", "both first", "first or alike", "masked"),
)


def render_suspects(suspects: Sequence[Suspect]) -> str:
    """Every suspect with its places, what is wrong, and the input it needs."""
    lines = []
    for one in suspects:
        places = ", ".join(cell(".".join(place)) for place in one.functions)
        lines.append((one.id, places, cell(one.summary), cell(one.needs) or "any input"))
    table = grid(("suspect", "made in", "what is wrong", "needs"), lines)
    return f"# All {len(suspects)} suspects\n\n{table}\n"


def render_scorecard_json(card: Scorecard) -> str:
    """The counts of every step and in total, with a format number."""
    document = {"format": FORMAT, "passed": not card.failures, "failures": card.failures}
    document |= {**asdict(card), "rows": [_counts(row) for row in card.rows]}
    return json.dumps({**document, "total": _counts(card.total)}, indent=1) + "\n"


def _counts(row: StepScore) -> dict[str, object]:
    return {**row.counts, **asdict(row), "missed": row.missed}
