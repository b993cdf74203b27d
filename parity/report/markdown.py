"""A check as Markdown, for a pull request or a file."""

from __future__ import annotations

from parity.compare.check import CheckReport, StepSummary


def render_markdown(report: CheckReport) -> str:
    """The whole report, ending in a newline."""
    first, last = report.seeds
    parts = [
        f"# Parity: {report.verdict}",
        f"{report.cases} cases ({report.mode} reference, training seeds {first} to {last - 1}), "
        f"{report.failed} different, {len(report.broken)} broken inputs.",
        *report.notes,
        step_table(report.summaries),
    ]
    found = [(row, *remark) for row in report.summaries for remark in remarks(row)]
    if found:
        parts.append("## Remarks")
        parts.append(
            "\n".join(
                f"- **{row.pipeline}/{row.step}**, {what}: {cell(text)}"
                for row, what, text in found
            )
        )
    if report.broken:
        parts.append("## Broken inputs")
        parts.append("\n".join(f"- {cell(message)}" for message in report.broken))
    parts.append("## Versions")
    parts.append("\n".join(f"- {name}: {cell(text)}" for name, text in report.versions.items()))
    parts.append("## Inputs")
    parts.append("\n".join(f"- `{code}` {cell(name)}" for name, code in report.inputs.items()))
    return "\n\n".join(parts) + "\n"


def step_table(summaries: tuple[StepSummary, ...]) -> str:
    """One row per step."""
    lines = [
        "| pipeline | step | cases | isolated | chained | different | worst difference |",
        "| --- | --- | ---: | --- | --- | ---: | --- |",
    ]
    lines += [
        f"| {row.pipeline} | {row.step} | {row.cases} | {row.isolated} | {row.chained} "
        f"| {row.failed} | {worst(row)} |"
        for row in summaries
    ]
    return "\n".join(lines)


def remarks(row: StepSummary) -> list[tuple[str, str]]:
    """What a table has no room for: a heading with counts, and the first case of each kind."""
    found = [
        (f"{row.failed} different, first", row.first),
        (f"{row.skipped} not compared, first", row.why_skipped),
        (f"{row.unstable} in which the reference differs from itself, first", row.why_unstable),
    ]
    return [(what, text) for what, text in found if text]


def worst(row: StepSummary) -> str:
    """The largest difference of a step in words; "none" when all bits are equal."""
    if row.max_abs == 0 and row.max_ulp == 0:
        return "none" if not row.failed else "not a value"
    ulp = f", {row.max_ulp} ULP" if row.max_ulp else ""
    return f"{row.max_abs:g}{ulp}"


def cell(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup escaped."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    for char in "\\`*_{}[]<>|#":
        shown = shown.replace(char, f"\\{char}" if char not in "<>" else f"&{_ENTITY[char]};")
    return shown


_ENTITY = {"<": "lt", ">": "gt"}
