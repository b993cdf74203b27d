"""Run failing cases again, to look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from parity.compare.cases import Case
from parity.compare.check import CaseResult, candidate_steps, reference_steps
from parity.compare.exhibit.build import case_exhibits
from parity.compare.exhibit.classes import ClassNames
from parity.compare.exhibit.collect import ExhibitMaker
from parity.compare.exhibit.records import Exhibit
from parity.compare.trace import Trace, run_trace
from parity.pipeline import Step

Steps = tuple[Step, ...]


def exhibit_maker(
    cases: Iterable[Case],
    traces: Mapping[str, Trace] | None = None,
    *,
    class_names: ClassNames = (),
    plant: Callable[[Steps], Steps] | None = None,
) -> ExhibitMaker:
    """Makes exhibits of `cases` by running our steps again, as a Collector wants it.

    traces: the reference's, by name of the case; where there is none, the live
    reference runs again. class_names: of the label maps in image files. plant:
    exchanges some of our steps for others.
    """
    by_name = {case.name: case for case in cases}

    def make(result: CaseResult) -> Iterable[Exhibit]:
        if result.comparison is None:
            return ()
        case = by_name[result.case]
        steps = case.steps if plant is None else plant(case.steps)
        return case_exhibits(
            case.name,
            case.pipeline,
            candidate_steps(steps),
            (traces or {}).get(case.name) or _live(case),
            result.comparison,
            class_names=() if case.info is None else class_names,
        )

    return make


def _live(case: Case) -> Trace:
    return run_trace(reference_steps(case.steps), case.start(), case.seed)
