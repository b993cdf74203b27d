"""Check whole pipelines over many cases, and sum up per step."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch

from parity.compare.compare import Verdict, worst_verdict
from parity.compare.store import load_traces
from parity.compare.trace import (
    StepFunction,
    StepResult,
    Trace,
    TraceComparison,
    compare_with_trace,
    run_trace,
)
from parity.dataset import list_data
from parity.errors import InputError
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.sample import DataInfo

SPLITS = ("training", "validation")
# Below this many cases, starting worker processes costs more than it saves.
CASES_WORTH_WORKERS = 100
# Failures kept with all details; the rest are counted.
MAX_FAILURES = 100


@dataclass(frozen=True)
class Case:
    """One sample through one pipeline with one seed."""

    pipeline: str
    info: DataInfo
    seed: int
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """Unique among the cases of one check; names the image and the seed."""
        return f"{self.pipeline}/{Path(self.info.img_path).name}/seed {self.seed}"


@dataclass(frozen=True)
class CaseResult:
    """What came of a case. broken: why its input cannot be used, else ""."""

    case: str
    pipeline: str
    comparison: TraceComparison | None
    broken: str = ""


@dataclass(frozen=True)
class StepSummary:
    """One step of one pipeline over all cases; `first` explains the first difference."""

    pipeline: str
    step: str
    cases: int = 0
    isolated: Verdict = Verdict.NOT_COMPARED
    chained: Verdict = Verdict.NOT_COMPARED
    failed: int = 0
    max_abs: float = 0.0
    max_ulp: int = 0
    first: str = ""

    def add(self, case: str, isolated: StepResult, chained: StepResult) -> StepSummary:
        """This summary with one more case."""
        results = (isolated, chained)
        compared = worst_verdict(result.verdict for result in results)
        failed = compared is Verdict.DIFFERENT
        leaves = [leaf for result in results for leaf in result.leaves.values()]
        worse = isolated if isolated.verdict is Verdict.DIFFERENT else chained
        first = self.first or (f"{case}: {worse.explain()}" if failed else "")
        return StepSummary(
            self.pipeline,
            self.step,
            self.cases + (compared is not Verdict.NOT_COMPARED),
            worst_verdict((self.isolated, isolated.verdict)),
            worst_verdict((self.chained, chained.verdict)),
            self.failed + failed,
            max([self.max_abs, *(leaf.max_abs for leaf in leaves)]),
            max([self.max_ulp, *(leaf.max_ulp or 0 for leaf in leaves)]),
            first,
        )


@dataclass(frozen=True)
class CheckReport:
    """A whole check. mode: "live" or "recorded". failures: the first of them, in case order."""

    mode: str
    versions: dict[str, str]
    notes: tuple[str, ...]
    seeds: tuple[int, int]
    inputs: dict[str, str]
    summaries: tuple[StepSummary, ...]
    cases: int = 0
    failed: int = 0
    failures: tuple[CaseResult, ...] = ()
    broken: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """Of all steps together."""
        return worst_verdict(
            verdict for row in self.summaries for verdict in (row.isolated, row.chained)
        )


def default_cases(infos: Sequence[DataInfo], seeds: range) -> list[Case]:
    """The training pipeline once per seed, taking the inputs in turn; validation once per input."""
    train, val = TrainPipeline(), ValPipeline()
    cases = [
        Case("train", _with(infos[seed % len(infos)], train), seed, train.steps) for seed in seeds
    ]
    return cases + [Case("val", _with(info, val), 0, val.steps) for info in infos]


def _with(info: DataInfo, pipeline: TrainPipeline | ValPipeline) -> DataInfo:
    return pipeline.data_info(info.img_path, info.seg_map_path)


def list_root(root: Path) -> list[DataInfo]:
    """Every image of an ADE20K-style root, training split first.

    Raises InputError when there is none.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such directory; give a root with images/ and annotations/")
    found = [split for split in SPLITS if (root / "images" / split).is_dir()]
    if not found:
        raise InputError(f"{root}: holds neither images/training nor images/validation")
    return [
        info
        for split in found
        for info in list_data(root / "images" / split, root / "annotations" / split)
    ]


