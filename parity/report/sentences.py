"""What the sums of a check say, in words."""

from collections import Counter
from collections.abc import Sequence

from parity.check.exhibit.collect import CaseOutcome
from parity.check.summary import ACCEPTED, DISTRIBUTION, CheckReport, StepSummary
from parity.compare.compare import Verdict
from parity.compare.rounding import ROUNDING
from parity.text import count, names, number, ulp

# Steps that mmsegmentation has not.
FROM_TRANSFORMERS = frozenset({"dino"})


def verdict_sentence(check: CheckReport) -> str:
    """The whole check in one sentence, and what it did not exercise in another."""
    left = "; ".join(map(str, check.unexercised))
    cut = f"Incomplete, {check.incomplete}: " if check.incomplete else ""
    return f"{cut}{finding_sentence(check)}{left and f' Not exercised: {left}.'}"


def finding_sentence(check: CheckReport) -> str:
    """What was found, and where it enters; nothing of what was left out."""
    reference = reference_name(check)
    if check.verdict is Verdict.NOT_COMPARED:
        return f"Nothing was compared with {reference}."
    if check.verdict is Verdict.DIFFERENT:
        reference = reference_name(check, [row for row in check.summaries if row.failed])
        parts = [_entry_sentence(_of_steps(check), reference), _unneeded(check)]
        return f"{'; '.join(part for part in parts if part)}.{_broken(check)}"
    within = [row for row in check.summaries if Verdict.WITHIN in (row.isolated, row.chained)]
    rounded = [row for row in check.summaries if row.rounded]
    compared = [row for row in check.summaries if row.cases]
    steps, cases = count(len(compared), "step"), count(check.cases - len(check.broken), "case")
    verb = "equals" if len(compared) == 1 else "equal"
    how = "within named tolerances" if within else "bit for bit"
    how = f"up to rounding ({names([_name(row) for row in rounded])})" if rounded else how
    accepted = [_name(row) for row in check.summaries if row.accepted]
    how = f"up to what is accepted ({names(accepted)})" if accepted else how
    return f"{steps} {verb} {reference} {how} in {cases}.{_broken(check)}"


def _of_steps(check: CheckReport) -> list[StepSummary]:
    return [row for row in check.summaries if row.pipeline != ACCEPTED]


def _unneeded(check: CheckReport) -> str:
    """The accepted differences that are there no longer."""
    rows = [row.step for row in check.summaries if row.pipeline == ACCEPTED]
    verb = "is" if len(rows) == 1 else "are"
    text = f"{count(len(rows), 'accepted difference')} {verb} no longer needed ({names(rows)})"
    return text if rows else ""


def _broken(check: CheckReport) -> str:
    if not check.broken:
        return ""
    verb = "is" if len(check.broken) == 1 else "are"
    return f" {count(len(check.broken), 'input')} {verb} broken and could not be compared."


def _entry_sentence(rows: Sequence[StepSummary], reference: str) -> str:
    """Where differences enter, and where they travel to."""
    entering = [row for row in rows if row.isolated is Verdict.DIFFERENT]
    travelled = [row for row in rows if row.chained is Verdict.DIFFERENT and row not in entering]
    if not entering and not travelled:
        return ""
    if not entering:
        return f"{names([_name(row) for row in travelled])} differ from {reference} when chained"
    first = entering[0]
    text = (
        f"{_name(first)} differs from {reference} "
        f"in {first.failed:,} of {count(first.cases, 'case')}"
    )
    if len(entering) > 1:
        text = f"{names([_name(row) for row in entering])} differ from {reference}"
    if travelled:
        same = {row.pipeline for row in (*entering, *travelled)} == {first.pipeline}
        there = [row.step if same else _name(row) for row in travelled]
        text += f"; the difference travels on to {names(there, limit=6)}"
    return text


def _name(row: StepSummary) -> str:
    return f"{row.pipeline}/{row.step}"


