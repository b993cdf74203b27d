"""The data sets of mmseg: names, sizes of the training split, and whether label 0 is ignored.

Sizes: of the official training splits, as mmseg's data set guide prepares them.
Reduction of label 0: the defaults of mmseg 1.2.2 datasets/*.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parity.runs.facts import Config, Fact
from parity.runs.families import type_of


@dataclass(frozen=True)
class DatasetInfo:
    """size, validation: images of the whole splits, where the class has one. reduces: label 0."""

    name: str
    size: int | None = None
    validation: int | None = None
    reduces: bool = False


KNOWN = {
    "ADE20KDataset": DatasetInfo("ADE20K", 20_210, 2_000, reduces=True),
    "BDD100KDataset": DatasetInfo("BDD100K", 7_000),
    "COCOStuffDataset": DatasetInfo("COCO-Stuff"),  # 10k and 164k share the class
    "ChaseDB1Dataset": DatasetInfo("CHASE_DB1", 20),
    "CityscapesDataset": DatasetInfo("Cityscapes", 2_975, 500),
    "DRIVEDataset": DatasetInfo("DRIVE", 20),
    "DarkZurichDataset": DatasetInfo("Dark Zurich"),
    "HRFDataset": DatasetInfo("HRF", 15),
    "ISPRSDataset": DatasetInfo("Vaihingen", reduces=True),
    "LoveDADataset": DatasetInfo("LoveDA", 2_522, reduces=True),
    "MapillaryDataset_v1": DatasetInfo("Mapillary Vistas v1.2", 18_000),
    "MapillaryDataset_v2": DatasetInfo("Mapillary Vistas v2.0", 18_000),
    "NightDrivingDataset": DatasetInfo("Night Driving"),
    "PascalContextDataset": DatasetInfo("Pascal Context"),
    "PascalContextDataset59": DatasetInfo("Pascal Context 59", reduces=True),
    "PascalVOCDataset": DatasetInfo("Pascal VOC 2012"),  # with and without the extra images
    "PotsdamDataset": DatasetInfo("Potsdam", reduces=True),
    "STAREDataset": DatasetInfo("STARE", 10),
    "SynapseDataset": DatasetInfo("Synapse"),
    "iSAIDDataset": DatasetInfo("iSAID"),
}
# Where the training images lie when nothing was left out.
_TRAINING = {"ADE20KDataset": "images/training", "CityscapesDataset": "leftImg8bit/train"}


def dataset_path(config: Config, split: str = "train") -> tuple[str | int, ...]:
    """Where the data set of `split` stands, wrappers such as RepeatDataset unpacked.

    mmengine: ``train_dataloader.dataset``; mmcv 0.x: ``data.train``. Of several
    concatenated sets it is the first.
    """
    modern, legacy = (f"{split}_dataloader", "dataset"), ("data", split)
    path: tuple[str | int, ...] = modern if config.get(*modern) is not None else legacy
    while True:
        if isinstance(config.get(*path, "dataset"), Mapping):
            path = (*path, "dataset")
        elif isinstance(config.get(*path, "datasets", 0), Mapping):
            path = (*path, "datasets", 0)
        else:
            return path


def dataset_of(config: Config) -> Fact[str]:
    """The data set trained on, e.g. "ADE20K"; its class where it is not a known one."""
    path = dataset_path(config)
    kind = type_of(config.get(*path))
    if not kind:
        return Fact(note=f"{config.file} names no training data set")
    known = KNOWN.get(kind)
    return Fact(known.name if known else kind, config.source(*path, "type"))


def known_size(config: Config) -> Fact[int]:
    """The size of the whole training split, where the config takes all of a known one."""
    path = dataset_path(config)
    given = config.get(*path)
    kind = type_of(given)
    if "datasets" in path:
        return Fact(note="several data sets were concatenated; no file says how many images")
    size = KNOWN[kind].size if kind in KNOWN else None
    if size is None or not isinstance(given, Mapping):
        return Fact(note="no file says how many images there were")
    for key in ("indices", "ann_file", "split"):
        if given.get(key):
            return Fact(note=f"{key} takes only part of {KNOWN[kind].name}; no file says how many")
    images = _image_folder(given)
    expected = _TRAINING.get(kind)
    if expected and images and not images.rstrip("/").endswith(expected):
        return Fact(note=f"the images lie in {images!r}; no file says how many there were")
    note = f"size of the whole training split of {KNOWN[kind].name}; the log does not state it"
    return Fact(size, config.source(*path, "type"), note)


def validation_batches(config: Config, world_size: int | None) -> int | None:
    """How many batches one process validates on the whole split; None where that is not known."""
    known = KNOWN.get(type_of(config.get(*dataset_path(config, "val"))))
    if known is None or known.validation is None or not world_size:
        return None
    batch = config.get("val_dataloader", "batch_size")
    return -(-known.validation // (world_size * (batch if type(batch) is int and batch else 1)))


def _image_folder(given: Mapping[str, Any]) -> str:
    prefix = given.get("data_prefix")
    found = prefix.get("img_path") if isinstance(prefix, Mapping) else given.get("img_dir")
    return found if isinstance(found, str) else ""