def reference_steps(steps: Iterable[Step]) -> list[tuple[str, StepFunction]]:
    """The live adapters of `steps`, by name. Raises ReferenceUnavailable without mmseg."""
    importlib.import_module("reference.compat").load_reference()
    return [(step.name, partial(_adapter(step), **step.options)) for step in steps]


def _adapter(step: Step) -> StepFunction:
    module = importlib.import_module(f"reference.{step.module}")
    adapter: StepFunction = getattr(module, step.function.__name__)
    return adapter


def candidate_steps(steps: Iterable[Step]) -> list[tuple[str, StepFunction]]:
    """Our own steps, by name."""
    return [(step.name, step) for step in steps]


def check_live(case: Case) -> CaseResult:
    """Run both sides of `case` now."""
    reference = run_trace(reference_steps(case.steps), case.info, case.seed)
    return check_against(case, reference)


def check_against(case: Case, reference: Trace) -> CaseResult:
    """Run our side of `case` and hold it against `reference`.

    A file that our load step refuses makes the case broken, not different.
    """
    comparison = compare_with_trace(candidate_steps(case.steps), reference)
    for step in comparison.steps:
        kind, _, message = step.isolated.raised.partition(": ")
        if step.name.startswith("load") and kind == InputError.__name__:
            return CaseResult(case.name, case.pipeline, None, broken=message)
    return CaseResult(case.name, case.pipeline, comparison)


def run_cases(cases: Sequence[Case], jobs: int) -> Iterator[CaseResult]:
    """Check all cases live, in order, in `jobs` processes when that is worth it."""
    if jobs < 2 or len(cases) < CASES_WORTH_WORKERS:
        yield from map(check_live, cases)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        yield from pool.map(check_live, cases, chunksize=8)


def _one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def recorded_cases(folder: Path, inputs: Path) -> tuple[list[tuple[Case, Trace]], dict[str, Any]]:
    """The recorded reference traces with the cases they answer, and the recording's header."""
    traces, header = load_traces(folder, "pipelines", inputs=inputs)
    pipelines = {case.name: case for case in recording_cases(inputs)}
    unknown = set(traces) - set(pipelines)
    if unknown:
        raise InputError(f"{folder}: holds cases this version does not know: {sorted(unknown)[:3]}")
    return [(pipelines[name], trace) for name, trace in traces.items()], header


def recording_cases(inputs: Path) -> list[Case]:
    """The small set that `parity record` records: every built-in input, at a small scale."""
    train = TrainPipeline(scale=(96, 48), crop_size=(40, 48))
    val = ValPipeline(scale=(96, 48))
    cases = []
    for index, info in enumerate(list_root(inputs)):
        for seed in (index, 100 + index):
            cases.append(Case("train", _with(info, train), seed, train.steps))
        cases.append(Case("val", _with(info, val), 0, val.steps))
    return cases


def summarise(
    results: Iterable[CaseResult], *, only: frozenset[str] = frozenset(), **header: Any
) -> CheckReport:
    """Sum up `results`; `only` names the steps to count, none meaning all.

    Keeps the first failures whole and counts the rest, so that memory stays flat.
    """
    rows: dict[tuple[str, str], StepSummary] = {}
    failures: list[CaseResult] = []
    broken: dict[str, None] = {}
    cases = failed = 0
    for result in results:
        cases += 1
        if result.comparison is None:
            broken[result.broken] = None
            continue
        before = sum(row.failed for row in rows.values())
        for step in result.comparison.steps:
            if not only or step.name in only:
                key = (result.pipeline, step.name)
                row = rows.get(key, StepSummary(*key))
                rows[key] = row.add(result.case, step.isolated, step.chained)
        if sum(row.failed for row in rows.values()) > before:
            failed += 1
            failures += [result] if len(failures) < MAX_FAILURES else []
    return CheckReport(
        summaries=tuple(rows.values()),
        cases=cases,
        failed=failed,
        failures=tuple(failures),
        broken=tuple(broken),
        **header,
    )
