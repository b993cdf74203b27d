"""Results of the model zoo, read from its metafiles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from parity.errors import InputError

# e.g. swin-tiny_..._8xb2-amp-160k_ade20k-512x512: crop is height x width
_NAME = re.compile(
    r"_\d+xb\d+(?:-\w+)*?-(?P<schedule>\d+k)_(?P<dataset>[a-z0-9]+)-(?P<crop>\d+x\d+)"
)
# e.g. deeplabv3plus_r101-d8_512x512_80k_ade20k_20200615_014139-d5730af7.pth
_WEIGHTS_SCHEDULE = re.compile(r"[_-](\d+k)[_-]")


@dataclass(frozen=True)
class ScoreRow:
    """One published result.

    miou, miou_ms: percent, single scale and multi scale with flip. memory_gb:
    as the metafile says. notes: what in the metafile contradicts itself.
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


def read_rows(metafiles: Iterable[Path], *, dataset: str = "ADE20K") -> list[ScoreRow]:
    """Every result on `dataset`, in file order, none twice and none dropped.

    Raises InputError for a file that is not a metafile.
    """
    rows = [row for path in metafiles for row in _read_file(path, dataset)]
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


def _read_file(path: Path, dataset: str) -> list[ScoreRow]:
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        models = document["Models"]
        rows = []
        for model in models:
            results = model["Results"]
            for result in results if isinstance(results, list) else [results]:
                if result["Dataset"] == dataset and "mIoU" in result["Metrics"]:
                    rows.append(_row(model, result["Metrics"]))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a metafile of a model zoo: {error!r}") from error
    return rows


def _row(model: dict[str, Any], metrics: dict[str, Any]) -> ScoreRow:
    name, metadata = str(model["Name"]), model["Metadata"]
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
        miou=float(metrics["mIoU"]),
        miou_ms=None if multi_scale is None else float(multi_scale),
        memory_gb=None if memory is None else float(memory),
        config=str(model["Config"]),
        weights=str(model.get("Weights", "")).rpartition("/")[2],
    )
    return replace(row, notes=_contradictions(row))


# No accelerator the zoo was trained on has more memory than this.
_LARGEST_GPU_GB = 80.0


def _contradictions(row: ScoreRow) -> tuple[str, ...]:
    notes = []
    schedule = _WEIGHTS_SCHEDULE.search(row.weights)
    if schedule and row.schedule and schedule[1] != row.schedule:
        notes.append(f"the weights file says {schedule[1]}, not {row.schedule}")
    if row.memory_gb is not None and row.memory_gb > _LARGEST_GPU_GB:
        notes.append(f"memory of {row.memory_gb:g} GB is impossible; it reads like MB")
    return tuple(notes)
