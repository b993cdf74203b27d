"""Which config each row of the zoo was trained by; a row that no source decides is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from parity.runs.facts import Config
from parity.zoo.configs import zoo_config
from parity.zoo.rows import ScoreRow, schedule_of_weights
from parity.zoo.varied import FlatTerms, terms_of, value_text

_RESNET = re.compile(r"R-(\d+)")  # as metafiles name backbones, e.g. R-101-D8


@dataclass(frozen=True)
class Decided:
    """A row and the terms of the config it was trained by."""

    row: ScoreRow
    terms: FlatTerms


@dataclass(frozen=True)
class Decision:
    """assumed, left_out: sentences about rows read otherwise than their metafile says, or not."""

    rows: tuple[Decided, ...]
    assumed: tuple[str, ...]
    left_out: tuple[str, ...]


def decide(rows: Sequence[ScoreRow], configs: Path) -> Decision:
    """Each row with its terms, or why it has none. rows: with what their configs say."""
    twins = Counter((row.config, schedule_of_weights(row.weights)) for row in rows)
    decided, assumed, left_out = [], [], []
    for row in rows:
        trained = schedule_of_weights(row.weights)
        read, note = _config_of(row, trained, configs, alone=twins[row.config, trained] == 1)
        said = f"{row.name} (weights {row.weights})"
        if isinstance(read, str):
            left_out.append(f"{said}: {read}")
            continue
        decided.append(Decided(row, terms_of(row, read)))
        assumed += [f"{said}: {note}"] if note else []
    return Decision(tuple(decided), tuple(assumed), tuple(left_out))


def _config_of(
    row: ScoreRow, trained: str, configs: Path, *, alone: bool
) -> tuple[Config | str, str]:
    """The config a row was trained by or why that is open, and what had to be assumed.

    trained: the schedule that the name of its weights gives. alone: no other row
    names the same config with the same schedule.
    """
    found = zoo_config(row.config, configs)
    if isinstance(found, str):
        return f"its config {found}", ""
    if not alone:
        return "another row has the same config, and its weights do not say which is right", ""
    if trained and row.schedule and trained != row.schedule:
        return _by_weights(row, trained, configs)
    differs = [f"{item.field} {item.value}" for item in row.differs if item.source == "config"]
    differs += _other_depth(row, found)
    if differs:
        return f"its config sets {' and '.join(differs)}, which its metafile contradicts", ""
    return found, ""


def _other_depth(row: ScoreRow, config: Config) -> list[str]:
    """Seen in fpn_r101_4xb4-160k_ade20k-512x512 of 1.2.2: its second ``model`` undoes the first."""
    stated, depth = _RESNET.match(row.backbone), config.get("model", "backbone", "depth")
    if stated is None or not isinstance(depth, int) or int(stated[1]) == depth:
        return []
    return [f"a backbone of depth {depth}"]


def _by_weights(row: ScoreRow, trained: str, configs: Path) -> tuple[Config | str, str]:
    """The config beside the row's own whose schedule is that of the name of its weights."""
    name = row.config.replace(f"-{row.schedule}_", f"-{trained}_")
    found = zoo_config(name, configs)
    if isinstance(found, str):
        return f"its weights are of {trained}, and {name} {found}", ""
    if value_text(found.get("train_cfg", "max_iters")) != trained:
        return f"its weights are of {trained}, and {name} sets another schedule", ""
    return found, f"read as {name}, by the name of its weights"
