"""An explanation as a report, for the renderers that reports of checks have too."""

import re
from collections.abc import Iterable, Sequence
from functools import partial

from parity.causes.cause import Evidence, Finding
from parity.explain.advice import Status
from parity.explain.compare_runs import RunComparison
from parity.explain.explain import Judgement
from parity.report import document
from parity.report.explanation import (
    curve_text,
    effect_lines,
    evidence_place,
    finding_title,
    gap_lines,
    row_text,
    unread_text,
)
from parity.report.json import canonical
from parity.text import count, with_marks

_WORDS: dict[Status, document.Word] = {
    "within noise": "within tolerance",
    "explained": "different",
    "not settled": "different",
    "unexplained": "different",
    "not comparable": "not compared",
    "no gap": "not compared",
}
# Longer tables are folded.
MAX_OPEN = 8
# Rows of a table of settings; the answer's own JSON holds all.
MAX_SETTINGS = 400
# An issue or pull request, as in docs/causes.md.
_SOURCE = re.compile(r"(M|F|[\w.-]+/[\w.-]+)#(\d+)", re.ASCII)
_REPOSITORIES = {"M": "open-mmlab/mmsegmentation", "F": "facebookresearch/Mask2Former"}


def report_of_explanation(
    answer: Judgement, run: document.CheckRun | None = None
) -> document.Report:
    """The report of an explanation. run: when, where and how it was made.

    Paths below the training run are written relative to the mark ``{run}``.
    """
    made = document.CheckRun(roots={"{run}": answer.path}) if run is None else run
    unread = [unread_text(item) for item in answer.unread]
    report = document.Report(
        verdict=_WORDS[answer.status],
        sentence=_sentence(answer),
        title="Why a training run scores as it does",
        label=answer.verdict.replace("no gap", "gap not known", 1),
        advice=tuple(_advice(answer)),
        candidate=f"the run {answer.run}",
        reference=_reference(answer),
        compared=tuple(gap_lines(answer)),
        not_compared=(*unread, *_open(answer)),
        failed=answer.status in ("unexplained", "not settled"),
        notes=tuple(_notes(answer)),
        sections=tuple(_sections(answer)),
        run=made,
    )
    return canonical(report, partial(with_marks, roots=made.roots))


def _reference(answer: Judgement) -> str:
    if answer.comparison is not None:
        return f"the run {answer.comparison.there}"
    return f"the zoo's {row_text(answer.row)}" if answer.row is not None else "no zoo result"


def _sentence(answer: Judgement) -> str:
    """What is certainly broken, and how far the run is from what it is compared with."""
    lead = f"{answer.lead.title}. " if answer.lead is not None else ""
    score = "no score" if answer.last is None else f"{answer.last.value:.2f} mIoU"
    if answer.reasons:
        return (
            f"{lead}The run {answer.run} has {score}, and is not comparable: {answer.reasons[0]}."
        )
    if answer.gap is None:
        return f"{lead}The run {answer.run} has {score}; no gap is known."
    apart = f"as high as {_reference(answer)}"
    if f"{abs(answer.gap):.2f}" != "0.00":
        side = "above" if answer.gap > 0 else "below"
        apart = f"{abs(answer.gap):.2f} points {side} {_reference(answer)}"
    return f"{lead}The run {answer.run} ended at {score}, {apart}."


def _advice(answer: Judgement) -> Iterable[str]:
    yield f"Next test: {answer.next_test}"
    for item in answer.inseparable:
        yield f"Not separable: {item.text}; separable by {item.separable_by}"
    opened = {item.id: item for item in answer.unchecked}
    for name in answer.not_excluded:
        yield f"Not excluded: {name}; {opened[name].why}; needs {opened[name].needs}"


def _open(answer: Judgement) -> list[str]:
    if not answer.unchecked:
        return []
    causes = count(len(answer.unchecked), "cause")
    return [f"{causes} that the files do not decide, see Not checked"]


def _notes(answer: Judgement) -> Iterable[str]:
    yield from answer.reasons[1:]
    yield from answer.notes


