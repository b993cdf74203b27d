"""Train healthy runs of many kinds, and see that no cause is found in them.

    python scripts/make_healthy.py FOLDER           trains what FOLDER does not have yet
    python scripts/make_healthy.py --judge FOLDER   explains each alone, and twins beside each other

Small models on the CPU, one after the other; half an hour of CPU time. Judging
prints every finding that is no marker, and exits with 1 where there is one.
"""

import shutil
import sys
from pathlib import Path

from make_runs import prepare, train
from runs.healthy import PAIRS, VARIANTS
from runs.plan import WorkDirectory

from parity.explain.explain import Judgement, explain
from parity.runs.read import read_run


def make(folder: Path) -> None:
    """Train every variant into ``FOLDER/work_dirs``."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "pretrain").exists():
        prepare(folder)
    for run in VARIANTS:
        target = folder / "work_dirs" / run.name
        done = folder / f"{run.name}.done"
        if done.exists():
            continue
        shutil.rmtree(target, ignore_errors=True)
        for index, part in enumerate(run.parts):
            train(folder, run, index, part)
        _keep_console(folder, run)
        done.touch()


def _keep_console(folder: Path, run: WorkDirectory) -> None:
    """What a terminal showed of all parts, in the run's own folder."""
    outputs = [(folder / f"{run.name}-{index}.out") for index in range(len(run.parts))]
    console = folder / "work_dirs" / run.name / "console.out"
    console.write_bytes(b"".join(output.read_bytes() for output in outputs))


def judge(folder: Path) -> int:
    """Print what is found in runs in which nothing is; 1 where something is."""
    runs = {run.name: read_run(folder / "work_dirs" / run.name) for run in VARIANTS}
    wrong = 0
    for name, run in runs.items():
        wrong += _show(name, explain(run))
    for pair in PAIRS:
        answer = explain(runs[pair.run], against=runs[pair.other])
        wrong += _show(f"{pair.run} against {pair.other}", answer)
    print(f"{len(runs)} runs, {len(PAIRS)} pairs: {wrong} false findings")
    return int(wrong > 0)


def _show(title: str, answer: Judgement) -> int:
    """How many findings of `answer` are no markers, each printed."""
    told = [finding for finding in answer.findings if finding.kind != "marker"]
    for finding in told:
        print(f"{title} ({answer.status}): {finding.id}: {finding.detail or finding.why}")
        for evidence in finding.evidence[:2]:
            print(f"    {evidence.file}:{evidence.line}: {evidence.text[:120]}")
    return len(told)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--judge", path]:
            sys.exit(judge(Path(path)))
        case [path] if not path.startswith("-"):
            make(Path(path).resolve())
        case _:
            sys.exit(__doc__)
