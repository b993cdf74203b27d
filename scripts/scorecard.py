"""Plant every known mistake and count how many are found and named.

    python scripts/scorecard.py --help

Writes the sections of docs/scorecard.md, which says what they mean.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from mistakes.candidates import Planted, places_of, plant_all
from mistakes.candidates_page import counted, not_found, render_planted, render_planted_json
from mistakes.cost import costs, render_costs
from mistakes.counts import Scorecard, Told, score
from mistakes.page import (
    CANDIDATES,
    COST,
    render_scorecard,
    render_scorecard_json,
    render_suspects,
    with_sections,
)
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from parity.check.workers import use_one_thread
from parity.cli.console import INTERRUPTED, complain, plain
from parity.cli.jobs import usable_cores
from parity.cli.progress import Telling
from parity.errors import InputError, ParityError
from parity.files import write_atomically
from parity.live import reference_header, reference_installed
from parity.suspects.catalogue import FAMILIES, all_suspects
from parity.text import did_you_mean


def scorecard(
    steps: Annotated[
        list[str] | None,
        Argument(
            metavar="[STEP]...",
            help="Steps whose suspects to plant; default all.",
            autocompletion=lambda incomplete: [n for n in FAMILIES if n.startswith(incomplete)],
        ),
    ] = None,
    seeds: Annotated[
        int,
        Option(
            min=2,
            metavar="N",
            help="Seeds per built-in input; with fewer than two some suspects show on none.",
        ),
    ] = 2,
    pairs: Annotated[
        int, Option(min=0, metavar="N", help="Pairs per function of a step; 0 for all.")
    ] = 20,
    clean: Annotated[
        int, Option(min=0, metavar="N", help="Further samples without a mistake.")
    ] = 200,
    held_out: Annotated[
        bool,
        Option(
            "--held-out",
            help="Also diagnose every suspect while a tenth of them is unknown, and count wrong "
            "names.",
        ),
    ] = False,
    json: Annotated[Path | None, Option(help="Write the counts as JSON.")] = None,
    markdown: Annotated[Path | None, Option(help="Put what was found into this page.")] = None,
    live: Annotated[
        bool | None,
        Option(
            "--live/--own",
            help="Expect what live mmsegmentation gives, or what our own steps give without a "
            "mistake; default: live where it is installed.",
        ),
    ] = None,
    jobs: Annotated[
        int, Option(min=1, help="Processes; default: the cores there are, at most 8.")
    ] = usable_cores(8),
    as_candidates: Annotated[
        bool,
        Option(
            "--as-candidates",
            help="Give every suspect as a candidate, and count which a default check finds.",
        ),
    ] = False,
    cost: Annotated[
        bool, Option("--cost", help="Time and memory of the slowest diagnosis of each step.")
    ] = False,
    listed: Annotated[Path | None, Option("--list", help="Write the list of all mistakes.")] = None,
) -> None:
    """Plant every suspect, and pairs of them, and count what check and diagnosis make of it."""
    only = _known(steps or ())
    if live is None:
        live = reference_installed()
    if live:
        reference_header()
    use_one_thread()
    if listed is not None:
        write_atomically(listed, render_suspects(all_suspects()).encode())
    mode = "live mmsegmentation" if live else "own clean steps"
    if as_candidates:
        with _told("suspects") as told:
            rows = list(told(plant_all(only, live=live), places_of(only)))
        if json is not None:
            write_atomically(json, render_planted_json(rows).encode())
        _into(markdown, {CANDIDATES: render_planted(rows, mode, date.today())})
        raise typer.Exit(1 if _show_planted(rows) else 0)
    if cost:
        with _told("files") as told:
            found = list(told(costs(only, live=live, jobs=jobs), len(only or FAMILIES)))
        _into(markdown, {COST: render_costs(found, mode, date.today())})
        print(render_costs(found, mode))
        raise typer.Exit(0)
    with _told("parts") as told:
        card = score(
            live=live,
            rounds=seeds,
            pairs=pairs,
            clean=clean,
            only=only,
            jobs=jobs,
            held_out=held_out,
            told=told,
        )
    if json is not None:
        write_atomically(json, render_scorecard_json(card).encode())
    _into(markdown, render_scorecard(card, date.today()))
    _show(card)
    raise typer.Exit(1 if card.failures else 0)


def _known(steps: Sequence[str]) -> frozenset[str]:
    """The names of files of steps; raises InputError for one that has no suspects."""
    unknown = sorted({*steps} - {*FAMILIES})
    if unknown:
        near = did_you_mean(unknown[0], FAMILIES, f"there are {', '.join(FAMILIES)}")
        raise InputError(f"no suspects of {', '.join(unknown)}; {near}")
    return frozenset(steps)


@contextmanager
def _told(unit: str) -> Iterator[Told]:
    """What tells how much is done, a line a minute; ends the run where Ctrl-C or a loss does."""
    with Telling(unit=unit) as telling:
        yield telling.results
    if telling.lost is not None:
        raise telling.lost
    if telling.interrupted:
        raise typer.Exit(INTERRUPTED)


def _into(page: Path | None, sections: dict[str, str]) -> None:
    """Put `sections` into the page, which keeps its other ones."""
    if page is not None:
        before = page.read_text("utf-8") if page.exists() else ""
        write_atomically(page, with_sections(before, sections).encode())


def _show_planted(rows: Sequence[Planted]) -> list[Planted]:
    """Print the counts of suspects as candidates; gives those that are not detected."""
    missed = not_found(rows)
    console = plain()
    head = ("step", "all", "places", "found", "not found")
    console.print(_table(head, ([*map(str, counts)] for counts in counted(rows))))
    for row in missed:
        told = f"{row.id} as {row.name} (in the place of {row.replaces})"
        _say(console, "bold red", "not found", told)
    style = "bold red" if missed else "green"
    verdict = f"{len(rows) - len(missed)} of {len(rows)}"
    _say(console, style, verdict, "are found by parity check STEP --candidate")
    return missed


def _show(card: Scorecard) -> None:
    console = plain()
    singles, pairs = ("found", "right", "first", "alike"), ("found", "first", "alike", "masked")
    head = ("step", "all", "places", *singles, "pairs", *pairs)
    console.print(_table(head, (row.cells for row in (*card.steps, card.total))))
    for text in card.total.missed:
        _say(console, "yellow", "not named first", text)
    for text in card.failures:
        _say(console, "bold red", "short", text)
    if card.held:
        _show_held_out(card, console)
    style, verdict = ("bold red", "falls short:") if card.failures else ("green", "reached:")
    alarms = f"{len(card.false_alarms)} false alarms"
    told = f"{card.clean} cases without a mistake, {alarms} (expected: {card.mode})"
    _say(console, style, verdict, told)


def _show_held_out(card: Scorecard, console: Console) -> None:
    names = ("places", "unnamed", "alike", "likened", "wrong")
    rows = (*card.held, card.held_out)
    cells = ([row.step, *(str(getattr(row, name)) for name in names)] for row in rows)
    console.print(_table(("held out", *names), cells))
    for text in card.held_out.names:
        _say(console, "yellow", "wrong name", text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(head[0], box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in head[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _say(console: Console, style: str, word: str, text: str) -> None:
    """A line that begins with a word in the colour of what it means."""
    console.print(Text.assemble((word, style), f" {text}"), soft_wrap=True)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(scorecard)

if __name__ == "__main__":
    try:
        app()
    except ParityError as error:
        complain(f"error: {error}")
    except MemoryError:
        complain("error: out of memory; free some, or give fewer --jobs")
    sys.exit(2)
