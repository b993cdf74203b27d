"""How many edits explanations name: ``python -m tests.explain.edits.measure``.

For each edit of each config a whole run is written, read and explained. Prints
a table by config, and each miss and each false finding with what was said.
"""

import argparse
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.explain.edits.catalogue import CONFIGS, EDITED, UNTOUCHED, sample, zoo_config, zoo_score
from tests.explain.edits.edit import Edit, made
from tests.explain.edits.judge import Judged, changed_settings, dotted, explained, judge
from tests.explain.edits.legacy import LEGACY, legacy_cases
from tests.explain.edits.write import for_processes, samples_per_step, write_run, zoo_batch

PROCESSES = (1, 4, 8)


@dataclass
class Tally:
    """One config's edits. lines: what went wrong."""

    config: str
    edits: int = 0
    missed: int = 0
    quiet: int = 0
    quiet_wrong: int = 0
    false: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, judged: Judged, edits: Sequence[Edit], where: str) -> None:
        """Count one run."""
        if all(edit.kind == "bookkeeping" for edit in edits):
            self.quiet += 1
            self.quiet_wrong += bool(judged.false)
        else:
            self.edits += 1
            self.missed += bool(judged.missed)
            self.false += bool(judged.false)
        if judged.missed or judged.false:
            wrong = [f"not named: {edit.named}" for edit in judged.missed]
            wrong += [f"false: {name}" for name in judged.false]
            self.lines.append(f"{self.config} {where}: {dotted(edits) or 'untouched'}")
            self.lines += [f"    {line}" for line in (*wrong, *(f"said {s}" for s in judged.said))]


def judged(
    path: str,
    edits: Sequence[Edit],
    *,
    processes: int,
    keep_batch: bool = True,
    wrapped: bool = True,
) -> Judged:
    """The zoo's config `path` with `edits`, trained on `processes` GPUs."""
    name, before = path.rpartition("/")[2], zoo_config(path)
    adapted = for_processes(before, name, processes) if keep_batch else before
    after = made(adapted, *edits)
    score = zoo_score(name) - (EDITED if edits else UNTOUCHED)
    given = {"score": score, "processes": processes, "wrapped": wrapped}
    answer = explained(lambda root: write_run(root, name, after, **given))
    other_batch = samples_per_step(after, processes) != zoo_batch(name)
    return judge(answer, edits, changed_settings(adapted, after), other_batch=other_batch)


def plan(path: str, count: int | None) -> Iterator[tuple[int, Edit]]:
    """The edits of a config, with the number of processes of each in turn."""
    name = path.rpartition("/")[2]
    for processes in PROCESSES:
        config = for_processes(zoo_config(path), name, processes)
        chosen = sample(config, count, seed=path)
        for edit in chosen[PROCESSES.index(processes) :: len(PROCESSES)]:
            yield processes, edit


def measure(path: str, count: int | None, *, keep_batch: bool = True) -> Tally:
    """One config: untouched with each number of processes, and its edits."""
    tally = Tally(path.rpartition("/")[2])
    for processes in PROCESSES:
        found = judged(path, (), processes=processes, keep_batch=keep_batch)
        tally.add(found, (), f"[{processes}]")
    for processes, edit in plan(path, count):
        found = judged(path, (edit,), processes=processes, keep_batch=keep_batch)
        tally.add(found, (edit,), f"[{processes}]")
    return tally


def pairs(count: int, configs: Sequence[str]) -> Tally:
    """Two edits at once, of places that do not overlap."""
    tally, rng = Tally("pairs"), random.Random(count)
    for number, path in zip(range(count), itertools.cycle(configs), strict=False):
        processes = PROCESSES[number % len(PROCESSES)]
        config = for_processes(zoo_config(path), path.rpartition("/")[2], processes)
        both = _pair([e for e in sample(config, None, seed=path) if e.kind == "score"], rng)
        tally.add(judged(path, both, processes=processes), both, f"{path} [{processes}]")
    return tally


def _pair(edits: Sequence[Edit], rng: random.Random) -> tuple[Edit, Edit]:
    while True:
        first, second = rng.sample(list(edits), 2)
        spots = [[spot for spot, _ in edit.changes] for edit in (first, second)]
        if not any(_overlap(a, b) for a in spots[0] for b in spots[1]):
            return first, second


def _overlap(first: Sequence[str | int], second: Sequence[str | int]) -> bool:
    """Whether one lies within the other, or both in one list, where indices may shift."""
    shared = min(len(first), len(second))
    if tuple(first[:shared]) == tuple(second[:shared]):
        return True
    same = next(i for i in range(shared) if first[i] != second[i])
    return isinstance(first[same], int)


def legacy() -> Iterator[Tally]:
    """mmseg 0.x: each config untouched, and with each of its edits."""
    for name in LEGACY:
        tally = Tally(f"0.x {name}")
        for edits, found in legacy_cases(name):
            tally.add(found, edits, "")
        yield tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", nargs="*", default=CONFIGS, help="parts of their names")
    parser.add_argument("--limit", type=int, default=25, help="edits per config; 0: all")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--own-batch", action="store_true", help="samples per GPU as configured")
    parser.add_argument("--quiet", action="store_true", help="the table only")
    options = parser.parse_args()
    chosen = [path for path in CONFIGS if any(part in path for part in options.configs)]
    tallies = []
    if options.legacy or options.pairs:
        tallies += [*legacy()] if options.legacy else []
        tallies += [pairs(options.pairs, chosen)] if options.pairs else []
    else:
        for path in chosen:
            tallies.append(measure(path, options.limit or None, keep_batch=not options.own_batch))
            print(_line(tallies[-1]), flush=True)
    show(tallies, quiet=options.quiet)


def show(tallies: Sequence[Tally], *, quiet: bool) -> None:
    """The table, and beneath it whatever went wrong."""
    for tally in tallies if not quiet else ():
        print("\n".join(tally.lines))
    print(f"\n{'config':72} edits named false | harmless false")
    total = Tally("total")
    for tally in tallies:
        print(_line(tally))
        for key in ("edits", "missed", "quiet", "quiet_wrong", "false"):
            setattr(total, key, getattr(total, key) + getattr(tally, key))
    print(_line(total))
    share = 100 * (total.edits - total.missed) / max(total.edits, 1)
    print(f"named: {share:.1f} %")


def _line(tally: Tally) -> str:
    named = tally.edits - tally.missed
    return (
        f"{tally.config:72} {tally.edits:5} {named:5} {tally.false:5} | "
        f"{tally.quiet:8} {tally.quiet_wrong:5}"
    )


if __name__ == "__main__":
    main()
