"""Run failing cases again, to look at them."""

from __future__ import annotations

from collections.abc import Iterable

from parity.compare.check import CaseResult, candidate_steps
from parity.compare.exhibit.build import case_exhibits
from parity.compare.exhibit.classes import ClassNames
from parity.compare.exhibit.collect import ExhibitMaker
from parity.compare.exhibit.records import Exhibit
from parity.compare.plan import Plan


def exhibit_maker(plan: Plan, *, class_names: ClassNames = ()) -> ExhibitMaker:
    """Makes exhibits of the plan's cases by running both sides again, as a Collector wants it.

    class_names: of the label maps in image files.
    """
    by_name = {case.name: case for case in plan.cases}

    def make(result: CaseResult) -> Iterable[Exhibit]:
        if result.comparison is None:
            return ()
        case = by_name[result.case]
        return case_exhibits(
            case.name,
            case.pipeline,
            candidate_steps(plan.plant(case.steps)),
            plan.reference(case),
            result.comparison,
            class_names=() if case.info is None else class_names,
        )

    return make
