"""``parity matrix``: can this library stand in for the reference, step by step?"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from parity.cli.console import INTERRUPTED, complain, plain
from parity.cli.names import complete_libraries
from parity.cli.progress import Telling
from parity.cli.show import STYLES
from parity.compare.compare import Verdict, worst_verdict
from parity.environment import environment
from parity.errors import InputError
from parity.files import write_atomically
from parity.libraries import NAMES, adapter
from parity.libraries.matrix.markdown import Results, left, render_matrix, size, why
from parity.libraries.matrix.run import run_matrix
from parity.live import reference_header
from parity.text import did_you_mean


def matrix(
    libraries: Annotated[
        list[str] | None,
        Argument(
            metavar="[LIBRARY]...",
            help=f"Of {', '.join(NAMES)}; default all.",
            autocompletion=complete_libraries,
        ),
    ] = None,
    out: Annotated[Path, Option(help="Markdown file to write.")] = Path(
        "reports/sample/library-matrix.md"
    ),
) -> None:
    """Run every installed library beside mmsegmentation."""
    unknown = sorted(set(libraries or []) - set(NAMES))
    if unknown:
        near = did_you_mean(unknown[0], NAMES, f"there are {', '.join(NAMES)}")
        raise InputError(f"no adapter for {', '.join(unknown)}; {near}")
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network at import
    versions, notes = reference_header()
    results: Results = []
    with Telling(unit="libraries") as telling:
        told: Callable[..., Iterable[Any]] = telling.results
        for library, cells in told(run_matrix(libraries or NAMES), len(libraries or NAMES)):
            complain(f"{library.title}: {len(cells)} comparisons")
            results = [*results, (library, cells)]
    if telling.interrupted:
        show(results)
        complain(f"{telling.stopped}; {out} is left as it was")
        raise typer.Exit(INTERRUPTED)
    found = [note for name in libraries or NAMES for note in _notes(name)]
    page = render_matrix(results, {**versions, **environment()}, [*notes, *found])
    write_atomically(out, page.encode())
    show(results)
    typer.echo(f"wrote {out}")
    compared = worst_verdict(cell.verdict for _, cells in results for cell in cells)
    raise typer.Exit(3 if compared is Verdict.NOT_COMPARED else 0)


def _notes(name: str) -> tuple[str, ...]:
    """What an adapter has to say about the installed library."""
    notes: tuple[str, ...] = getattr(adapter(name), "notes", tuple)()
    return notes


def show(results: Results) -> None:
    """Print what was compared as a table; what was not is in the file."""
    table = Table("library", "operation", "called as", "verdict", "difference", "reason")
    for library, cells in results:
        for cell in cells:
            if cell.verdict is not Verdict.NOT_COMPARED:
                verdict = Text(str(cell.verdict), STYLES[cell.verdict])
                rest = size(cell), " ".join((why(cell), left(cell))).strip()
                table.add_row(library.title, cell.row, cell.call, verdict, *rest)
    plain().print(table)
