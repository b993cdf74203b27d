"""Rows of the zoo that differ in one setting only: what that setting was worth there.

Two rows are a pair of a setting when their configs agree in every term of
training and scoring (parity/zoo/varied.py) but those that the setting owns, and
so do their batches. Each pair is two single trainings, so that noise is in
every difference. A row whose config no source decides is left out.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from parity.live import installed_metafiles
from parity.runs.config import installed_configs
from parity.runs.facts import Config
from parity.zoo.configs import with_configs, zoo_config
from parity.zoo.rows import ScoreRow, dataset_key, read_all_rows, schedule_of_weights
from parity.zoo.varied import (
    SCALES,
    SETTINGS,
    SINGLE,
    FlatTerms,
    Value,
    VariedSetting,
    terms_of,
    value_text,
)

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


@dataclass(frozen=True)
class ScorePair:
    """difference: points of mIoU, the higher value of the setting minus the lower one."""

    lower: ScoreRow
    higher: ScoreRow
    difference: float


@dataclass(frozen=True)
class SettingPairs:
    """All pairs of one setting with the same two values on one data set; points of mIoU.

    "Higher" is of the value, 160k over 80k, and not of the score. quartiles:
    the first and the third. share_up: of the pairs in which the score rose.
    """

    setting: str
    low_value: str
    high_value: str
    dataset: str
    pairs: tuple[ScorePair, ...]

    @property
    def differences(self) -> tuple[float, ...]:
        """Of each pair, in their order."""
        return tuple(pair.difference for pair in self.pairs)

    @property
    def mean(self) -> float:
        """The average difference."""
        return float(np.mean(self.differences))

    @property
    def median(self) -> float:
        """The middle difference."""
        return float(np.median(self.differences))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lie the middle half of the differences."""
        low, high = np.percentile(self.differences, (25, 75))
        return float(low), float(high)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest difference."""
        return min(self.differences), max(self.differences)

    @property
    def noise_limit(self) -> float | None:
        """What the noise of one training can be at most; None for a single pair.

        A difference is the effect plus the noise of two trainings, so that the
        standard deviation over sqrt(2) is the noise if the effect is the same in every
        pair, and more than it otherwise. It says nothing where both scores are of
        one training (ms+flip).
        """
        if len(self.pairs) < 2 or self.setting == SCALES:
            return None
        return float(np.std(self.differences, ddof=1)) / math.sqrt(2)

    @property
    def share_up(self) -> float:
        """From 0 to 1."""
        return sum(difference > 0 for difference in self.differences) / len(self.pairs)


@dataclass(frozen=True)
class Study:
    """settings: the pairs of each. equal: pairs of rows with no setting between them.

    assumed: rows read otherwise than their metafile says; left_out: rows that no
    config decides; each with the reason.
    """

    settings: tuple[SettingPairs, ...]
    equal: tuple[ScorePair, ...]
    assumed: tuple[str, ...]
    left_out: tuple[str, ...]


def zoo_pairs(dataset: str | None = None) -> tuple[SettingPairs, ...]:
    """The pairs of the installed zoo, on one data set or on each.

    Raises ReferenceUnavailable without mmsegmentation.
    """
    return zoo_study(dataset).settings


def zoo_study(dataset: str | None = None) -> Study:
    """`zoo_pairs`, and how they were found."""
    return _installed_study("" if dataset is None else dataset_key(dataset))


@cache
def _installed_study(key: str) -> Study:
    rows = [
        row for row in read_all_rows(installed_metafiles()) if key in {"", dataset_key(row.dataset)}
    ]
    configs = installed_configs()
    if configs is None:
        return study((), Path())
    return study(with_configs(rows, configs), configs)


def effect_of(setting: str, dataset: str, low: object, high: object) -> SettingPairs | None:
    """The pairs of `setting` between two values, given in either order; None without any.

    E.g. ``effect_of("iterations", "ADE20K", 80000, "160k")``. The differences
    always run from the lower value to the higher one.
    """
    wanted = {value_text(low), value_text(high)}
    for found in zoo_pairs(dataset):
        if found.setting == setting and {found.low_value, found.high_value} == wanted:
            return found
    return None


def study(rows: Sequence[ScoreRow], configs: Path) -> Study:
    """Every pair among `rows`, which know what their configs in `configs` say."""
    decision = decide(rows, configs)
    settings: list[SettingPairs] = []
    equal: list[ScorePair] = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        decided = [side for side in decision.rows if side.row.dataset == dataset]
        settings += _of_settings(dataset, decided)
        settings += _of_scales(dataset, [row for row in rows if row.dataset == dataset])
        equal += _equal(decided)
    return Study(tuple(settings), tuple(equal), decision.assumed, decision.left_out)


def _of_settings(dataset: str, rows: Sequence[Decided]) -> Iterator[SettingPairs]:
    seen: set[ScorePair] = set()
    for setting in SETTINGS:
        found: dict[tuple[Value, Value], list[ScorePair]] = defaultdict(list)
        for values, pair in _pairs(setting, rows):
            if pair not in seen:
                found[values].append(pair)
                seen.add(pair)
        for (low, high), pairs in sorted(found.items()):
            pairs.sort(key=_by_difference)
            yield SettingPairs(setting.name, low.text, high.text, dataset, tuple(pairs))


def _pairs(
    setting: VariedSetting, rows: Iterable[Decided]
) -> Iterator[tuple[tuple[Value, Value], ScorePair]]:
    alike: dict[frozenset[tuple[str, object]], list[tuple[Value, ScoreRow]]] = defaultdict(list)
    for side in rows:
        rest = frozenset(x for x in side.terms.items() if not setting.owns.fullmatch(x[0]))
        alike[rest].append((setting.value(side.row, side.terms), side.row))
    for group in alike.values():
        for one, two in combinations(group, 2):
            (low, lower), (high, higher) = sorted((one, two), key=lambda side: side[0])
            if low.text and low.order < high.order:
                yield (low, high), _pair(lower, higher)


def _pair(lower: ScoreRow, higher: ScoreRow) -> ScorePair:
    return ScorePair(lower, higher, round(higher.miou - lower.miou, 4))


def _by_difference(pair: ScorePair) -> tuple[float, str]:
    return pair.difference, pair.lower.name


def _of_scales(dataset: str, rows: Iterable[ScoreRow]) -> list[SettingPairs]:
    """Each row with both scores is a pair of its own, whatever its config."""
    pairs = [
        _pair(row, replace(row, miou=row.miou_ms, miou_ms=None))
        for row in rows
        if row.miou_ms is not None
    ]
    pairs.sort(key=_by_difference)
    return [SettingPairs(SCALES, SINGLE, SCALES, dataset, tuple(pairs))] if pairs else []


def _equal(rows: Iterable[Decided]) -> list[ScorePair]:
    """Rows of equal settings: repeats of one training; the earlier in the zoo is the lower."""
    alike: dict[frozenset[tuple[str, object]], list[ScoreRow]] = defaultdict(list)
    for row in rows:
        alike[frozenset(row.terms.items())].append(row.row)
    return [_pair(*two) for group in alike.values() for two in combinations(group, 2)]
