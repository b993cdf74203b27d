"""What came of one config, stage by stage."""

import fnmatch
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from parity.candidate.engine import Engine
from parity.candidate.own import check_case
from parity.candidate.sides import OwnSteps
from parity.check.cases import Case, list_root
from parity.check.summary import reference_steps
from parity.compare.compare import Verdict
from parity.compare.rounding import Rounding
from parity.compare.trace import run_trace
from parity.errors import InputError
from parity.fixtures import inputs_root
from parity.recipe import Recipe, absent, read
from parity.recipe.cases import recipe_cases
from parity.runs.config import installed_configs

INPUTS = ("odd_37x53", "wide_21x160")
SEEDS = range(2)
# A config's place among the days of a month decides when it is in the sample.
DAYS = 30
DATA, LOSS, GROUPS, INFERENCE = "data", "loss and gradient", "optimizer groups", "inference"
ORDER = (DATA, "collate", LOSS, GROUPS, "schedule", INFERENCE, "metric")
# The stage of each step, by the file it lives in; all others are of the data.
_STAGES = {
    "collate": "collate",
    "logits": INFERENCE,
    "infer": INFERENCE,
    "iou": "metric",
    "loss": LOSS,
    "mask": LOSS,
    "optim": GROUPS,
    "schedule": "schedule",
}
# The stage of what has no step here, by the words for its place.
_PLACES = {
    " in train": DATA,
    " in val": DATA,
    " in model": "collate",
    " as the score": "metric",
    "_head": LOSS,
    "test-time augmentation": INFERENCE,
}
Outcome = tuple[str, Verdict, str]


@dataclass
class Stages:
    """One config. left: what was not compared; different: what is, and how."""

    name: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    different: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def config_files(pattern: str = "*", *, day: int | None = None) -> list[Path]:
    """The installed configs whose name, or folder and name, fits `pattern`; of `day` a thirtieth.

    Raises InputError where there is none.
    """
    root = installed_configs()
    paths = [] if root is None else sorted(root.glob("*/*.py"))
    paths = [path for path in paths if path.parent.name != "_base_"]
    paths = [path for at, path in enumerate(paths) if day is None or at % DAYS == day % DAYS]
    named = {path: (path.stem, f"{path.parent.name}/{path.stem}") for path in paths}
    found = [path for path, texts in named.items() if fnmatch.filter(texts, pattern)]
    if not found:
        raise InputError(f"no config of the installed mmsegmentation is called {pattern}")
    return found


def stages_of_files(paths: Sequence[Path], *, stages: frozenset[str] = frozenset()) -> list[Stages]:
    """`stages_of` each of `paths`; none of `stages` means all."""
    return [stages_of(read(path, name=path.stem), stages) for path in paths]


def stages_of(recipe: Recipe, stages: frozenset[str] = frozenset()) -> Stages:
    """The recipe of one config beside what mmsegmentation builds from it, on two small inputs."""
    found = Stages(recipe.name, left=[one.what for one in recipe.uncompared])
    partial = {stage for what in found.left for word, stage in _PLACES.items() if word in what}
    infos = [info for info in list_root(inputs_root()) if Path(info.img_path).stem in INPUTS]
    for case in recipe_cases(recipe, infos, SEEDS):
        if stages and not any(stage_of(step.module) in stages for step in case.steps):
            continue
        for stage, verdict, told in _outcomes(case):
            if verdict is Verdict.DIFFERENT:
                found.different.append(told)
            elif verdict is Verdict.NOT_COMPARED and told:
                partial.add(stage)
                found.left += [told] if told not in found.left else []
            if verdict is not Verdict.NOT_COMPARED:
                before = found.verdicts.get(stage, Verdict.EQUAL)
                found.verdicts[stage] = max(before, verdict, key=_badness)
    found.verdicts = {
        stage: verdict
        for stage, verdict in found.verdicts.items()
        if verdict is Verdict.DIFFERENT or stage not in partial
    }
    return found


def stage_of(module: str) -> str:
    """The stage of a step, by the file it lives in."""
    return _STAGES.get(module, DATA)


def _outcomes(case: Case) -> list[Outcome]:
    """Stage, verdict and what to tell, of each step; the same words are run once."""
    words = [(step.name, step.options, step.entry) for step in case.steps]
    start = case.info if case.probe is None else case.start()
    key = hashlib.sha256(repr((case.pipeline, words, start, case.seed)).encode()).hexdigest()
    if key not in _done():
        _done()[key] = list(_compared(case))
    return _done()[key]


@cache
def _done() -> dict[str, list[Outcome]]:
    return {}


def _compared(case: Case) -> Iterator[Outcome]:
    engine = Engine(OwnSteps(), rounding=Rounding.FAIL, manners=False)
    reference = run_trace(reference_steps(case.steps), case.start(), case.seed)
    result = check_case(case, reference, engine)
    if result.comparison is None:
        yield DATA, Verdict.NOT_COMPARED, result.broken
        return
    for step, found in zip(case.steps, result.comparison.steps, strict=True):
        stage, verdict = stage_of(step.module), found.isolated.verdict
        told = ""
        if verdict is Verdict.DIFFERENT:
            told = f"{case.name} {step.name}: {found.isolated.explain()}"
        elif verdict is Verdict.NOT_COMPARED and step.function is not absent:
            told = f"{stage}: {found.isolated.error}"
        yield stage, verdict, told


def _badness(verdict: Verdict) -> int:
    return (Verdict.EQUAL, Verdict.WITHIN, Verdict.DIFFERENT).index(verdict)
