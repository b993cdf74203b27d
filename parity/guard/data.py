"""Files of a data set in ADE20K's layout, looked at one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from parity.dataset import list_data
from parity.errors import InputError
from parity.files import open_file

SPLITS = ("training", "validation")
# Decoded pixels; more is no photograph, and would take memory before anything is said.
MOST_PIXELS = 200_000_000
AHEAD = 64  # items handed out before their results are taken

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FilePair:
    """An image and the label map of the same name; None where there is none."""

    image: Path
    label: Path | None


@dataclass(frozen=True)
class Looked:
    """What one pair holds. size: height, width. counts: pixels of each id, int64 ``(256,)``."""

    pair: FilePair
    trouble: str = ""
    size: tuple[int, int] = (0, 0)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))


def splits_of(root: Path) -> tuple[str, ...]:
    """The splits whose images are there; where none is, both, of which to say so."""
    return tuple(split for split in SPLITS if (root / "images" / split).is_dir()) or SPLITS


def split_pairs(
    images: Path, labels: Path, *, img_suffix: str = ".jpg", seg_map_suffix: str = ".png"
) -> list[FilePair]:
    """The images of a folder, sorted as mmseg lists them. Raises InputError where there is none."""
    infos = list_data(images, labels, img_suffix=img_suffix, seg_map_suffix=seg_map_suffix)
    return [
        FilePair(Path(i.img_path), Path(i.seg_map_path) if i.seg_map_path else None) for i in infos
    ]


def labels_alone(
    pairs: Iterable[FilePair], labels: Path, seg_map_suffix: str = ".png"
) -> list[Path]:
    """Label maps that no image has the name of."""
    known = {pair.label for pair in pairs}
    return sorted(path for path in labels.rglob(f"*{seg_map_suffix}") if path not in known)


def look(pair: FilePair) -> Looked:
    """Decode both files to their ends."""
    try:
        image = read_image(pair.image)
    except InputError as error:
        return Looked(pair, str(error))
    size = (image.height, image.width)
    if pair.label is None or not pair.label.is_file():
        return Looked(pair, f"{pair.label}: is missing", size)
    try:
        label = read_label(pair.label)
    except InputError as error:
        return Looked(pair, str(error), size)
    trouble = ""
    if label.shape != size:
        here, there = ("x".join(map(str, shape)) for shape in (label.shape, size))
        trouble = f"{pair.label}: is {here}, its image {there}"
    return Looked(pair, trouble, size, np.bincount(label.ravel(), minlength=256))


def read_image(path: Path) -> Image.Image:
    """The whole image. Raises InputError: cv2 would read what is cut off as grey."""
    try:
        with open_file(path) as stream:
            image = Image.open(stream)
            if image.width * image.height > MOST_PIXELS:
                raise InputError(f"{path}: {image.width} x {image.height} pixels are too many")
            image.load()
            return image
    except UnidentifiedImageError as error:
        size = path.stat().st_size
        raise InputError(f"{path}: is no image that Pillow knows ({size:,} bytes)") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be decoded: {error}") from error


def read_label(path: Path) -> NDArray[np.uint8]:
    """Ids, uint8 ``(H, W)``, as the pillow backend of mmcv reads them. Raises InputError."""
    found = np.asarray(read_image(path))
    if found.dtype != np.uint8 or found.ndim != 2:
        raise InputError(f"{path}: is {found.dtype} {found.shape}; ids are one byte a pixel")
    return found


def in_order(
    function: Callable[[T], R], items: Sequence[T], progress: Progress | None = None
) -> Iterator[R]:
    """The results on all cores, in the order of `items`. Decoding leaves Python's lock alone."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = iter(items)
        running = [pool.submit(function, item) for item in islice(waiting, AHEAD)]
        for done in range(1, len(items) + 1):
            result = running.pop(0).result()
            running += [pool.submit(function, item) for item in islice(waiting, 1)]
            if progress is not None:
                progress(done, len(items))
            yield result


@dataclass(frozen=True)
class SplitReport:
    """One split. ids: pixels of each id. smallest, largest: by the shorter side, height, width."""

    name: str
    images: int
    troubles: tuple[str, ...]
    smallest: tuple[int, int]
    largest: tuple[int, int]
    ids: NDArray[np.int64]


def report_of(name: str, looked: Iterable[Looked], alone: Sequence[Path] = ()) -> SplitReport:
    """What is known of a split from its pairs."""
    ids, sizes, troubles, count = np.zeros(256, np.int64), set[tuple[int, int]](), list[str](), 0
    for item in looked:
        count += 1
        ids += item.counts
        sizes |= {item.size} if all(item.size) else set()
        troubles += [item.trouble] if item.trouble else []
    troubles += [f"{path}: no image has its name" for path in alone]
    ordered = sorted(sizes, key=lambda size: (min(size), size)) or [(0, 0)]
    return SplitReport(name, count, tuple(troubles), ordered[0], ordered[-1], ids)


def check_split(root: Path, name: str, progress: Progress | None = None) -> SplitReport:
    """Every file of a split, decoded. Raises InputError where it has no images."""
    images, labels = root / "images" / name, root / "annotations" / name
    pairs = split_pairs(images, labels)
    return report_of(name, in_order(look, pairs, progress), labels_alone(pairs, labels))
