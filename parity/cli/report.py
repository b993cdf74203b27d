"""``parity report`` renders a report again from its JSON; ``parity open`` opens the latest."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from parity.report.json import read_report
from parity.report.write import latest_report, write_report


def report(
    file: Annotated[Path, Argument(metavar="FILE.json", help="What a check wrote.")],
    html: Annotated[bool, Option("--html", help="Write report.html.")] = False,
    markdown: Annotated[bool, Option("--markdown", help="Write report.md.")] = False,
    junit: Annotated[bool, Option("--junit", help="Write report.junit.xml.")] = False,
    out: Annotated[
        Path | None, Option(help="Folder to write into; default: that of FILE.json.")
    ] = None,
) -> None:
    """Render a report again from its JSON.

    Without a format, in all of them.
    """
    document = read_report(file)
    wanted = {"html": html, "markdown": markdown, "junit": junit}
    chosen = [name for name, asked in wanted.items() if asked] or list(wanted)
    folder = file.parent if out is None else out
    for path in write_report(document, folder, chosen):
        typer.echo(f"wrote {path}")


def open_latest(
    root: Annotated[Path, Argument(help="Folder below which reports are looked for.")] = Path(
        "reports"
    ),
) -> None:
    """Open the HTML report that was written last."""
    path = latest_report(root).resolve()
    typer.echo(str(path))
    typer.launch(str(path))
