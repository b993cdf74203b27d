"""For the tests of your own repository: `assert_parity`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.candidate.engine import Engine
from parity.candidate.example import single_step, write_example
from parity.candidate.forms import functions_named
from parity.candidate.oracle import live_oracle, own_oracle
from parity.candidate.partly import mistake_of
from parity.candidate.runner import DEFAULT_LIMIT, InProcess
from parity.candidate.steps import PIPELINE
from parity.candidate.whole import whole_step
from parity.compare.cases import Case, list_root
from parity.compare.check import CaseResult, Held, reference_steps
from parity.compare.compare import Verdict
from parity.compare.trace import StepFunction, StepResult, Trace, run_trace
from parity.environment import environment
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.live import reference_header, reference_installed
from parity.pipeline import Step, TrainPipeline, ValPipeline
from parity.probes.catalogue import PROBES
from parity.probes.natural import by_name
from parity.sample import DataInfo
from parity.suspects.failures import Diagnose, careful

__all__ = ["assert_parity"]

# Small enough for hundreds of seeds a minute, large enough for every branch of the steps.
TRAIN = TrainPipeline(scale=(192, 96), crop_size=(80, 96))
VAL = ValPipeline(scale=(192, 96))
# Differences after which the rest of the seeds tells nothing new.
ENOUGH = 4


@dataclass
class _Tally:
    """Cases so far. first: the first difference, by case. skipped: why others were not compared."""

    compared: int = 0
    different: int = 0
    first: str = ""
    skipped: str = ""

    def add(self, case: str, result: StepResult) -> None:
        if result.verdict is Verdict.NOT_COMPARED:
            self.skipped = self.skipped or f"{case}: {result.explain()}"
            return
        self.compared += 1
        if result.verdict is Verdict.DIFFERENT:
            self.different += 1
            self.first = self.first or f"{case}: {result.explain()}"


def assert_parity(
    step: str,
    candidate: Any,
    *,
    seeds: Iterable[int] = range(200),
    live: bool | None = None,
    replay: bool = False,
    time_limit: float = DEFAULT_LIMIT,
    diagnose: Diagnose | None = mistake_of,
    example: str | Path | None = None,
) -> None:
    """Fail unless `candidate` gives what the reference gives, bit by bit, for every seed.

    step: such as "crop", or "pipeline" for all that follows loading. candidate: a
    function with the signature of the step, or what ``parity check --candidate``
    takes. live: insist on mmsegmentation, or (False) on our own steps, which
    ``parity check`` holds bit-equal to it; None takes what is installed. replay:
    prefer functions that apply the reference's draws. time_limit: seconds per
    call. diagnose: see `parity.candidate.run.check_candidate`. example: a folder
    for a minimal example.

    Raises AssertionError with the first difference and the mistake it looks like;
    InputError for an unknown step, and when nothing could be compared.
    """
    live = reference_installed() if live is None else live
    given = single_step(_first_step(step), "", candidate, called=step)
    check = Engine(InProcess(given, limit=time_limit), replay=replay)
    tally = _Tally()
    for case in _cases(step, list(seeds)):
        for result in check.run([(case, _trace(case, live))]):
            _add(tally, result, step)
        if tally.different >= ENOUGH:
            break
    if tally.different:
        raise AssertionError(_message(step, tally, check, diagnose, _origin(live), example, live))
    if not tally.compared:
        reason = tally.skipped or "the candidate does not give this step"
        raise InputError(f"{step}: nothing was compared; {reason}")


def _first_step(name: str) -> Step:
    for step in _steps(name):
        return step
    known = dict.fromkeys(step.name for step in (*TRAIN.steps, *VAL.steps))
    probed = dict.fromkeys(probe.step.name for probe in PROBES)
    raise InputError(f"no step {name}; there are {PIPELINE}, {', '.join([*known, *probed])}")


def _steps(name: str) -> Iterator[Step]:
    whole = whole_step(TRAIN.steps)
    every = [*([whole] if whole else []), *TRAIN.steps, *VAL.steps, *(p.step for p in PROBES)]
    return (step for step in every if _is(step, name))


def _cases(name: str, seeds: Sequence[int]) -> Iterator[Case]:
    """One image per seed in training, every image once in validation, every probe per seed."""
    infos = list_root(inputs_root())
    train = _cut(TRAIN.steps, name) if name != PIPELINE else TRAIN.steps
    val, probes = _cut(VAL.steps, name), [p for p in PROBES if _is(p.step, name)]
    for seed in seeds:
        if train:
            yield _file_case("train", TRAIN, infos[seed % len(infos)], seed, train)
        for probe in probes:
            yield Case(probe.step.module, probe.step.name, seed, (probe.step,), probe=probe)
    if val:
        yield from (_file_case("val", VAL, info, 0, val) for info in infos)


def _is(step: Step, name: str) -> bool:
    """By its own name, that of our function, or a plain name such as ``cross_entropy``."""
    plain = name in by_name() and step.function.__name__ in functions_named(name)
    return plain or name in (step.name, step.function.__name__)


def _cut(steps: tuple[Step, ...], name: str) -> tuple[Step, ...]:
    """`steps` up to the one called `name`; nothing when there is none."""
    found = [index for index, step in enumerate(steps) if _is(step, name)]
    return steps[: found[-1] + 1] if found else ()


def _file_case(
    name: str,
    pipeline: TrainPipeline | ValPipeline,
    info: DataInfo,
    seed: int,
    steps: tuple[Step, ...],
) -> Case:
    started = pipeline.data_info(info.img_path, info.seg_map_path)
    return Case(name, Path(info.img_path).name, seed, steps, info=started)


def _trace(case: Case, live: bool) -> Trace:
    own: list[tuple[str, StepFunction]] = [(step.name, step) for step in case.steps]
    return run_trace(reference_steps(case.steps) if live else own, case.start(), case.seed)


def _add(tally: _Tally, result: CaseResult, name: str) -> None:
    if result.comparison is None:
        return
    known = {step.name for step in _steps(name)}
    for step in result.comparison.steps:
        if step.name in known:
            tally.add(result.case, step.isolated)


def _message(
    name: str,
    tally: _Tally,
    check: Engine,
    diagnose: Diagnose | None,
    versions: dict[str, str],
    example: str | Path | None,
    live: bool,
) -> str:
    """What differs, what it looks like, and where the minimal example is."""
    beside = f"mmsegmentation {versions['mmseg']}" if live else "the steps of mmseg-parity"
    lines = [
        f"{name} differs from {beside} in {tally.different} of {tally.compared} cases",
        f"first: {tally.first}",
    ]
    records = check.records()
    for key, failures in check.failures.items():
        if diagnose is not None:
            text = str(careful(diagnose, records[key]))
            lines += [f"looks like: {text}"] if text else []
        if example is not None:
            lines.append(_example(Path(example), check, failures[0], versions, live))
    return "\n".join(lines)


def _example(
    folder: Path, check: Engine, failure: Held, versions: dict[str, str], live: bool
) -> str:
    try:
        page = write_example(
            folder,
            check.runner,
            failure,
            part=check.part(failure[0]),
            oracle=live_oracle if live else own_oracle,
            title=check.runner.description.name,
            versions=versions,
        )
    except Exception as error:  # whatever a candidate gives, an example costs itself only
        return f"no minimal example: {error or type(error).__name__}"
    return f"minimal example: {page}"


def _origin(live: bool) -> dict[str, str]:
    versions = reference_header()[0] if live else {}
    return {**versions, **environment()}