def _sections(answer: Judgement) -> Iterable[document.Section]:
    yield _findings(answer)
    if answer.beside and answer.comparison is not None:
        text = f"What is broken in {answer.comparison.there} by itself, and not in this run."
        yield document.FindingSection("In the other run", text, tuple(map(_finding, answer.beside)))
    if answer.curve is not None:
        text = "At every validation, beside the final score of the zoo's result."
        yield document.PlotSection("Score over the training", text, (answer.curve,))
    if answer.comparison is not None:
        yield from _beside(answer.comparison)
    cleared = [(item.id, item.title, item.by) for item in answer.ruled_out]
    yield from _table("Ruled out", ("cause", "", "by"), cleared)
    opened = [(item.id, item.title, item.why, item.needs) for item in answer.unchecked]
    yield from _table("Not checked", ("cause", "", "why", "needs"), opened)


def _table(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], text: str = ""
) -> Iterable[document.Section]:
    if rows:
        text = text or f"{count(len(rows), 'cause')}."
        yield document.TableSection(title, text, columns, tuple(rows), folded=len(rows) > MAX_OPEN)


def _findings(answer: Judgement) -> document.FindingSection:
    tried = len(answer.findings) + len(answer.ruled_out) + len(answer.unchecked)
    text = f"{len(answer.findings)} found, of {tried} causes and settings looked at"
    if len(answer.findings) > 1:
        text += ", most certain and most severe first"
    return document.FindingSection("Causes", f"{text}.", tuple(map(_finding, answer.findings)))


def _finding(found: Finding) -> document.FindingEntry:
    effects = effect_lines(found)
    why = f"{found.confidence}, because {found.why}"
    return document.FindingEntry(
        title=finding_title(found),
        text=found.detail or found.mechanism,
        effect=effects[0],
        effects=tuple(effects[1:]),
        fix=found.fix,
        link=_address(found),
        evidence=tuple(map(_evidence, found.evidence)),
        details=(why, *((found.mechanism,) if found.detail else ())),
    )


def _address(found: Finding) -> str:
    """The page of the first effect that has one."""
    for effect in found.effects:
        match = _SOURCE.search(effect.source)
        if match is not None:
            repository = _REPOSITORIES.get(match[1], match[1])
            return f"https://github.com/{repository}/issues/{match[2]}"
    return ""


def _evidence(item: Evidence) -> document.EvidenceLine:
    return document.EvidenceLine(item.file, item.line or 0, evidence_place(item))


def _beside(found: RunComparison) -> Iterable[document.Section]:
    """The training comparison: curves that part, scores, settings."""
    apart = [curve for curve in found.curves if curve.parts_at is not None]
    if found.plots:
        text = (
            f"Actual is {found.here}, expected {found.there}. {len(apart)} of "
            f"{count(len(found.curves), 'curve')} that both logged part."
        )
        yield document.PlotSection("Curves of both runs", text, found.plots)
    rows: list[tuple[str, ...]] = [(curve.name, curve_text(curve)) for curve in found.curves]
    text = f"{count(len(rows), 'curve')} at the iterations that both runs logged."
    yield from _table("Where the curves part", ("curve", ""), rows, text)
    scores: list[tuple[str, ...]] = [
        (str(step), f"{here:.2f}", f"{there:.2f}", f"{here - there:+.2f}")
        for step, here, there in found.scores
    ]
    columns = ("iteration", found.here, found.there, "difference")
    yield from _table("mIoU at equal iterations", columns, scores, "In percent.")
    yield from _settings(found)


def _settings(found: RunComparison) -> Iterable[document.Section]:
    rows: list[tuple[str, ...]] = [
        (group, item.path, item.here, item.there)
        for group, items in found.settings.items()
        for item in items
    ]
    equal = [group for group, items in found.settings.items() if not items]
    text = f"{count(len(rows), 'setting')}, by what they are about."
    text += f" None of {', '.join(equal)}." if equal else ""
    more = len(rows) - MAX_SETTINGS
    text += f" {count(more, 'more setting')} in the answer's JSON." if more > 0 else ""
    columns = ("about", "setting", found.here, found.there)
    yield from _table("Settings that differ", columns, rows[:MAX_SETTINGS], text)
