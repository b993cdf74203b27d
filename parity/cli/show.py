"""What a check found, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parity.compare.check import ACCEPTED, CheckReport, StepSummary
from parity.compare.compare import Verdict
from parity.compare.rounding import ROUNDING
from parity.report.markdown import remarks
from parity.report.sentences import worst
from parity.text import visible

EXIT_CODES = {
    Verdict.EQUAL: 0,
    Verdict.WITHIN: 0,
    Verdict.DIFFERENT: 1,
    Verdict.NOT_COMPARED: 3,
}
STYLES = {
    Verdict.EQUAL: "green",
    Verdict.WITHIN: "yellow",
    Verdict.DIFFERENT: "bold red",
    Verdict.NOT_COMPARED: "dim",
}


def show(report: CheckReport) -> None:
    """Print the report as a table."""
    console = Console()
    for name, text in report.versions.items():
        console.print(f"[dim]{escape(name)}[/] {escape(visible(text))}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]{escape(visible(note))}[/]")
    console.print(_table(report))
    for row in report.summaries:
        name = f"{row.pipeline}/{row.step}"
        if row.diagnosis.text:
            told = escape(visible(str(row.diagnosis)))
            how = "looks like" if row.diagnosis.sure else "diagnosis"
            console.print(f"[bold]{name}[/] {how}: {told}", soft_wrap=True)
        for what, text in remarks(row):
            console.print(f"[bold]{name}[/] {what}: {escape(visible(text))}", soft_wrap=True)
    for name, path in report.minimal.items():
        console.print(f"[bold]{name}[/] minimal example: {escape(visible(path))}", soft_wrap=True)
    for message in report.broken:
        console.print(f"[bold red]broken input[/] {escape(visible(message))}", soft_wrap=True)
    style = STYLES[report.verdict]
    console.print(
        f"[{style}]{report.verdict}[/]: {report.cases} cases, {report.failed} different, "
        f"{len(report.broken)} broken inputs ({report.mode} reference){_unexercised(report)}",
        soft_wrap=True,
    )


def _unexercised(report: CheckReport) -> str:
    if not report.unexercised:
        return ""
    return escape(visible(f"; not exercised: {'; '.join(report.unexercised)}"))


def _word(row: StepSummary, verdict: Verdict) -> str:
    """The verdict of a row; rounding and what is accepted have words of their own."""
    differs = verdict in (Verdict.DIFFERENT, Verdict.WITHIN)
    other = ACCEPTED if row.is_accepted else ROUNDING if row.is_rounding else verdict
    return f"[{STYLES[verdict]}]{other if differs else verdict}[/]"


def _table(report: CheckReport) -> Table:
    table = Table("pipeline")
    table.add_column("step", overflow="fold")
    for name in ("cases", "isolated", "chained", "different", "worst"):
        table.add_column(name, overflow="fold")
    for row in report.summaries:
        verdicts = [_word(row, verdict) for verdict in (row.isolated, row.chained)]
        table.add_row(
            row.pipeline, row.step, str(row.cases), *verdicts, str(row.failed), worst(row)
        )
    return table
