"""The data sets of mmseg: names, classes, sizes, and whether label 0 is ignored.

Classes and reduction of label 0: of mmseg 1.2.2 datasets/*.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parity.runs.facts import Config, Fact
from parity.runs.families import type_of
from parity.runs.splits import TRAIN, VALIDATION, listed_split, whole_split

Path = tuple[str | int, ...]
# Concatenated data sets of one run; a config may say anything.
MAX_SETS = 100
NOT_STATED = "no file says how many images there were"


@dataclass(frozen=True)
class DatasetInfo:
    """classes: to predict. size, validation: images of the whole splits. reduces: label 0."""

    name: str
    classes: int
    size: int | None = None
    validation: int | None = None
    reduces: bool = False


_NAMES: Mapping[str, tuple[str, int]] = {
    "ADE20KDataset": ("ADE20K", 150),
    "BDD100KDataset": ("BDD100K", 19),
    "COCOStuffDataset": ("COCO-Stuff", 171),  # 10k and 164k share the class
    "ChaseDB1Dataset": ("CHASE_DB1", 2),
    "CityscapesDataset": ("Cityscapes", 19),
    "DRIVEDataset": ("DRIVE", 2),
    "DarkZurichDataset": ("Dark Zurich", 19),
    "HRFDataset": ("HRF", 2),
    "ISPRSDataset": ("Vaihingen", 6),
    "LEVIRCDDataset": ("LEVIR-CD", 2),
    "LIPDataset": ("LIP", 20),
    "LoveDADataset": ("LoveDA", 7),
    "MapillaryDataset_v1": ("Mapillary Vistas v1.2", 66),
    "MapillaryDataset_v2": ("Mapillary Vistas v2.0", 124),
    "NYUDataset": ("NYU", 27),
    "NightDrivingDataset": ("Night Driving", 19),
    "PascalContextDataset": ("Pascal Context", 60),
    "PascalContextDataset59": ("Pascal Context 59", 59),
    "PascalVOCDataset": ("Pascal VOC 2012", 21),  # with and without the extra images
    "PotsdamDataset": ("Potsdam", 6),
    "REFUGEDataset": ("REFUGE", 3),
    "STAREDataset": ("STARE", 2),
    "SynapseDataset": ("Synapse", 9),
    "iSAIDDataset": ("iSAID", 16),
}
_REDUCING = frozenset(
    {
        "ADE20KDataset",
        "ISPRSDataset",
        "LoveDADataset",
        "PascalContextDataset59",
        "PotsdamDataset",
    }
)
KNOWN = {
    kind: DatasetInfo(
        name, classes, whole_split(kind, TRAIN), whole_split(kind, VALIDATION), kind in _REDUCING
    )
    for kind, (name, classes) in _NAMES.items()
}


def _loader(config: Config, split: str) -> Path:
    """mmengine: ``train_dataloader.dataset``; mmcv 0.x: ``data.train``."""
    modern, legacy = (f"{split}_dataloader", "dataset"), ("data", split)
    return modern if config.get(*modern) is not None else legacy


def training_sets(config: Config, split: str = TRAIN) -> list[Path]:
    """Where each data set of `split` stands, wrappers and concatenations unpacked."""
    return list(_unpacked(config, _loader(config, split), 0))[:MAX_SETS]


def _unpacked(config: Config, path: Path, depth: int) -> Iterator[Path]:
    given = config.get(*path)
    inner = given.get("datasets") if isinstance(given, Mapping) else given
    if depth < 8 and isinstance(given, Mapping) and isinstance(given.get("dataset"), Mapping):
        yield from _unpacked(config, (*path, "dataset"), depth + 1)
    elif depth < 8 and isinstance(inner, (list, tuple)):
        stem = (*path, "datasets") if isinstance(given, Mapping) else path
        for index in range(min(len(inner), MAX_SETS)):
            yield from _unpacked(config, (*stem, index), depth + 1)
    elif isinstance(given, Mapping):
        yield path


def dataset_path(config: Config, split: str = "train") -> Path:
    """Where the data set of `split` stands; of several concatenated ones it is the first."""
    return next(_unpacked(config, _loader(config, split), 0), _loader(config, split))


def repetitions(config: Config) -> int | None:
    """How often an epoch shows each image, by the RepeatDataset wrappers around the data set."""
    times, path = 1, dataset_path(config)
    for length in range(1, len(path)):
        given = config.get(*path[:length])
        if type_of(given) == "RepeatDataset":
            repeated = given.get("times")
            if type(repeated) is not int or not 0 < repeated < 10**9:
                return None
            times *= repeated
    return times


def dataset_of(config: Config) -> Fact[str]:
    """The data set trained on, e.g. "ADE20K"; its class where it is not a known one."""
    path = dataset_path(config)
    kind = type_of(config.get(*path))
    if not kind:
        return Fact(note=f"{config.file} names no training data set")
    known = KNOWN.get(kind)
    return Fact(known.name if known else kind, config.source(*path, "type"))


def planned_images(config: Config) -> Fact[int]:
    """How many images the config asks to train on, where it asks for published splits."""
    return _planned(config, TRAIN)


def planned_validation(config: Config) -> Fact[int]:
    """How many images the config asks to validate on, where it asks for a published split."""
    return _planned(config, VALIDATION)


def _planned(config: Config, split: str) -> Fact[int]:
    facts = [_images(config, path, split) for path in training_sets(config, split)]
    unknown = next((fact for fact in facts if not fact.known), None)
    if not facts or unknown is not None:
        return unknown or Fact(note=NOT_STATED)
    if len(facts) == 1:
        return facts[0]
    note = " + ".join(str(fact.value) for fact in facts)
    return Fact(sum(fact.value or 0 for fact in facts), facts[0].source, f"{note}, as published")


def _images(config: Config, path: Path, split: str) -> Fact[int]:
    """Of one data set, by its list of images, else by their folder, else the whole split."""
    given = config.get(*path)
    kind = type_of(given)
    name = KNOWN[kind].name if kind in KNOWN else kind
    places, key = _places(given)
    if places is None:
        return Fact(note=f"{'.'.join(key)} of {name} is no text; {NOT_STATED}")
    if places:
        sizes = [listed_split(kind, place) for place in places]
        if None in sizes:
            place = places[sizes.index(None)]
            return Fact(note=f"{key[0]} takes {place!r} of {name}; {NOT_STATED}")
        count: int | None = sum(size or 0 for size in sizes)
        what = f"images of {name} in {', '.join(places)}, as published"
    else:
        key, count = ("type",), whole_split(kind, split)
        what = f"size of the whole {split} split of {name}"
    return _selected(config, path, Fact(count, config.source(*path, *key), what))


def _places(given: Mapping[str, Any]) -> tuple[list[str] | None, tuple[str, ...]]:
    """What says which images are taken (None: not known), and the keys it stands under."""
    prefix = given.get("data_prefix")
    folder = prefix.get("img_path") if isinstance(prefix, Mapping) else prefix
    for keys, value in (
        (("ann_file",), given.get("ann_file")),
        (("split",), given.get("split")),
        (("data_prefix", "img_path"), folder),
        (("img_dir",), given.get("img_dir")),
    ):
        if value is None or value in ("", [], ()):
            continue
        listed = value if isinstance(value, (list, tuple)) else [value]
        return list(listed) if all(isinstance(item, str) for item in listed) else None, keys
    return [], ()


def _selected(config: Config, path: Path, whole: Fact[int]) -> Fact[int]:
    """`whole`, or what `indices` takes of it."""
    indices = config.get(*path, "indices")
    chosen = len(indices) if isinstance(indices, (list, tuple, range)) else indices
    if chosen is not None and type(chosen) is not int:
        return Fact(note=f"indices takes a part of it that is not known; {NOT_STATED}")
    if type(chosen) is int:
        count = abs(chosen) if whole.value is None else min(abs(chosen), whole.value)
        return Fact(count, config.source(*path, "indices"), "so many that indices names")
    if not whole.known:
        return Fact(note=NOT_STATED)
    return Fact(whole.value, whole.source, f"{whole.note}; the log does not state how many")
