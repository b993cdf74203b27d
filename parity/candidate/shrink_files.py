"""Inputs that are files: cut them down, and bring them into the folder of the example."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from parity.candidate.shrink import Differs, FailingCase
from parity.errors import InputError
from parity.sample import DataInfo, Sample
from parity.steps.load import load_annotation, load_image

Pair = tuple[NDArray[Any], NDArray[Any]]


def shrink_files(found: FailingCase, folder: Path, differs: Differs) -> FailingCase:
    """The failing files, re-encoded as PNG and halved while they fail; else copied as they are."""
    info: DataInfo = found.value
    folder.mkdir(parents=True, exist_ok=True)
    smaller = _halved(found, folder, differs)
    if smaller is not None:
        return smaller
    return replace(found, value=_copied(info, folder))


def portable(found: FailingCase, folder: Path) -> FailingCase:
    """The same without paths of this machine: files are copied where the step reads them."""
    value = found.value
    if not isinstance(value, Sample):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    reads = found.step.module == "load" and value.info is not None
    info = _copied(value.info, folder) if reads and value.info is not None else None
    paths = {key: Path(str(value.meta[key])).name for key in _PATHS if value.meta.get(key)}
    return replace(found, value=replace(value, info=info, meta=value.meta.replace(**paths)))


_PATHS = ("img_path", "seg_map_path")


def _halved(found: FailingCase, folder: Path, differs: Differs) -> FailingCase | None:
    info: DataInfo = found.value
    try:
        pair = load_image(info.img_path), load_annotation(str(info.seg_map_path))
    except InputError:  # the file is broken, which may be the point
        return None
    best: Pair | None = None
    waiting = [pair]
    while waiting:
        tried = waiting.pop(0)
        small = _written(info, folder, tried)
        if differs(found.step, small, found.state):
            best, waiting = tried, _halves(tried)
    return None if best is None else replace(found, value=_written(info, folder, best))


def _halves(pair: Pair) -> list[Pair]:
    """Upper, lower, left and right half, where there is more than one row or column."""
    height, width = pair[0].shape[:2]
    windows: list[Any] = []
    if height > 1:
        windows += [np.s_[: height // 2], np.s_[height // 2 :]]
    if width > 1:
        windows += [np.s_[:, : width // 2], np.s_[:, width // 2 :]]
    return [(pair[0][window], pair[1][window]) for window in windows]


def _written(info: DataInfo, folder: Path, pair: Pair) -> DataInfo:
    paths = [folder / "image.png", folder / "label.png"]
    for path, array in zip(paths, pair, strict=True):
        path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(array))[1].tobytes())
    return replace(info, img_path=str(paths[0]), seg_map_path=str(paths[1]))


def _copied(info: DataInfo, folder: Path) -> DataInfo:
    names = {"img_path": "image", "seg_map_path": "label"}
    copied: dict[str, Any] = {}
    for key, name in names.items():
        source = getattr(info, key)
        if source is not None:
            path = folder / f"{name}{Path(source).suffix}"
            shutil.copyfile(source, path)
            copied[key] = str(path)
    return replace(info, **copied)
