"""A report as Markdown, for a pull request or a job summary."""

from collections.abc import Sequence

from parity.check.summary import StepSummary
from parity.report import document
from parity.report.markdown_exhibit import exhibit_parts
from parity.report.markup import bullets, cell, table
from parity.text import count, number

# Times and paths stand between these two lines, and nowhere else.
RUN_BEGINS, RUN_ENDS = "<!-- run: times and paths -->", "<!-- end of run -->"
# GitHub cuts a job summary at 1 MiB.
MAX_CASES = 100


def render_markdown(report: document.Report) -> str:
    """The whole report without its pictures, ending in a newline."""
    parts = [
        f"# {cell(report.title or 'Parity')}: {cell(report.label or report.verdict)}",
        cell(report.sentence),
        *_named(report),
        _sums(report),
        *_what(report),
        *_strips(report),
        *_remarks(report),
        *_steps(report),
        *(text for section in report.sections for text in _section(section)),
        *_cases(report),
        *_origin(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _named(report: document.Report) -> list[str]:
    """The diagnoses, for those who read no further."""
    return [
        f"{cell(step.pipeline)}/{cell(step.step)} looks like: {cell(step.diagnosis.text)}"
        for step in report.steps
        if step.diagnosis.text and step.diagnosis.sure
    ]


def _sums(report: document.Report) -> str:
    if report.title and not report.cases_total:
        return ""
    return (
        f"{report.cases_total:,} cases, {report.cases_failed:,} different, "
        f"{len(report.broken)} broken inputs."
    )


def _what(report: document.Report) -> list[str]:
    missing = report.not_compared or ("nothing was left out",)
    seeds = "" if report.seeds is None else f"\n- seeds: {report.seeds[0]} to {report.seeds[1] - 1}"
    return [
        f"- actual: {cell(report.candidate)}\n- expected: {cell(report.reference)}{seeds}",
        "Compared:\n\n" + bullets(report.compared) if report.compared else "",
        "Not compared:\n\n" + bullets(missing),
        *(f"> {cell(note)}" for note in (*report.advice, *report.notes)),
    ]


def _strips(report: document.Report) -> list[str]:
    """Pipelines as tables; single steps likewise, folded unless one differs."""
    if not report.steps:
        return []
    parts = ["## Steps"]
    single: list[document.StepEntry] = []
    for strip in report.strips:
        steps = [report.steps[at] for at in strip.steps]
        if strip.kind == "single":
            single += steps
        elif steps:
            parts += [f"**{cell(strip.name)}**: {cell(strip.sentence)}", _step_table(steps)]
    if single:
        failed = sum(1 for step in single if step.failed)
        head = f"{count(len(single), 'single step')}, {failed} of them different"
        parts.append(_folded(head, _step_table(single)))
    return parts


def _step_table(steps: Sequence[document.StepEntry]) -> str:
    columns = ("pipeline", "step", "isolated", "chained", "", "cases", "different", "worst")
    rows = (
        (
            step.pipeline,
            step.step,
            document.word(step, step.isolated),
            document.word(step, step.chained),
            "enters here" if step.enters else "",
            f"{step.cases:,}",
            f"{step.failed:,}",
            step.worst,
        )
        for step in steps
    )
    return table(columns, rows, numbers=3)


def _remarks(report: document.Report) -> list[str]:
    found = [
        f"- **{cell(step.pipeline)}/{cell(step.step)}**, {what}: {cell(text)}"
        for step in report.steps
        for what, text in remarks(step)
    ]
    return ["## Remarks", "\n".join(found)] if found else []


def remarks(step: document.StepEntry | StepSummary) -> list[tuple[str, str]]:
    """What a table has no room for: a heading with counts, and the first case of each kind."""
    found = [
        (f"{step.failed:,} different, first", "" if step.first == step.why_rounded else step.first),
        (f"{step.rounded:,} by rounding alone, first", step.why_rounded),
        (f"{step.accepted:,} accepted, first", step.why_accepted),
        (f"{step.skipped:,} not compared, first", step.why_skipped),
        (f"{step.unstable:,} in which the reference differs from itself, first", step.why_unstable),
        ("note", step.manner),
    ]
    return [(what, text) for what, text in found if text]


def _steps(report: document.Report) -> list[str]:
    parts: list[str] = []
    for step in report.steps:
        if not (step.exhibits or step.diagnosis.text):
            continue
        parts.append(f"## {cell(step.pipeline)}/{cell(step.step)}")
        if step.diagnosis.text:
            told = f"**Diagnosis:** {cell(step.diagnosis.text)}"
            parts += [told, bullets(step.diagnosis.evidence)]
        for at in step.exhibits:
            parts += exhibit_parts(report.exhibits[at].facts)
            pictures = report.exhibits[at].pictures
            if pictures:
                paths = ", ".join(cell(picture.path or "output") for picture in pictures)
                parts.append(f"Pictures of {paths}: see the HTML report.")
    return parts


def _section(section: document.Section) -> list[str]:
    parts = [f"## {cell(section.title)}", cell(section.text)]
    if isinstance(section, document.PlotSection):
        return [*parts, bullets(curve.title for curve in section.curves)]
    if isinstance(section, document.TableSection):
        rows = table(section.columns, section.rows)
        head = f"{cell(section.title)}: {len(section.rows):,}"
        return [*parts, _folded(head, rows) if section.folded else rows]
    return [*parts, *_findings(section)]


def _folded(head: str, rows: str) -> str:
    return f"<details><summary>{head}</summary>\n\n{rows}\n\n</details>"


def _findings(section: document.FindingSection) -> list[str]:
    parts = []
    for place, finding in enumerate(section.findings, 1):
        parts += [f"### {place}. {cell(finding.title)}", cell(finding.text)]
        parts.append(bullets(finding.details))
        effects = [("effect", text) for text in (finding.effect, *finding.effects)]
        told = (*effects, ("fix", finding.fix), ("source", finding.link))
        parts.append(bullets(f"{name}: {text}" for name, text in told if text))
        parts.append(bullets(map(place_text, finding.evidence)))
    return parts


def place_text(line: document.EvidenceLine) -> str:
    """File, line and what stands there, on one line."""
    return f"{line.file}{f':{line.line}' if line.line else ''}: {line.text}"


def _cases(report: document.Report) -> list[str]:
    failing = [case for case in report.cases if case.verdict in ("different", "not compared")]
    if not failing:
        return []
    rows = [(case.name, case.verdict, _where(case, report), case.note) for case in failing]
    parts = ["## Cases", table(("case", "verdict", "steps", "first"), rows[:MAX_CASES])]
    if len(rows) > MAX_CASES:
        parts.append(f"{len(rows) - MAX_CASES:,} more, see report.json.")
    return parts


def _where(case: document.CaseEntry, report: document.Report) -> str:
    """The steps that differ, those by themselves in front."""
    codes = list(zip(case.steps, case.isolated, case.chained, strict=True))
    alone = [report.steps[at].step for at, isolated, _ in codes if isolated == "x"]
    passed = [report.steps[at].step for at, i, chained in codes if chained == "x" and i != "x"]
    parts = [", ".join(alone), f"chained: {', '.join(passed)}" if passed else ""]
    return "; ".join(part for part in parts if part)


def _origin(report: document.Report) -> list[str]:
    run = report.run
    lines = [f"repeat with: {run.command}"] if run.command else []
    if run.started:
        seconds = "" if run.seconds is None else f", {number(run.seconds)} s"
        lines.append(f"made: {run.started}{seconds}")
    lines += [f"{mark} is {folder}" for mark, folder in run.roots.items()]
    lines += [f"minimal example of {step}: {path}" for step, path in run.minimal.items()]
    versions = bullets(f"{name}: {text}" for name, text in report.versions.items())
    inputs = bullets(f"{file.sha256} {file.name}" for file in report.inputs)
    return [
        "## Versions" if versions else "",
        versions,
        "## Inputs" if inputs else "",
        inputs,
        "## Run" if lines else "",
        f"{RUN_BEGINS}\n{bullets(lines)}\n{RUN_ENDS}" if lines else "",
    ]