def reference_name(check: CheckReport, rows: Sequence[StepSummary] | None = None) -> str:
    """The reference of `rows`, all by default, with its version: ``live mmsegmentation 1.2.2``.

    Of DINOv2 it is transformers.
    """
    done = {row.pipeline for row in (check.summaries if rows is None else rows) if row.cases}
    packages = {"mmseg": "mmsegmentation", "transformers": "transformers"}
    if not done & FROM_TRANSFORMERS:
        del packages["transformers"]
    elif done <= FROM_TRANSFORMERS:
        del packages["mmseg"]
    names = []
    for package, title in packages.items():
        version = check.versions.get(package) or check.versions.get(f"recorded {package}") or ""
        names.append(f"{title} {version}".strip())
    mode, _, place = check.mode.partition(", ")
    return " ".join(part for part in (mode, " and ".join(names), place) if part)


def compared(check: CheckReport, outcomes: Sequence[CaseOutcome]) -> tuple[str, ...]:
    """What was compared, a sentence per kind."""
    cases = Counter(outcome.pipeline for outcome in outcomes if not outcome.broken)
    lines = []
    single: list[StepSummary] = []
    done = [row for row in _of_steps(check) if row.cases]
    for pipeline in dict.fromkeys(row.pipeline for row in done):
        rows = [row for row in done if row.pipeline == pipeline]
        if pipeline == DISTRIBUTION:
            lines.append(f"{count(len(rows), 'distribution')} of what is drawn")
            continue
        mine = [outcome for outcome in outcomes if outcome.pipeline == pipeline]
        chain = any(outcome.file or len(outcome.steps) > 1 for outcome in mine)
        if not chain:
            single += rows
            continue
        amount = cases[pipeline] or max(row.cases for row in rows)
        lines.append(
            f"{count(len(rows), 'step')} of the pipeline {pipeline}, isolated and chained, "
            f"in {count(amount, 'case')}"
        )
    if single:
        amount = sum(row.cases for row in single)
        lines.append(
            f"{count(len(single), 'single step')} on seeded inputs, in {count(amount, 'case')}"
        )
    return tuple(lines)


def not_compared(check: CheckReport, only: frozenset[str]) -> tuple[str, ...]:
    """What was not compared, and why."""
    lines = []
    if only:
        few = names(sorted(only), limit=8) if len(only) <= 8 else f"the {len(only)} asked for"
        lines.append(f"every step but {few}: not asked for")
    for row in check.summaries:
        if row.skipped:
            lines.append(f"{_name(row)} in {count(row.skipped, 'case')}, first {row.why_skipped}")
        if row.unstable:
            lines.append(
                f"{_name(row)} in {count(row.unstable, 'case')}, in which the reference "
                f"differs from itself, first {row.why_unstable}"
            )
    lines += [f"a broken input: {message}" for message in check.broken]
    return tuple(lines)


def strip_sentence(rows: Sequence[StepSummary], *, chain: bool) -> str:
    """What became of the steps of one pipeline."""
    failed = [row for row in rows if row.failed]
    if not failed:
        idle = sum(1 for row in rows if not row.cases)
        text = f"{count(len(rows), 'step')}, none differs"
        text = text if idle < len(rows) else "nothing was compared"
        return f"{text}, {idle} not compared" if 0 < idle < len(rows) else text
    entering = [row.step for row in failed if row.isolated is Verdict.DIFFERENT]
    passing = [row.step for row in failed if row.isolated is not Verdict.DIFFERENT]
    if not chain:
        return f"{names(entering)} of {count(len(rows), 'step')} differ"
    parts = [f"the difference enters at {names(entering)}"] if entering else []
    parts += [f"travels on to {names(passing)}"] if passing else []
    return " and ".join(parts)


def worst(row: StepSummary) -> str:
    """The largest difference of a step in words; "none" when all bits are equal."""
    if row.max_abs == 0 and row.max_ulp == 0:
        return "none" if not row.failed else "not a value"
    ulps = f", {ulp(row.max_ulp)} ULP" if row.max_ulp else ""
    kind = ACCEPTED if row.is_accepted else ROUNDING if row.is_rounding else ""
    return number(row.max_abs) + ulps + (f", {kind}" if kind else "")
