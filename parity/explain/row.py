"""Which result of the model zoo a run is to be compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from parity.causes.options import dataset, kind_of, transform
from parity.errors import InputError, ReferenceUnavailable
from parity.runs.facts import Config
from parity.runs.record import Run
from parity.zoo.installed import row_config, zoo_rows
from parity.zoo.models import crop_text, model_signature
from parity.zoo.rows import ScoreRow

# What metafiles call the data sets.
DATASETS = {
    "ADE20KDataset": "ADE20K",
    "CityscapesDataset": "Cityscapes",
    "PascalVOCDataset": "Pascal VOC 2012 + Aug",
    "PascalContextDataset": "Pascal Context",
    "PascalContextDataset59": "Pascal Context 59",
    "COCOStuffDataset": "COCO-Stuff 164k",
}
NEAR = 6
_GPUS = re.compile(r"_\d+xb\d+-")


@dataclass(frozen=True)
class Choice:
    """The row, why it is the one, and its config. near: rows easily mistaken for it.

    row is None where none fits; `reason` then says why. own: the row that the
    run's config names, which differs from `row` when the user gave another.
    """

    row: ScoreRow | None
    reason: str
    near: tuple[ScoreRow, ...] = ()
    config: Config | None = None
    own: ScoreRow | None = None


def choose(run: Run, against: str = "") -> Choice:
    """The row named `against`, else the one that the run's config is of.

    Raises InputError for a name that the zoo does not have, and, when a name is
    given, ReferenceUnavailable without mmsegmentation.
    """
    try:
        rows = zoo_rows(_dataset_name(run))
    except ReferenceUnavailable as error:
        if against:
            raise
        return Choice(None, f"the zoo cannot be found: {error}")
    own, reason = _own(run, rows)
    if not against:
        return _chosen(run, own, reason, rows, own)
    return _chosen(run, _named(against, rows), "named by --against", rows, own)


def _named(against: str, rows: Sequence[ScoreRow]) -> ScoreRow:
    """The row of this name, of the run's data set or of another. Raises InputError."""
    wanted = against.rpartition("/")[2].removesuffix(".py")
    everywhere = list(rows)
    for name in (None, *DATASETS.values()):  # most names are found before the first other set
        everywhere += zoo_rows(name) if name is not None else ()
        for row in everywhere:
            if row.name == wanted:
                return row
    near = ", ".join(r.name for r in _similar(wanted, list(dict.fromkeys(everywhere)))[:3])
    raise InputError(
        f"--against {against}: no such run and no such zoo result; near: {near or 'none'}"
    )


def _dataset_name(run: Run) -> str:
    if run.config is None:
        return "ADE20K"
    return DATASETS.get(kind_of(dataset(run.config, "train")[0]), "ADE20K")


def _names(run: Run) -> list[str]:
    """What the run's config may be called."""
    files = [f.removesuffix(".py") for f in run.files if "/" not in f and f.endswith(".py")]
    work_dir = run.config.get("work_dir") if run.config is not None else None
    given = [str(work_dir).rstrip("/").rpartition("/")[2]] if isinstance(work_dir, str) else []
    stated = [run.settings.config_name.value] if run.settings.config_name.value else []
    return list(dict.fromkeys([*stated, *files, *given, run.name]))


def _own(run: Run, rows: Sequence[ScoreRow]) -> tuple[ScoreRow | None, str]:
    for name in _names(run):
        for row in rows:
            if row.name == name and _same_model(run, row):
                return row, f"the run's config is called {name}, as the row's"
    for name in _names(run):
        for row in rows:
            if _GPUS.sub("_", row.name) == _GPUS.sub("_", name) and _same_model(run, row):
                return row, f"the run's config is called {name}: the row's but for GPUs and batch"
    return _by_content(run, rows)


def _same_model(run: Run, row: ScoreRow) -> bool:
    """A name alone may lie: where both configs can be read, their models agree."""
    config = row_config(row)
    if config is None or run.config is None:
        return True
    return model_signature(config) == model_signature(run.config)


def _by_content(run: Run, rows: Sequence[ScoreRow]) -> tuple[ScoreRow | None, str]:
    if run.config is None:
        return None, "no config of the run could be read, and its name is no zoo config's"
    item, _ = transform(run.config, "train", "RandomCrop")
    crop = crop_text(item.get("crop_size")) if item else ""
    mine = model_signature(run.config)
    fitting = []
    for row in rows:
        config = row_config(row) if row.crop == crop else None
        if config is not None and model_signature(config) == mine:
            fitting.append((_agreement(run.config, config), row))
    if not fitting:
        return None, "no row has the run's decode head, backbone and crop"
    fitting.sort(key=lambda pair: -pair[0])
    tied = [row.name for agreement, row in fitting if agreement == fitting[0][0]]
    if len(tied) > 1:
        return None, f"{len(tied)} rows fit equally: {', '.join(tied[:4])}; name one by --against"
    return fitting[0][1], "decode head, backbone and crop of the run's config are those of the row"


def _agreement(mine: Config, theirs: Config) -> int:
    """How many of the settings that tell equal models' rows apart agree."""
    paths: tuple[tuple[str, ...], ...] = (
        ("train_cfg", "max_iters"),
        ("model", "backbone", "init_cfg", "checkpoint"),
        ("model", "pretrained"),
        ("optim_wrapper", "type"),
    )
    return sum(mine.get(*path) == theirs.get(*path) for path in paths)


def _chosen(
    run: Run, row: ScoreRow | None, reason: str, rows: Sequence[ScoreRow], own: ScoreRow | None
) -> Choice:
    if row is None:
        method = run.settings.method.value
        near = _similar(_names(run)[0], [row for row in rows if row.method == method] or rows)
        return Choice(None, reason, tuple(near[:NEAR]))
    same = [other for other in rows if other.method == row.method and other.name != row.name]
    same.sort(key=lambda other: (abs(other.miou - row.miou), other.name))
    return Choice(row, reason, tuple(same[:NEAR]), row_config(row), own)


def _similar(name: str, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Rows whose name shares its first word with `name`, most words in common first."""
    words = set(re.split(r"[_-]", name))
    first = re.split(r"[_-]", name)[0]
    found = [row for row in rows if re.split(r"[_-]", row.name)[0] == first]
    return sorted(found, key=lambda row: (-len(words & set(re.split(r"[_-]", row.name))), row.name))
