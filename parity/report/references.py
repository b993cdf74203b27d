"""Whether the positions in a report point at something."""

from __future__ import annotations

from collections.abc import Iterable

from parity.report.document import CaseEntry, Report


def broken_reference(report: Report) -> str:
    """The first position that points nowhere, in words, or ""."""
    for name, strip in enumerate(report.strips):
        if not _inside(strip.steps, len(report.steps)):
            return f"strips.{name}: names a step that is not there"
    for name, step in enumerate(report.steps):
        if not _inside(step.exhibits, len(report.exhibits)):
            return f"steps.{name}: names an exhibit that is not there"
    for name, case in enumerate(report.cases):
        if not _case_is_whole(case, report):
            return f"cases.{name}: names a strip, step or exhibit that is not there"
    return ""


def _case_is_whole(case: CaseEntry, report: Report) -> bool:
    return (
        _inside((case.strip,), len(report.strips))
        and _inside(case.steps, len(report.steps))
        and _inside(case.exhibits, len(report.exhibits))
        and len(case.steps) == len(case.isolated) == len(case.chained)
        and not set(case.isolated + case.chained) - set("=~x-u.")
    )


def _inside(positions: Iterable[int], length: int) -> bool:
    return all(0 <= position < length for position in positions)
