"""How many images the published splits of mmseg's data sets have.

By the name of the file that lists a split, or the end of the folder its images
lie in, as mmsegmentation's base configs write them. From: the guide to preparing
data sets (Potsdam, Vaihingen, iSAID, REFUGE); mmsegmentation's converters (Pascal
VOC with the extra annotations, CHASE_DB1, HRF, STARE, the sum of COCO-Stuff
10k); and the publishers of the others.
https://github.com/open-mmlab/mmsegmentation/blob/main/docs/en/user_guides/2_dataset_prepare.md
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

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
