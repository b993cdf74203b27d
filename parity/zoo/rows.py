"""Results of the model zoo, read from its metafiles, and the names of its data sets.

Configs, metafiles and READMEs each spell these in their own way.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from parity.errors import InputError

# What a config's name says -> what a metafile says, where more than the spelling differs.
# "mapillay" is how mmsegmentation 1.2.2 spells it in the name of its config.
_ALIASES = {
    "voc12aug": "pascalvoc2012aug",
    "voc2012": "pascalvoc2012",
    "mapillayv165": "mapillaryvistasv12",
}
# One class of mmsegmentation serves several of the zoo's data sets; see parity/runs/datasets.py.
_SHARED = {"cocostuff", "pascalvoc2012"}
# Images of the split that is scored, as their publishers count them.
VALIDATION_SIZES = {"ade20k": 2000, "cityscapes": 500, "pascalvoc2012aug": 1449}


def dataset_key(name: str) -> str:
    """One key for every spelling: ``COCO-Stuff 164k`` and ``coco-stuff164k`` have the same."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return _ALIASES.get(key, key)


def may_be(name: str, dataset: str) -> bool:
    """Whether a run on `name`, as its config says, may be one on `dataset`."""
    mine, theirs = dataset_key(name), dataset_key(dataset)
    return mine == theirs or (mine in _SHARED and theirs.startswith(mine))


def find_dataset(name: str, known: Iterable[str]) -> str:
    """The member of `known` that `name` means; the most frequent of several spellings.

    Raises InputError, listing them with their number of results, when it is none of them.
    """
    counts = Counter(known)
    for candidate, _ in counts.most_common():
        if dataset_key(candidate) == dataset_key(name) and dataset_key(name):
            return candidate
    listed = ", ".join(f"{candidate} ({count})" for candidate, count in counts.most_common())
    raise InputError(f"--dataset {name}: the zoo has no mIoU for it; it has {listed or 'none'}")


# e.g. swin-tiny_..._8xb2-amp-160k_ade20k-512x512: GPUs x samples per GPU; crop is height x width
_NAME = re.compile(r"[-_](?P<schedule>\d+k)_(?P<dataset>[a-z][a-z0-9_-]*?)-(?P<crop>\d+x\d+)")
_BATCH = re.compile(r"_(\d+)xb(\d+)-")
# e.g. deeplabv3plus_r101-d8_512x512_80k_ade20k_20200615_014139-d5730af7.pth
_WEIGHTS_SCHEDULE = re.compile(r"[_-](\d+k)[_-]")
_RESOURCES = re.compile(r"(\d+)x (.+) GPUS?", re.IGNORECASE)
# Plain values only; the one in C is ten times as fast where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# No accelerator the zoo was trained on has more memory than this.
_LARGEST_GPU_GB = 80.0


@dataclass(frozen=True)
class Differs:
    """What another source says of one field. place: file and line of it."""

    field: str
    value: str
    source: str
    place: str


@dataclass(frozen=True)
class ScoreRow:
    """One published result.

    miou, miou_ms: percent, single scale and multi scale with flip. memory_gb:
    as the metafile says. notes: what in the sources contradicts itself.
    fps, signature: None and "" where no source says. device: the accelerator it
    was trained on. source: "metafile", or "README" where only that has it.
    """

    name: str
    method: str
    backbone: str
    crop: str
    schedule: str
    batch: int | None
    miou: float
    miou_ms: float | None
    memory_gb: float | None
    config: str
    weights: str
    notes: tuple[str, ...] = ()
    dataset: str = "ADE20K"
    fps: float | None = None
    device: str = ""
    signature: str = ""
    differs: tuple[Differs, ...] = ()
    source: str = "metafile"


def read_all_rows(metafiles: Iterable[Path]) -> list[ScoreRow]:
    """Every mIoU of the zoo, on any data set, in file order. Raises InputError for another file."""
    rows = [row for path in metafiles for row in _read_file(path)]
    names = Counter(row.name for row in rows)
    noted = []
    for row in rows:
        notes = list(row.notes)
        if names[row.name] > 1:
            notes.append(
                f"the metafile gives this name to {names[row.name]} results; "
                f"the weights of this one are {row.weights}"
            )
        noted.append(replace(row, notes=tuple(notes)))
    return noted


def _read_file(path: Path) -> list[ScoreRow]:
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=_LOADER)
        rows = []
        for model in document["Models"] or []:
            results = model["Results"]
            for result in results if isinstance(results, list) else [results]:
                if "mIoU" in result["Metrics"]:
                    rows.append(_row(model, result))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a metafile of a model zoo: {error!r}") from error
    return rows


def _row(model: dict[str, Any], result: dict[str, Any]) -> ScoreRow:
    name, metadata, metrics = str(model["Name"]), model["Metadata"], result["Metrics"]
    match = _NAME.search(name)
    memory = metadata.get("Memory (GB)")
    multi_scale = metrics.get("mIoU(ms+flip)")
    batch = metadata.get("Batch Size")
    row = ScoreRow(
        name=name,
        method=str(model["In Collection"]),
        backbone=str((metadata.get("Architecture") or [""])[0]),
        crop=match["crop"] if match else "",
        schedule=match["schedule"] if match else "",
        batch=None if batch is None else int(batch),
        miou=_percent(metrics["mIoU"]),
        miou_ms=None if multi_scale is None else _percent(multi_scale),
        memory_gb=None if memory is None else float(memory),
        config=str(model["Config"]),
        weights=str(model.get("Weights", "")).rpartition("/")[2],
        dataset=str(result["Dataset"]),
    )
    row = _with_dataset(row, match["dataset"] if match else "")
    row = _with_device(row, str(metadata.get("Training Resources") or ""))
    return replace(row, notes=(*row.notes, *_contradictions(row)))


def _percent(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 100:  # also refuses NaN
        raise ValueError(f"{value!r} is not a score in percent")
    return number


def _with_dataset(row: ScoreRow, in_name: str) -> ScoreRow:
    """A heading taken for a data set ("# HRNet backbone") gives way to the config's name."""
    if not row.dataset.startswith("#") or not in_name:
        return row
    note = f'the metafile calls its data set "{row.dataset}"; the config\'s name says {in_name}'
    return replace(row, dataset=in_name.capitalize(), notes=(*row.notes, note))


def _with_device(row: ScoreRow, resources: str) -> ScoreRow:
    match = _RESOURCES.fullmatch(resources.strip())
    if match is None:
        return row
    if re.fullmatch(r"[\d.]+", match[2]):
        note = f'the metafile says "{resources}": {match[2]} is not a device'
        return replace(row, notes=(*row.notes, note))
    return replace(row, device=match[2])


def schedule_of_weights(name: str) -> str:
    """The schedule that the name of a weights file gives, e.g. ``80k``; "" where it gives none."""
    found = _WEIGHTS_SCHEDULE.search(name)
    return found[1] if found else ""


def _contradictions(row: ScoreRow) -> tuple[str, ...]:
    notes = []
    schedule = schedule_of_weights(row.weights)
    if schedule and row.schedule and schedule != row.schedule:
        notes.append(f"the weights file says {schedule}, not {row.schedule}")
    if row.memory_gb is not None and row.memory_gb > _LARGEST_GPU_GB:
        notes.append(f"memory of {row.memory_gb:g} GB is impossible; it reads like MB")
    batch = _BATCH.search(row.name)
    if batch and row.batch is not None and int(batch[1]) * int(batch[2]) != row.batch:
        notes.append(f"the name says a batch of {batch[1]} x {batch[2]}, not {row.batch}")
    return tuple(notes)
