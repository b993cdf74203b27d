"""The known causes as text: all of them in a list or a table, or one in full."""

import textwrap

from parity.causes.catalogue import all_causes
from parity.causes.cause import Cause
from parity.report.explanation import effect_text
from parity.report.markup import cell, grid

WIDTH = 80


def catalogue_text() -> str:
    """One cause a line, for a terminal."""
    width = max(len(item.id) for item in all_causes())
    lines = [f"{item.id:{width}}  {item.title}" for item in all_causes()]
    return "\n".join(line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..." for line in lines)


def cause_text(item: Cause) -> str:
    """One cause in full: mechanism, how it is detected, what it did elsewhere, fix."""
    parts = [
        f"{item.id} ({item.kind}): {item.title}",
        f"mechanism: {item.mechanism}",
        f"detected by: {item.seen}",
        *(f"effect, {effect_text(effect)}" for effect in item.effects),
        f"fix: {item.fix}",
    ]
    parts += [f"test: {item.test}"] if item.test else []
    parts += [f"parity steps that show it: {item.step}"] if item.step else []
    parts += [f"settings: {', '.join(item.paths)}"] if item.paths else []
    return "\n".join(
        textwrap.fill(part, WIDTH, subsequent_indent="  ", break_long_words=False) for part in parts
    )


def causes_table() -> str:
    """A Markdown table of all causes."""
    rows = []
    for item in all_causes():
        effects = "; ".join(map(effect_text, item.effects))
        cells = (item.mechanism, item.seen, effects, item.fix)
        rows.append((item.id, item.kind, *map(cell, cells)))
    return grid(("id", "kind", "mechanism", "detected by", "effect", "fix"), rows)
