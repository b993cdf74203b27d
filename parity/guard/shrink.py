"""Smaller copies of a data set: fewer pixels, or fewer images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.files import file_sha256, make_folder, open_file, write_atomically
from parity.guard.data import (
    SPLITS,
    FilePair,
    Progress,
    in_order,
    read_image,
    read_label,
    split_pairs,
    splits_of,
)

MANIFEST = "manifest.jsonl"
QUALITY = 95  # of JPEG
_KEYS = {"image", "label", "image_sha256", "label_sha256"}

Made = dict[str, Any]
Write = Callable[[FilePair, Path, Path], None]


def downsample(
    root: Path, out: Path, *, factor: int, progress: Progress | None = None
) -> tuple[int, list[str]]:
    """The splits that are there, sides divided by `factor`. The number of pairs, and troubles.

    Images are averaged over areas and written as JPEG of quality 95 (PNG stays PNG); a label is
    the one at the middle of its area, so that no id is new.
    """
    if factor < 2:
        raise InputError(f"--factor {factor}: give 2 or more")
    head = {"made": "downsample", "factor": factor, "quality": QUALITY}
    return _make(root, out, head, partial(_smaller, factor), _whole, progress, splits_of(root))


def subset(
    root: Path,
    out: Path,
    *,
    every: int | None = None,
    count: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[int, list[str]]:
    """Some of the training images, copied: one in `every`, or `count` drawn with `seed`.

    The validation images are all copied, so that scores stay comparable.
    """
    if (every is None) == (count is None):
        raise InputError("give one of --every and --count")
    if min(every or 1, count or 1) < 1:
        raise InputError("--every and --count are 1 or more")
    head = {"made": "subset", "every": every, "count": count, "seed": seed}

    def chosen(split: str, pairs: Sequence[FilePair]) -> Sequence[FilePair]:
        if split != "training":
            return pairs
        if every is not None:
            return pairs[::every]
        if (count or 0) > len(pairs):
            raise InputError(f"--count {count}: there are {len(pairs)} training images")
        order = RandomState(seed).permutation(len(pairs))[:count]
        return [pairs[index] for index in sorted(order)]

    return _make(root, out, head, _copied, chosen, progress)


def _whole(split: str, pairs: Sequence[FilePair]) -> Sequence[FilePair]:
    return pairs


def _make(
    root: Path,
    out: Path,
    head: Made,
    write: Write,
    chosen: Callable[[str, Sequence[FilePair]], Sequence[FilePair]],
    progress: Progress | None,
    splits: Sequence[str] = SPLITS,
) -> tuple[int, list[str]]:
    if out.resolve() == root.resolve():
        raise InputError(f"{out}: is the data set itself; give another folder")
    todo: list[FilePair] = []
    for split in splits:
        found = split_pairs(root / "images" / split, root / "annotations" / split)
        todo += chosen(split, found)
    make_folder(out)
    is_new = not (out / MANIFEST).exists()
    done = {} if is_new else _done(out / MANIFEST, head)
    one = partial(_one, root, out, write, done)
    troubles: list[str] = []
    with (out / MANIFEST).open("a", encoding="utf-8") as manifest:
        if is_new:
            manifest.write(json.dumps(head) + "\n")
        for made in in_order(one, todo, progress):
            if "trouble" in made:
                troubles.append(made["trouble"])
            elif made["image"] not in done:
                manifest.write(json.dumps(made) + "\n")
                manifest.flush()
    return len(todo) - len(troubles), troubles


def _done(path: Path, head: Made) -> Mapping[str, Made]:
    """What the manifest says is made, by image. Raises InputError for one made otherwise."""
    with open_file(path) as stream:
        text = stream.read().decode("utf-8", "replace")
    entries = list(_entries(text))
    if not entries or entries[0] != head:
        raise InputError(f"{path}: was made with other options; give another folder, or remove it")
    if not text.endswith("\n"):  # ended in the middle of a line
        with path.open("a", encoding="utf-8") as end:
            end.write("\n")
    return {entry["image"]: entry for entry in entries[1:] if entry.keys() >= _KEYS}


def _entries(text: str) -> Iterator[Made]:
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def _one(root: Path, out: Path, write: Write, done: Mapping[str, Made], pair: FilePair) -> Made:
    image = pair.image.relative_to(root)
    if pair.label is None or not pair.label.is_file():
        return {"trouble": f"{pair.label}: is missing"}
    label = pair.label.relative_to(root)
    before = done.get(str(image))
    if before is not None and _intact(out, before):
        return before
    try:
        write(pair, out / image, out / label)
    except InputError as error:
        return {"trouble": str(error)}
    return {
        "image": str(image),
        "label": str(label),
        "image_sha256": file_sha256(out / image),
        "label_sha256": file_sha256(out / label),
        "source_sha256": file_sha256(pair.image),
    }


def _intact(out: Path, entry: Made) -> bool:
    return all(
        (out / entry[kind]).is_file() and file_sha256(out / entry[kind]) == entry[f"{kind}_sha256"]
        for kind in ("image", "label")
    )


def _copied(pair: FilePair, image: Path, label: Path) -> None:
    assert pair.label is not None
    for source, target in ((pair.image, image), (pair.label, label)):
        with open_file(source) as stream:
            write_atomically(target, stream.read())


def _smaller(factor: int, pair: FilePair, image: Path, label: Path) -> None:
    assert pair.label is not None
    ids = read_label(pair.label)
    pixels = np.asarray(read_image(pair.image).convert("RGB"))[:, :, ::-1]
    if ids.shape != pixels.shape[:2]:
        raise InputError(f"{pair.label}: is {ids.shape}, its image {pixels.shape[:2]}")
    size = tuple(max(1, round(side / factor)) for side in ids.shape[::-1])
    averaged = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    nearest = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if image.suffix != ".png" else []
    for path, array, given in ((image, averaged, options), (label, nearest, [])):
        write_atomically(path, cv2.imencode(path.suffix, array, given)[1].tobytes())
