"""The entries of a data set of mmseg: which image has which labels, by the rules of its class.

Reproduces ``load_data_list``, ``get_label_map`` and ``_update_palette`` of
``BaseSegDataset`` and ``BaseCDDataset`` (mmseg 1.2.2 mmseg/datasets/basesegdataset.py),
``NYUDataset`` (mmseg/datasets/nyu.py), and ``_join_prefix`` and ``indices`` of
``BaseDataset`` (mmengine 0.10.7 mmengine/dataset/base_dataset.py).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.random import RandomState

from parity.dataset import list_data
from parity.errors import InputError
from parity.files import open_file
from parity.sample import DataInfo

Names = Sequence[str]
Palette = Sequence[Sequence[int]]
# Classes that pair otherwise than by suffix.
PAIRS = frozenset({"BaseCDDataset", "LEVIRCDDataset"})
DEPTH = frozenset({"NYUDataset"})
# Those whose files are none of this.
REFUSED: Mapping[str, str] = {
    "DecathlonDataset": "lists volumes in a JSON file",
    "DSDLDataset": "is read by the package dsdl",
}
# What their constructors set, whatever is asked for.
FIXED: Mapping[str, Mapping[str, Any]] = {
    "REFUGEDataset": {"img_suffix": ".png", "seg_map_suffix": ".png", "reduce_zero_label": False},
}


@dataclass(frozen=True, eq=False)
class Listing:
    """infos: in order. classes, palette: those predicted, and a colour each."""

    infos: tuple[DataInfo, ...]
    classes: tuple[str, ...] | None
    palette: tuple[tuple[int, ...], ...]


def list_data_set(
    kind: str,
    *,
    data_prefix: Mapping[str, str],
    data_root: str | None = None,
    ann_file: str = "",
    img_suffix: str = ".jpg",
    img_suffix2: str = ".jpg",
    seg_map_suffix: str = ".png",
    reduce_zero_label: bool = False,
    indices: int | Sequence[int] | None = None,
    classes: Names | None = None,
    palette: Palette = (),
    known_classes: Names | None = None,
) -> Listing:
    """Entries, classes and palette of a data set of class `kind`.

    data_prefix: folders of ``img_path``, ``seg_map_path`` and the like below `data_root`.
    ann_file: names of images without suffix, one a line; without it the folder counts.
    classes: to predict, by default all of `known_classes`, those of the class itself.

    Raises InputError for folders and lists that are not there, and unknown classes.
    """
    if kind in REFUSED:
        raise InputError(f"{kind} {REFUSED[kind]}, and is not listed here")
    folders = {key: _joined(data_root, prefix) for key, prefix in data_prefix.items()}
    labels = folders.get("depth_map_path" if kind in DEPTH else "seg_map_path")
    label_map = label_map_of(classes, known_classes)
    found = _entries(
        folders["img_path"],
        labels,
        _joined(data_root, ann_file) if ann_file and kind not in DEPTH else "",
        suffixes=(img_suffix, seg_map_suffix),
        by_name=kind in PAIRS,
    )
    infos = [
        replace(info, label_map=label_map, reduce_zero_label=reduce_zero_label) for info in found
    ]
    if kind in PAIRS:
        infos = [_with_second(info, folders) for info in infos]
    if kind in DEPTH:
        infos = [_with_depth(info, classes or known_classes or ()) for info in infos]
    chosen = classes if classes is not None else known_classes
    colours = palette_of(palette, chosen or (), label_map)
    placed = enumerate(_subset(infos, indices))
    return Listing(
        tuple(replace(info, sample_idx=at) for at, info in placed),
        None if chosen is None else tuple(chosen),
        tuple(tuple(colour) for colour in colours),
    )


def label_map_of(classes: Names | None, known: Names | None) -> dict[int, int] | None:
    """Old label -> new label, 255 for a class that is left out; None where nothing changes."""
    if classes is None or known is None or list(classes) == list(known):
        return None
    unknown = set(classes) - set(known)
    if unknown:
        raise InputError(f"classes {sorted(unknown)} are none of the data set's {len(known)}")
    new = list(classes)
    return {at: new.index(name) if name in new else 255 for at, name in enumerate(known)}


def palette_of(
    palette: Palette, classes: Names, label_map: Mapping[int, int] | None
) -> list[Sequence[int]]:
    """A colour for each class: as given, those that are left, or the same random ones always."""
    if len(palette) == len(classes):
        return list(palette)
    if not palette:
        drawn: list[Sequence[int]] = RandomState(42).randint(0, 255, (len(classes), 3)).tolist()
        return drawn
    if len(palette) < len(classes) or label_map is None:
        raise InputError(f"{len(palette)} colours do not fit {len(classes)} classes")
    kept = sorted(label_map.items(), key=lambda pair: pair[1])
    return [palette[old] for old, new in kept if new != 255]


def _joined(root: str | None, path: str) -> str:
    return os.path.join(root, path) if root else path


def _entries(
    images: str,
    labels: str | None,
    ann_file: str,
    *,
    suffixes: tuple[str, str],
    by_name: bool,
) -> list[DataInfo]:
    """Without label map and reduction. by_name: the suffix is what follows the last dot."""
    suffix, seg_suffix = suffixes
    if ann_file and not Path(ann_file).is_dir():
        names = [line.strip() for line in _lines(ann_file)]
    else:
        found = list_data(images, None, img_suffix=suffix)
        names = [os.path.relpath(info.img_path, images)[: -len(suffix)] for info in found]
        if by_name:
            names = [str(Path(name + suffix).with_suffix("")) for name in names]
            suffix = Path(found[-1].img_path).suffix
    return [
        DataInfo(
            os.path.join(images, name + suffix),
            None if labels is None else os.path.join(labels, name + seg_suffix),
        )
        for name in names
    ]


def _lines(path: str) -> list[str]:
    try:
        with open_file(path) as stream:
            return stream.read().decode().splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the list of images cannot be read: {error}") from error


def _with_second(info: DataInfo, folders: Mapping[str, str]) -> DataInfo:
    """With the image of the same name in the second folder."""
    name = os.path.relpath(info.img_path, folders["img_path"])
    return replace(info, more={"img_path2": os.path.join(folders["img_path2"], name)})


def _with_depth(info: DataInfo, classes: Names) -> DataInfo:
    """The label map is one of depth; before the first digit of the name stands the room."""
    name = Path(info.img_path).name
    digit = next((at for at, character in enumerate(name) if character.isdigit()), None)
    if digit is None:
        raise InputError(f"{info.img_path}: a name without a digit says no kind of room")
    room = name[: digit - 1]
    category = list(classes).index(room) if room in classes else -1
    more = {"depth_map_path": info.seg_map_path, "category_id": category}
    return DataInfo(info.img_path, more=more)


def _subset(infos: list[DataInfo], indices: int | Sequence[int] | None) -> list[DataInfo]:
    if indices is None:
        return infos
    if isinstance(indices, int):
        return infos[:indices] if indices >= 0 else infos[indices:]
    try:
        return [infos[index] for index in indices]
    except IndexError as error:
        raise InputError(f"indices {list(indices)} reach past {len(infos)} entries") from error
