"""Write docs/coverage.md: every config of the installed mmsegmentation, stage by stage.

    python scripts/make_coverage.py [--only TEXT] [FILE]

Each config's recipe runs beside what mmsegmentation builds from the config, on two small
inputs and two seeds; what several configs ask for in the same words runs once.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from parity.candidate.engine import Engine
from parity.candidate.given import OwnSteps
from parity.candidate.own import check_case
from parity.check.cases import Case, list_root
from parity.check.summary import reference_steps
from parity.check.workers import use_one_thread
from parity.compare.compare import Verdict
from parity.compare.rounding import Rounding
from parity.compare.trace import run_trace
from parity.files import write_atomically
from parity.fixtures import inputs_root
from parity.live import reference_header
from parity.recipe import Recipe, absent, read
from parity.recipe.cases import recipe_cases
from parity.runs.config import installed_configs
from parity.text import count

FILE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
INPUTS = ("odd_37x53", "wide_21x160")
SEEDS = range(2)
# The stage of each step, by its name or the file it lives in.
STAGES = {
    "collate": "batch",
    "logits": "inference",
    "infer": "inference",
    "iou": "score",
    "loss": "loss and gradient",
    "mask": "loss and gradient",
    "schedule": "schedule",
}
DATA = "data steps"
ORDER = (DATA, "batch", "loss and gradient", "inference", "score", "schedule")
HEAD = """# Coverage

Every config of mmsegmentation {version}, read without executing it, its steps beside what
mmsegmentation builds from it: `python scripts/make_coverage.py`. A stage is equal when all of it
was compared and is equal bit for bit, on two small images, two seeds, the whole schedule, and every
head's loss with its gradient; a stage with anything that has no step here counts as not compared.
The network is a stand-in with the config's number of channels. Optimizer groups are compared one
config at a time (`parity check optim --config`).
"""


@dataclass
class Stages:
    """What came of one config's stages, and what was left out."""

    name: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    different: list[str] = field(default_factory=list)
    left: tuple[str, ...] = ()


class Runner:
    """Runs cases, those of the same words once."""

    def __init__(self) -> None:
        self._done: dict[str, list[tuple[str, Verdict, str]]] = {}

    def run(self, case: Case) -> list[tuple[str, Verdict, str]]:
        """Stage, verdict and difference of each step of `case`."""
        words = [(step.name, step.options, step.entry) for step in case.steps]
        start = case.info if case.probe is None else case.start()
        key = repr((case.pipeline, words, start, case.seed))
        if key not in self._done:
            self._done[key] = list(_compared(case))
        return self._done[key]


def _compared(case: Case) -> Iterator[tuple[str, Verdict, str]]:
    engine = Engine(OwnSteps(), rounding=Rounding.FAIL, manners=False)
    reference = run_trace(reference_steps(case.steps), case.start(), case.seed)
    result = check_case(case, reference, engine)
    if result.comparison is None:
        yield DATA, Verdict.NOT_COMPARED, result.broken
        return
    for step, found in zip(case.steps, result.comparison.steps, strict=True):
        stage = STAGES.get(step.name, STAGES.get(step.module, DATA))
        verdict = found.isolated.verdict
        if verdict is Verdict.NOT_COMPARED:
            why = "" if step.function is absent else f"{step.name}: {found.isolated.explain()}"
            yield stage, verdict, why
        else:
            yield stage, verdict, f"{case.name} {step.name}: {found.isolated.explain()}"


def stages_of(recipe: Recipe, runner: Runner) -> Stages:
    """Run the recipe of one config."""
    infos = [info for info in list_root(inputs_root()) if Path(info.img_path).stem in INPUTS]
    found = Stages(recipe.name, left=tuple(one.what for one in recipe.uncompared))
    refused: dict[str, str] = {}
    for case in recipe_cases(recipe, infos, SEEDS):
        for stage, verdict, told in runner.run(case):
            if verdict is Verdict.DIFFERENT:
                found.different.append(told)
            if verdict is Verdict.NOT_COMPARED and told:
                refused[stage] = told
            if verdict is not Verdict.NOT_COMPARED and stage not in _partial(recipe):
                before = found.verdicts.get(stage, Verdict.EQUAL)
                found.verdicts[stage] = max(before, verdict, key=_badness)
    failing = {told for stage, told in refused.items() if stage not in found.verdicts}
    found.left += tuple(sorted(failing))
    return found


def _partial(recipe: Recipe) -> set[str]:
    """Stages of which something has no step here, and which are therefore not compared."""
    ends = {" in train": DATA, " in val": DATA, " in model": "batch", " as the score": "score"}
    found = {stage for one in recipe.uncompared for end, stage in ends.items() if end in one.what}
    heads = [one for one in recipe.uncompared if "_head" in one.what]
    return found | ({"loss and gradient"} if heads else set())


def _badness(verdict: Verdict) -> int:
    return (Verdict.EQUAL, Verdict.WITHIN, Verdict.DIFFERENT).index(verdict)


def page(rows: list[Stages], version: str) -> str:
    """The Markdown of all configs."""
    ade = [row for row in rows if "ade20k" in row.name]
    lines = [HEAD.format(version=version), _table("All configs", rows)]
    lines.append(_table("Configs of ADE20K", ade))
    left: Counter[str] = Counter()
    examples: dict[str, str] = defaultdict(str)
    for row in rows:
        for what in row.left:
            left[what] += 1
            examples[what] = examples[what] or row.name
    lines += ["## Not compared\n", "| what | configs | such as |", "| --- | --- | --- |"]
    lines += [f"| {what} | {number} | {examples[what]} |" for what, number in left.most_common()]
    different = [f"- {row.name}: {told}" for row in rows for told in row.different[:1]]
    lines += ["\n## Different\n", *(different or ["None."])]
    return "\n".join(lines) + "\n"


def _table(title: str, rows: list[Stages]) -> str:
    lines = [f"## {title}: {count(len(rows), 'file')}\n"]
    lines += ["| stage | equal | different | not compared |", "| --- | --- | --- | --- |"]
    for stage in ORDER:
        verdicts = Counter(row.verdicts.get(stage) for row in rows)
        equal, different = verdicts[Verdict.EQUAL], verdicts[Verdict.DIFFERENT]
        lines.append(f"| {stage} | {equal} | {different} | {len(rows) - equal - different} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="configs with this in their name")
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    use_one_thread()
    versions, _ = reference_header()
    root, runner, rows = installed_configs(), Runner(), []
    paths = [] if root is None else sorted(root.glob("*/*.py"))
    for path in paths:
        if path.parent.name != "_base_" and options.only in path.name:
            rows.append(stages_of(read(path, name=path.stem), runner))
            print(rows[-1].name, *rows[-1].different[:1], flush=True)
    write_atomically(options.file, page(rows, versions["mmseg"]).encode())


if __name__ == "__main__":
    main()
