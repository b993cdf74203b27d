"""The data sets of mmseg: names, classes, sizes, and whether label 0 is ignored.

Classes and reduction of label 0: of mmseg 1.2.2 datasets/*.py.

How many images the published splits have goes by the name of the file that lists
a split, or the end of the folder its images lie in, as mmsegmentation's base
configs write them. From: the guide to preparing data sets (Potsdam, Vaihingen,
iSAID, REFUGE); mmsegmentation's converters (Pascal VOC with the extra annotations,
CHASE_DB1, HRF, STARE, the sum of COCO-Stuff 10k); and the publishers of the others.
https://github.com/open-mmlab/mmsegmentation/blob/main/docs/en/user_guides/2_dataset_prepare.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from parity.runs.facts import Config, Fact
from parity.runs.families import type_of

TRAIN, VALIDATION = "train", "val"

_CONTEXT = {"train.txt": 4_998, "val.txt": 5_105}
_RETINA = ("images/training", "images/validation")
_AERIAL = ("img_dir/train", "img_dir/val")
_STREET = ("leftImg8bit/train", "leftImg8bit/val")


def _two(folders: tuple[str, str], train: int, validation: int) -> dict[str, int]:
    return dict(zip(folders, (train, validation), strict=True))


_SPLITS: Mapping[str, Mapping[str, int]] = {
    "ADE20KDataset": _two(_RETINA, 20_210, 2_000),
    "BDD100KDataset": {"images/10k/train": 7_000},
    "COCOStuffDataset": {
        "images/train2014": 9_000,
        "images/test2014": 1_000,
        "images/train2017": 118_287,
        "images/val2017": 5_000,
    },
    "ChaseDB1Dataset": _two(_RETINA, 20, 8),
    "CityscapesDataset": _two(_STREET, 2_975, 500),
    "DRIVEDataset": _two(_RETINA, 20, 20),
    "HRFDataset": _two(_RETINA, 15, 30),
    "ISPRSDataset": _two(_AERIAL, 344, 398),
    "LoveDADataset": _two(_AERIAL, 2_522, 1_669),
    "MapillaryDataset_v1": {"training/images": 18_000},
    "MapillaryDataset_v2": {"training/images": 18_000},
    "PascalContextDataset": _CONTEXT,
    "PascalContextDataset59": _CONTEXT,
    "PascalVOCDataset": {
        "train.txt": 1_464,
        "val.txt": 1_449,
        "trainval.txt": 2_913,
        "aug.txt": 9_118,
        "trainaug.txt": 10_582,
    },
    "PotsdamDataset": _two(_AERIAL, 3_456, 2_016),
    "REFUGEDataset": _two(_RETINA, 400, 400),
    "STAREDataset": _two(_RETINA, 10, 10),
    "iSAIDDataset": _two(_AERIAL, 33_978, 11_644),
}


def whole_split(kind: str, split: str) -> int | None:
    """Images of the "train" or "val" split of a data set of class `kind` that has one of each."""
    sizes = [*_SPLITS.get(kind, {}).values()]
    index = 0 if split == TRAIN else 1
    return sizes[index] if index < len(sizes) <= 2 else None


def listed_split(kind: str, place: str) -> int | None:
    """Images of the split that a list file or a folder of images names."""
    sizes = _SPLITS.get(kind, {})
    path = PurePosixPath(place.replace("\\", "/"))
    if path.name in sizes:
        return sizes[path.name]
    ends = (PurePosixPath(*path.parts[-depth:]).as_posix() for depth in (2, 3))
    return next((sizes[end] for end in ends if end in sizes), None)


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
