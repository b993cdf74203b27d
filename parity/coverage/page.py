"""The Markdown of docs/coverage.md, and what a terminal shows of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from parity.compare.compare import Verdict
from parity.coverage.stages import ORDER, Stages
from parity.report.markup import grid
from parity.text import count

HEAD = """# Coverage

Every config of mmsegmentation {version}, read without executing it, its steps beside what
mmsegmentation builds from it: `parity coverage --out docs/coverage.md`. A stage is equal when all
of it was compared and is equal bit for bit, on two small images, two seeds, the whole schedule,
every head's loss with its gradient, every parameter of the config's own model by its group; a stage
with anything that has no step here counts as not compared. Inference is that of the test, and of
test-time augmentation. The network is a stand-in with the config's number of channels. What is
refused on purpose is in [refused.md](refused.md).
"""


def page(rows: Sequence[Stages], version: str, stages: Sequence[str] = ORDER) -> str:
    """All of it."""
    ade = [row for row in rows if "ade20k" in row.name]
    parts = [HEAD.format(version=version), _section("All configs", rows, stages)]
    parts += [_section("Configs of ADE20K", ade, stages)] if ade else []
    return "\n".join([*parts, *_not_compared(rows), *_different(rows)]) + "\n"


def table(rows: Sequence[Stages], stages: Sequence[str] = ORDER) -> str:
    """How many configs are equal, different, and not compared, by stage."""
    lines = []
    for stage in stages:
        verdicts = Counter(row.verdicts.get(stage) for row in rows)
        different = verdicts[Verdict.DIFFERENT]
        equal = verdicts.total() - different - verdicts[None]
        lines.append((stage, *map(str, (equal, different, verdicts[None]))))
    return grid(("stage", "equal", "different", "not compared"), lines) + "\n"


def _section(title: str, rows: Sequence[Stages], stages: Sequence[str]) -> str:
    return f"## {title}: {count(len(rows), 'file')}\n\n{table(rows, stages)}"


def _not_compared(rows: Sequence[Stages]) -> list[str]:
    left: Counter[str] = Counter(what for row in rows for what in row.left)
    examples: dict[str, str] = defaultdict(str)
    for row in rows:
        for what in row.left:
            examples[what] = examples[what] or row.name
    lines = [
        (what.replace("|", "/"), str(number), examples[what]) for what, number in left.most_common()
    ]
    return ["## Not compared\n", grid(("what", "configs", "such as"), lines)]


def _different(rows: Sequence[Stages]) -> list[str]:
    lines = [f"- {row.name}: {told}" for row in rows for told in row.different[:1]]
    return ["\n## Different\n", *(lines or ["None."])]
