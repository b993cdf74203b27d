"""Whether the positions in a report point at something."""

from collections.abc import Iterable

from parity.check.exhibit.records import Series
from parity.report.document import CaseEntry, PlotSection, Report


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
    for name, exhibit in enumerate(report.exhibits):
        if not all(map(_curve_is_whole, exhibit.facts.curves)):
            return f"exhibits.{name}: holds a curve whose sides are of unequal length"
    for name, section in enumerate(report.sections):
        if isinstance(section, PlotSection) and not all(map(_curve_is_whole, section.curves)):
            return f"sections.{name}: holds a curve whose sides are of unequal length"
    return ""


def _curve_is_whole(curve: Series) -> bool:
    sides = (curve.actual, curve.expected, curve.difference)
    return all(len(side) == len(curve.x) for side in sides)


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
