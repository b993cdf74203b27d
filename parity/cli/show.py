"""What a check found, on a terminal: the steps, then what it comes to, where the eye is."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from parity.check.cases import all_steps
from parity.check.summary import ACCEPTED, CheckReport, StepSummary, Unexercised
from parity.cli.console import plain
from parity.cli.names import step_names
from parity.compare.compare import Verdict, worst_verdict
from parity.compare.rounding import ROUNDING
from parity.report.markdown import remarks
from parity.report.sentences import finding_sentence, worst
from parity.text import count, visible

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
PASSES_ON = "passes it on"
# What decides the numbers, first; a line has room for a few.
TELLING = ("mmseg", "recorded mmseg", "mmseg-parity", "torch", "numpy", "cv2")
# Begin the notes on what was asked for and could not be made: these are printed whole.
MISSING = ("No minimal example", "No picture", "No diagnosis")
# Names of what was not exercised that the verdict line has room for.
NAMED = 4
# (style, first words, what follows): a line of the table
_Line = tuple[str, tuple[str, str, str, str]]


def show(report: CheckReport, *, verbose: bool = False, quiet: bool = False) -> None:
    """Print the report. verbose: all of it, folding nothing. quiet: the verdict line only."""
    if not quiet:
        _show_origin(report, verbose=verbose)
        _show_table([_line(row) for row in report.summaries] if verbose else _folded(report))
        _block(_remarks(report, verbose=verbose))
        _block(_paths(report), whole=True)
        _block(_finding(report))
    line = verdict_line(report, verbose=verbose)
    _say(line, STYLES[report.verdict], line.partition(":")[0])


def _show_origin(report: CheckReport, *, verbose: bool) -> None:
    """Versions and notes: a line each, or all of them."""
    if verbose:
        for name, text in report.versions.items():
            _say(f"{name} {text}", "dim", name)
        for note in report.notes:
            _say(note, "yellow")
        return
    told = [f"{name} {report.versions[name]}" for name in TELLING if name in report.versions]
    _say(_fitting(told), "dim")
    missing = [note for note in report.notes if note.startswith(MISSING)]
    others = [note for note in report.notes if note not in missing]
    if others:
        _say(_note(others), "yellow")
    for note in missing:
        _say(note, "yellow")


def _note(notes: Sequence[str]) -> str:
    """The first note in one line, and how many there are."""
    if len(notes) == 1 and len(notes[0]) <= _width():
        return notes[0]
    end = f" (1 of {len(notes)} notes; -v)" if len(notes) > 1 else " (-v)"
    return textwrap.shorten(notes[0], _width() - len(end), placeholder=" ...") + end


def _fitting(parts: Sequence[str]) -> str:
    """As many of `parts` as a line has room for."""
    kept = list(parts)
    while len(kept) > 1 and len(", ".join(kept)) > _width():
        kept.pop()
    return ", ".join(kept)


def _folded(report: CheckReport) -> list[_Line]:
    """A line per group of equal steps, and one for each step of which there is more to say.

    Steps of which nothing was compared are left to the verdict line.
    """
    modules = {step.name: step.module for step in all_steps()}
    groups: dict[str, list[StepSummary]] = {}
    lines: list[_Line] = []
    for row in report.summaries:
        if _is_plain(row):
            groups.setdefault(modules.get(row.step, row.pipeline), []).append(row)
        elif row.cases or row.unstable:
            lines.append(_line(row))
    return [_group(name, rows) for name, rows in groups.items()] + lines


def _is_plain(row: StepSummary) -> bool:
    """Whether there is nothing to say of a step but that it is equal."""
    verdicts = {row.isolated, row.chained} - {Verdict.NOT_COMPARED}
    return verdicts == {Verdict.EQUAL} and not (row.unstable or row.manner)


def _group(name: str, rows: Sequence[StepSummary]) -> _Line:
    steps, cases = len({row.step for row in rows}), sum(row.cases for row in rows)
    what = count(steps, "step") if steps > 1 or rows[0].step != name else ""
    amount = count(cases, "comparison" if len(rows) > 1 else "case")
    cells = (name, str(Verdict.EQUAL), amount, what)
    return STYLES[Verdict.EQUAL], cells


def _line(row: StepSummary) -> _Line:
    """A step by itself: its verdict, cases, and the largest difference."""
    verdict = worst_verdict((row.isolated, row.chained))
    cases = f"{row.failed:,} of {row.cases:,} cases" if row.failed else count(row.cases, "case")
    if row.failed and row.isolated is not Verdict.DIFFERENT:
        word, what = PASSES_ON, ""
    else:
        word = ACCEPTED if row.is_accepted else ROUNDING if row.is_rounding else str(verdict)
        what = "" if worst(row) in ("none", "not a value") else f"by up to {worst(row)}"
    style = "" if word == PASSES_ON else STYLES[verdict]
    return style, (f"{row.pipeline}/{row.step}", word, cases, what.removesuffix(f", {word}"))


def _show_table(lines: Sequence[_Line]) -> None:
    """Columns as wide as their content; the last one goes below where there is no room."""
    widths = [max((len(line[1][at]) for line in lines), default=0) for at in range(3)]
    used = sum(widths) + 6
    for style, (name, word, cases, what) in lines:
        text = Text(visible(name).ljust(widths[0]) + "  ")
        text.append(word.ljust(widths[1]), style)
        text.append("  " + cases.rjust(widths[2]))
        if what and used + len(what) > _width():
            text.append("\n    " + what)
        elif what:
            text.append("  " + what)
        text.rstrip()
        plain().print(text, soft_wrap=True)


def _remarks(report: CheckReport, *, verbose: bool) -> Iterator[tuple[str, str]]:
    """Paragraphs, each with the words that it begins with."""
    for row in report.summaries:
        name = f"{row.pipeline}/{row.step}"
        for what, text in remarks(row):
            if verbose or (_is_telling(row) and "not compared" not in what):
                yield f"{name} {what}: {text}", name
    for one in report.unexercised if verbose else _told(report):
        yield f"not exercised: {one}", "not exercised"


def _paths(report: CheckReport) -> Iterator[tuple[str, str]]:
    for name, path in report.minimal.items():
        yield f"{name} minimal example: {path}", name
    for message in report.broken:
        yield f"broken input {message}", "broken input"


def _block(paragraphs: Iterable[tuple[str, str]], *, whole: bool = False) -> None:
    """Paragraphs below an empty line. whole: not wrapped, for paths may have spaces."""
    for place, (text, strong) in enumerate(paragraphs):
        if not place:
            plain().print()
        _say(text, "bold", strong, whole=whole)


def _is_telling(row: StepSummary) -> bool:
    """Whether more is to be said of a step than its line of the table does."""
    enters = row.isolated is Verdict.DIFFERENT
    return enters or bool(row.rounded or row.accepted or row.unstable or row.manner)


def _finding(report: CheckReport) -> Iterator[tuple[str, str]]:
    """What differs, where it enters, and which mistake it looks like; nothing where all is equal.

    Mistakes that one sentence names for several steps are said once.
    """
    if report.verdict is Verdict.EQUAL and not report.broken:
        return
    yield finding_sentence(report), ""
    said: dict[tuple[str, str], list[str]] = {}
    for row in report.summaries:
        if row.diagnosis.text:
            how = "looks like" if row.diagnosis.sure else "diagnosis"
            said.setdefault((how, str(row.diagnosis)), []).append(f"{row.pipeline}/{row.step}")
    for (how, text), names in said.items():
        yield f"{', '.join(names)} {how}: {text}", ", ".join(names)


def verdict_line(report: CheckReport, *, verbose: bool = False) -> str:
    """The verdict, counts, and how much was not exercised."""
    so_far = f"incomplete, {report.incomplete}; so far " if report.incomplete else ""
    return (
        f"{so_far}{report.verdict}: {report.cases:,} cases, {report.failed:,} different, "
        f"{len(report.broken)} broken inputs ({report.mode} reference)"
        f"{_unexercised(report, verbose=verbose)}"
    )


def _unexercised(report: CheckReport, *, verbose: bool) -> str:
    """How many steps were left out in whole or in part, and the first of them."""
    left = [*report.unexercised, *_partly(report.summaries)]
    known = {name: at for at, name in enumerate(step_names())}
    every = list(dict.fromkeys(name for one in left for name in one.names))
    every.sort(key=lambda name: known.get(name, len(known)))
    if not every:
        return ""
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    why = "" if verbose or len(_told(report)) == len(left) else "; -v says why"
    return f"; not exercised: {len(every)} ({', '.join(every[:NAMED])}{more}{why})"


def _told(report: CheckReport) -> list[Unexercised]:
    """Where nothing was compared, the first reasons why not."""
    if report.verdict is not Verdict.NOT_COMPARED:
        return []
    return [*report.unexercised, *_partly(report.summaries)][:NAMED]


def _partly(rows: Iterable[StepSummary]) -> Iterable[Unexercised]:
    """Steps with cases that were not compared for a reason that is not the candidate's."""
    for row in rows:
        if row.skipped and ": the candidate " not in row.why_skipped:
            what = f" in {count(row.skipped, 'case')}" if row.cases else ""
            yield Unexercised((f"{row.pipeline}/{row.step}{what}",), row.why_skipped)


def _say(text: str, style: str, strong: str = "", *, whole: bool = False) -> None:
    """A paragraph, wrapped between words. style: of the words `strong`; of all without them."""
    text = visible(text)
    lines = textwrap.wrap(text, _width(), break_long_words=False, break_on_hyphens=False)
    told = Text(text if whole else "\n".join(lines))
    told.stylize(style, 0, len(strong) or None)
    plain().print(told, soft_wrap=True)


def _width() -> int:
    return max(shutil.get_terminal_size().columns, 40)
