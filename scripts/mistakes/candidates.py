"""Every known mistake given as a candidate, and whether ``parity check`` sees it by default."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.candidate.judge import judge
from parity.candidate.runner import InProcess
from parity.candidate.steps import candidate_from
from parity.check.cases import (
    Case,
    data_cases,
    default_cases,
    list_root,
    only_needed,
    pipeline_steps,
)
from parity.check.summary import candidate_steps, reference_steps
from parity.compare.compare import Verdict
from parity.compare.trace import StepRecord, run_trace
from parity.fixtures import inputs_root
from parity.pipeline import Step
from parity.probes.natural import OPERATIONS
from parity.suspects.catalogue import FAMILIES, all_suspects
from parity.suspects.suspect import Replaced, Suspect

# The seeds of ``parity check``.
SEEDS = range(40)
Records = Sequence[tuple[Case, Step, StepRecord]]


@dataclass(frozen=True)
class Planted:
    """One suspect as a candidate. name: what the step is given as. case: where it first differs."""

    step: str
    id: str
    replaces: str
    name: str
    case: str = ""
    cases: int = 0

    @property
    def is_detected(self) -> bool:
        """Whether any case of the default check is different."""
        return bool(self.case)


def places_of(only: frozenset[str]) -> int:
    """How many suspects `plant_all` gives."""
    places = [family for one in all_suspects() for family, _ in one.functions]
    return sum(not only or family in only for family in places)


def plant_all(only: frozenset[str] = frozenset(), *, live: bool) -> Iterator[Planted]:
    """Every suspect of the step files in `only`, none meaning all, as a candidate."""
    for family in FAMILIES:
        if not only or family in only:
            records = list(records_of(family, live))
            for suspect in all_suspects():
                for replaced in suspect.functions:
                    if replaced[0] == family:
                        yield plant(suspect, replaced, records)


def plant(suspect: Suspect, replaced: Replaced, records: Records) -> Planted:
    """One suspect as a candidate, case by case until one is different."""
    family, function = replaced
    name = plain_name(function)
    owns = {step.function.__name__: step.function for _, step, _ in records}
    given = as_candidate(suspect.functions[replaced], function, owns)
    runner = InProcess(candidate_from({name: given}, suspect.id))
    row = Planted(family, suspect.id, function, name)
    for at, (case, step, expected) in enumerate(records, 1):
        part = runner.description.part(step, replay=False)
        if not part:
            continue
        outcome = runner.run(part, step, expected.input, expected.state_before)
        if judge(outcome, expected).verdict is Verdict.DIFFERENT:
            return replace(row, case=case.name, cases=at)
    return row


def plain_name(function: str) -> str:
    """What a user would call it: the plain function, else the step of the pipelines."""
    names = [one.name for one in OPERATIONS if function in one.stands_for]
    names += [step.name for step in pipeline_steps() if step.function.__name__ == function]
    return names[0]


def as_candidate(
    wrong: Callable[..., Any], name: str, owns: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """The mistake under its plain name; what else of ours has that name is done as it should be."""
    resizes = {"random_resize_sample", "resize_sample"} & set(owns)
    if name not in resizes or len(resizes) < 2:
        return wrong

    def resize(sample: Any, rng: Any, **options: Any) -> Any:
        meant = "random_resize_sample" if "ratio_range" in options else "resize_sample"
        return (wrong if meant == name else owns[meant])(sample, rng, **options)

    return resize


def records_of(family: str, live: bool) -> Iterator[tuple[Case, Step, StepRecord]]:
    """What the reference does at every step of `family` in the cases of a default check."""
    root = inputs_root()
    cases = default_cases(list_root(root), SEEDS) + data_cases(root, SEEDS)
    names = frozenset(step.name for case in cases for step in case.steps if step.module == family)
    # Probes are fast, and most mistakes show on them; pipelines follow.
    needed = only_needed(cases, names)
    for case in sorted(needed, key=lambda one: one.probe is None):
        sides = reference_steps(case.steps) if live else candidate_steps(case.steps)
        trace = run_trace(sides, case.start(), case.seed)
        for step, record in zip(case.steps, trace.steps, strict=False):
            if step.module == family:
                yield case, step, record
