"""A plain PyTorch ``Dataset`` over an ADE20K-style folder: what it reads, or reads and augments."""

import inspect
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState
from torch.utils.data import Dataset

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries.arrays import as_image, as_labels, reversed_channels
from parity.sample import DataInfo, Sample, UInt8Array

IMAGE_KEYS = ("image", "img", "pixel_values", "inputs")
LABEL_KEYS = ("mask", "label", "labels", "seg", "target")
SPLITS = ("training", "validation")


def adapt(given: Any, name: str) -> Candidate | None:
    """A Dataset class, or a function annotated to give one, called with a root folder.

    One that gives the same item twice stands for ``load``, any other for the
    whole pipeline. Raises InputError for an instance: it reads files that the
    reference does not.
    """
    if isinstance(given, Dataset):
        raise InputError(
            f"{name}: is a Dataset over its own files; name its class, or a function (root) -> "
            f"Dataset, which is given a folder with images/{{training,validation}} and annotations/"
        )
    if not _makes_dataset(given):
        return None
    reader = _Reader(given, name)
    notes: tuple[str, ...] = ("Its images are taken as RGB, unless it has channel_order = 'bgr'.",)
    if reader.augments():
        notes += ("It gives another item each time, so it is checked as a whole pipeline.",)
        return Candidate(name, pipeline=reader.pipeline, notes=notes)
    return Candidate(name, steps={"load": reader.load}, notes=notes)


def _makes_dataset(given: Any) -> bool:
    if inspect.isclass(given):
        return issubclass(given, Dataset)
    returned = getattr(given, "__annotations__", {}).get("return") if callable(given) else None
    return "Dataset" in str(returned)


class _Reader:
    """Writes one image with its label map where the Dataset reads, and asks for item 0."""

    def __init__(self, make: Callable[[str], Any], name: str) -> None:
        self._make = make
        self._name = name

    def augments(self) -> bool:
        """Whether ten items of the same file are not all the same."""
        rng = np.random.RandomState(0)
        image = rng.randint(0, 256, (40, 60, 3)).astype(np.uint8)
        seg = rng.randint(0, 150, (40, 60)).astype(np.uint8)
        with tempfile.TemporaryDirectory() as root:
            _write_pair(Path(root), image, seg)
            dataset = self._dataset(root)
            items = [self._item(dataset) for _ in range(10)]
        first = items[0]
        return not all(
            np.array_equal(one[0], first[0]) and np.array_equal(one[1], first[1]) for one in items
        )

    def pipeline(
        self, image: UInt8Array, seg: UInt8Array, rng: RandomState | None
    ) -> tuple[UInt8Array, UInt8Array]:
        """The item made of `image` and `seg`, which are written without loss."""
        with tempfile.TemporaryDirectory() as root:
            _write_pair(Path(root), image, seg)
            return self._item(self._dataset(root))

    def load(self, info: DataInfo, rng: RandomState | None = None) -> Sample:
        """The item made of the files that `info` names."""
        with tempfile.TemporaryDirectory() as root:
            paths = _paths(Path(root))
            shutil.copyfile(info.img_path, paths[0])
            shutil.copyfile(str(info.seg_map_path), paths[1])
            image, seg = self._item(self._dataset(root))
        shape = (image.shape[0], image.shape[1])
        return Sample(image, seg, info.meta().replace(img_shape=shape, ori_shape=shape), info)

    def _dataset(self, root: str) -> Any:
        dataset = self._make(root)
        if len(dataset) == 0:
            raise InputError(
                f"{self._name}: finds no item below a root that holds images/training/a.jpg and "
                f"annotations/training/a.png (and the same for validation)"
            )
        return dataset

    def _item(self, dataset: Any) -> tuple[UInt8Array, UInt8Array]:
        item = dataset[0]
        if isinstance(item, Mapping):
            image, seg = (_entry(item, keys, self._name) for keys in (IMAGE_KEYS, LABEL_KEYS))
        elif isinstance(item, (list, tuple)) and len(item) >= 2:
            image, seg = item[0], item[1]
        else:
            raise InputError(f"{self._name}: an item is a {type(item).__name__}; (image, label)")
        bgr = as_image(image, self._name)
        if getattr(dataset, "channel_order", "rgb") == "bgr":
            bgr = reversed_channels(bgr)
        return bgr, as_labels(seg, self._name)


def _entry(item: Mapping[str, Any], keys: tuple[str, ...], name: str) -> Any:
    found = [key for key in keys if key in item]
    if not found:
        raise InputError(f"{name}: an item has {list(item)}; one of {', '.join(keys)} is needed")
    return item[found[0]]


def _write_pair(root: Path, image: UInt8Array, seg: UInt8Array) -> None:
    """PNG whatever the suffix, so that nothing is lost; label 0 on disk is the ignored one."""
    image_path, label_path = _paths(root)
    raw = np.where(seg == 255, 0, seg + np.uint8(1)).astype(np.uint8)
    for path, array in ((image_path, image), (label_path, raw)):
        path.write_bytes(cv2.imencode(".png", array)[1].tobytes())


def _paths(root: Path) -> tuple[Path, Path]:
    """The training pair; the validation folders link to the same files."""
    for kind in ("images", "annotations"):
        (root / kind / SPLITS[0]).mkdir(parents=True, exist_ok=True)
        link = root / kind / SPLITS[1]
        if not link.exists():
            link.symlink_to(root / kind / SPLITS[0], target_is_directory=True)
    return root / "images" / SPLITS[0] / "a.jpg", root / "annotations" / SPLITS[0] / "a.png"
