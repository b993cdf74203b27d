"""Whether an explanation names what was edited, and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.explain.explain import Finding, Judgement
from tests.explain.edits.edit import Edit, leaves, named
from tests.explain.edits.owners import BATCH, owners

# What is neither trained nor scored, and may differ without being said.
_SILENT = re.compile(r"^(launcher|work_dir|log_level|visualizer|vis_backends)")


# Which of several elements of a type, and the package of a type.
_NUMBERED = re.compile(r"#\d+|(?<=\.)mmdet\.")


@dataclass(frozen=True)
class Judged:
    """missed: edits that no finding names. false: findings that no edit accounts for."""

    missed: tuple[Edit, ...] = ()
    false: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=())


def judge(
    answer: Judgement, edits: Sequence[Edit], changed: Sequence[str], *, other_batch: bool
) -> Judged:
    """Hold `answer` against `edits`, which made the settings `changed` differ from the zoo's.

    other_batch: whether the samples per step are others than the zoo's.
    """
    changed = [*changed, *(edit.named for edit in edits)]
    told = [f for f in answer.findings if f.kind != "marker"]
    allowed = owners(changed) | (BATCH if other_batch else set())
    false = [
        f.id
        for f in told
        if not f.part_of and f.id not in allowed and not any(_names(f, one) for one in changed)
    ]
    missed = [edit for edit in edits if edit.kind != "bookkeeping" and not _is_named(answer, edit)]
    return Judged(tuple(missed), tuple(false), tuple(f"{f.id}: {f.detail}" for f in told))


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of all settings that differ; elements of a list are one where they share a type."""
    mine, theirs = _by_name(before), _by_name(after)
    keys = [*mine, *(key for key in theirs if key not in mine)]
    return [key for key in keys if mine[key] != theirs[key] and not _SILENT.match(key)]


def _by_name(config: Mapping[str, Any]) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for path, value in leaves(config):
        found[named(config, path)].append(value)
    return found


def _is_named(answer: Judgement, edit: Edit) -> bool:
    if edit.kind == "comparability" and "not comparable" in answer.status:
        return True
    own = owners([edit.named])
    return any(f.id in own or _names(f, edit.named) for f in answer.findings)


def _names(finding: Finding, setting: str) -> bool:
    """Whether the finding is about this setting, one around it or one within it."""
    setting = _NUMBERED.sub("", setting)
    if finding.id.startswith("setting:"):
        path = _NUMBERED.sub("", finding.id.removeprefix("setting:"))
        if path.endswith(".position"):  # a step that moved is named with the one it comes after
            return setting.rpartition(".")[2] in finding.detail
        return f"{path}.".startswith(f"{setting}.") or f"{setting}.".startswith(f"{path}.")
    tail = setting.split(".")[-2:]
    return all(
        re.search(rf"\b{re.escape(part)}\b", f"{finding.detail} {finding.id}") for part in tail
    )


def dotted(edits: Iterable[Edit]) -> str:
    """The edits in one line."""
    return " + ".join(edit.what for edit in edits)
