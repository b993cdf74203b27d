"""The data sets of mmseg: names, classes, sizes, and whether label 0 is ignored.

Classes and reduction of label 0: of mmseg 1.2.2 datasets/*.py.

How many images the published splits have goes by the name of the file that lists
a split, or the end of the folder its images lie in, as mmsegmentation's base
configs write them. From: the guide to preparing data sets (Potsdam, Vaihingen,
iSAID, REFUGE); mmsegmentation's converters (Pascal VOC with the extra annotations,
CHASE_DB1, HRF, STARE, the sum of COCO-Stuff 10k); and the publishers of the others.
https://github.com/open-mmlab/mmsegmentation/blob/main/docs/en/user_guides/2_dataset_prepare.md
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from parity.runs.facts import Config, Fact
from parity.runs.families import type_of

TRAIN, VALIDATION = "train", "val"
Path = tuple[str | int, ...]
# Concatenated data sets of one run; a config may say anything.
MAX_SETS = 100
NOT_STATED = "no file says how many images there were"


@dataclass(frozen=True)
class DatasetInfo:
    """classes: to predict. splits: how many images each has. reduces: whether label 0 is none."""

    name: str
    classes: int
    splits: Mapping[str, int] = field(default_factory=dict)
    reduces: bool = False

    def whole(self, split: str) -> int | None:
        """Images of the "train" or "val" split of a data set that has one of each."""
        sizes = [*self.splits.values()]
        index = 0 if split == TRAIN else 1
        return sizes[index] if index < len(sizes) <= 2 else None

    def listed(self, place: str) -> int | None:
        """Images of the split that a list file or a folder of images names."""
        path = PurePosixPath(place.replace("\\", "/"))
        if path.name in self.splits:
            return self.splits[path.name]
        ends = (PurePosixPath(*path.parts[-depth:]).as_posix() for depth in (2, 3))
        return next((self.splits[end] for end in ends if end in self.splits), None)


_CONTEXT = {"train.txt": 4_998, "val.txt": 5_105}
_VOC = {"train": 1_464, "val": 1_449, "trainval": 2_913, "aug": 9_118, "trainaug": 10_582}
_COCO = {"train2014": 9_000, "test2014": 1_000, "train2017": 118_287, "val2017": 5_000}
_RETINA = ("images/training", "images/validation")
_AERIAL = ("img_dir/train", "img_dir/val")
_STREET = ("leftImg8bit/train", "leftImg8bit/val")


def _two(folders: tuple[str, str], train: int, validation: int) -> dict[str, int]:
    return dict(zip(folders, (train, validation), strict=True))


KNOWN: Mapping[str, DatasetInfo] = {
    "ADE20KDataset": DatasetInfo("ADE20K", 150, _two(_RETINA, 20_210, 2_000), reduces=True),
    "BDD100KDataset": DatasetInfo("BDD100K", 19, {"images/10k/train": 7_000}),
    # 10k and 164k share the class.
    "COCOStuffDataset": DatasetInfo(
        "COCO-Stuff", 171, {f"images/{k}": v for k, v in _COCO.items()}
    ),
    "ChaseDB1Dataset": DatasetInfo("CHASE_DB1", 2, _two(_RETINA, 20, 8)),
    "CityscapesDataset": DatasetInfo("Cityscapes", 19, _two(_STREET, 2_975, 500)),
    "DRIVEDataset": DatasetInfo("DRIVE", 2, _two(_RETINA, 20, 20)),
    "DarkZurichDataset": DatasetInfo("Dark Zurich", 19),
    "HRFDataset": DatasetInfo("HRF", 2, _two(_RETINA, 15, 30)),
    "ISPRSDataset": DatasetInfo("Vaihingen", 6, _two(_AERIAL, 344, 398), reduces=True),
    "LEVIRCDDataset": DatasetInfo("LEVIR-CD", 2),
    "LIPDataset": DatasetInfo("LIP", 20),
    "LoveDADataset": DatasetInfo("LoveDA", 7, _two(_AERIAL, 2_522, 1_669), reduces=True),
    "MapillaryDataset_v1": DatasetInfo("Mapillary Vistas v1.2", 66, {"training/images": 18_000}),
    "MapillaryDataset_v2": DatasetInfo("Mapillary Vistas v2.0", 124, {"training/images": 18_000}),
    "NYUDataset": DatasetInfo("NYU", 27),
    "NightDrivingDataset": DatasetInfo("Night Driving", 19),
    "PascalContextDataset": DatasetInfo("Pascal Context", 60, _CONTEXT),
    "PascalContextDataset59": DatasetInfo("Pascal Context 59", 59, _CONTEXT, reduces=True),
    # With and without the extra images.
    "PascalVOCDataset": DatasetInfo(
        "Pascal VOC 2012", 21, {f"{k}.txt": v for k, v in _VOC.items()}
    ),
    "PotsdamDataset": DatasetInfo("Potsdam", 6, _two(_AERIAL, 3_456, 2_016), reduces=True),
    "REFUGEDataset": DatasetInfo("REFUGE", 3, _two(_RETINA, 400, 400)),
    "STAREDataset": DatasetInfo("STARE", 2, _two(_RETINA, 10, 10)),
    "SynapseDataset": DatasetInfo("Synapse", 9),
    "iSAIDDataset": DatasetInfo("iSAID", 16, _two(_AERIAL, 33_978, 11_644)),
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
    info = KNOWN.get(type_of(given), DatasetInfo(type_of(given), 0))
    name = info.name
    places, key = _places(given)
    if places is None:
        return Fact(note=f"{'.'.join(key)} of {name} is no text; {NOT_STATED}")
    if places:
        sizes = [info.listed(place) for place in places]
        if None in sizes:
            place = places[sizes.index(None)]
            return Fact(note=f"{key[0]} takes {place!r} of {name}; {NOT_STATED}")
        count: int | None = sum(size or 0 for size in sizes)
        what = f"images of {name} in {', '.join(places)}, as published"
    else:
        key, count = ("type",), info.whole(split)
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
