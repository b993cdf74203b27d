"""A directory of images and annotations as a data set, read as mmseg reads it.

Reproduces ``BaseSegDataset.load_data_list`` (mmseg 1.2.2
mmseg/datasets/basesegdataset.py) and the fetch loop of ``BaseDataset``
(mmengine 0.10.7 mmengine/dataset/base_dataset.py).
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import DataInfo, Sample

# np.random.RandomState takes words of 32 bits.
MAX_SEED = 2**32 - 1


class BrokenFileWarning(UserWarning):
    """A file of a data set could not be read; another sample took its place."""


class Pipeline(Protocol):
    """What a data set needs of a pipeline; TrainPipeline and ValPipeline have it."""

    is_random: bool
    reduce_zero_label: bool
    label_map: Mapping[int, int] | None

    def run(self, info: DataInfo, rng: RandomState) -> Sample | None:
        """The sample of `info` with draws from `rng`, or None when it comes back empty."""
        ...


def list_data(
    image_dir: str | Path,
    seg_dir: str | Path | None,
    *,
    img_suffix: str = ".jpg",
    seg_map_suffix: str = ".png",
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
) -> list[DataInfo]:
    """Pair every image below `image_dir` with the label map of the same relative name.

    Sub-directories are searched, hidden files left out, and the list is sorted
    by image path, all as in the reference. Whether the label map exists shows
    when it is read.

    Raises InputError when `image_dir` is no directory, holds no such image, or cannot be read.
    """
    image_root = str(image_dir)
    if not os.path.isdir(image_root):
        is_ours = "images" in Path(image_root).parts
        layout = "; an ADE20K-style root holds images/" if is_ours else ""
        raise InputError(f"{image_root}: no such directory{layout}")
    try:
        found = list(_files_below(image_root, img_suffix))
    except OSError as error:  # no permission, or a link to itself
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error
    names = sorted(found, key=lambda name: os.path.join(image_root, name))
    if not names:
        raise InputError(f"{image_root}: holds no file that ends in {img_suffix!r}")
    return [
        DataInfo(
            img_path=os.path.join(image_root, name),
            seg_map_path=(
                None
                if seg_dir is None
                else os.path.join(str(seg_dir), name[: -len(img_suffix)] + seg_map_suffix)
            ),
            label_map=label_map,
            reduce_zero_label=reduce_zero_label,
            sample_idx=index,
        )
        for index, name in enumerate(names)
    ]


def _files_below(root: str, suffix: str) -> Iterator[str]:
    folders = [root]
    seen = {os.path.realpath(root)}
    while folders:
        for entry in os.scandir(folders.pop()):
            if not entry.name.startswith(".") and entry.is_file():
                name = os.path.relpath(entry.path, root)
                if name.endswith(suffix):
                    yield name
            elif entry.is_dir() and os.path.realpath(entry.path) not in seen:
                # The reference follows links until the kernel refuses; here each folder is
                # read once, so that a link to a parent does not list images forty times.
                seen.add(os.path.realpath(entry.path))
                folders.append(entry.path)


def _shared(length: int, dtype: torch.dtype) -> torch.Tensor:
    shared: torch.Tensor = torch.zeros(length, dtype=dtype).share_memory_()  # type: ignore[no-untyped-call]
    return shared


class SegDataset(torch.utils.data.Dataset[Sample]):
    """Samples of one split of an ADE20K-style root, the same for any number of workers.

    root: holds ``images/<split>/*.jpg`` and ``annotations/<split>/*.png``, or the two
    `folders` that a config names instead.
    Every sample has its own generator, ``RandomState([seed, epoch, index])``,
    so neither workers nor access order change it. A training sample that comes
    back empty is replaced by a random other one, up to `max_refetch` times; the
    broken file is warned about and listed in :attr:`broken`. Use
    ``collate_fn=list`` with a DataLoader.
    """

    def __init__(
        self,
        root: str | Path,
        split: str,
        pipeline: Pipeline,
        seed: int = 0,
        *,
        max_refetch: int = 1000,
        folders: tuple[str, str] | None = None,
        img_suffix: str = ".jpg",
        seg_map_suffix: str = ".png",
    ) -> None:
        if not 0 <= seed <= MAX_SEED:
            raise InputError(f"seed must be 0 to {MAX_SEED}, got {seed}")
        self.pipeline = pipeline
        self.seed = seed
        self.max_refetch = max_refetch
        images, annotations = folders or (f"images/{split}", f"annotations/{split}")
        self.infos = list_data(
            os.path.join(str(root), images),
            os.path.join(str(root), annotations),
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            reduce_zero_label=pipeline.reduce_zero_label,
            label_map=pipeline.label_map,
        )
        # Shared memory, so that what a worker finds is seen by every process.
        self._broken = _shared(len(self.infos), torch.uint8)
        self._epoch = _shared(1, torch.int64)

    def __len__(self) -> int:
        return len(self.infos)

    def __getitem__(self, index: int) -> Sample:
        """Sample `index` of the current epoch. Raises IndexError, InputError."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is outside a data set of {len(self)} samples")
        index %= len(self)
        return self.fetch(index, RandomState([self.seed, int(self._epoch), index]))

    def data_info(self, index: int) -> dict[str, Any]:
        """Entry `index` as mmseg's ``data_info``; ``sample_idx`` is never negative."""
        return self.infos[index].as_dict()

    def set_epoch(self, epoch: int) -> None:
        """Choose the random numbers of `epoch`, also in workers that already run."""
        if not 0 <= epoch <= MAX_SEED:
            raise InputError(f"epoch must be 0 to {MAX_SEED}, got {epoch}")
        self._epoch[0] = epoch

    @property
    def broken(self) -> tuple[str, ...]:
        """Image paths of the entries found broken so far, by any worker."""
        return tuple(
            info.img_path for info, bad in zip(self.infos, self._broken, strict=True) if bad
        )

    def fetch(self, index: int, rng: RandomState) -> Sample:
        """Sample `index` with draws from `rng`, as the reference's ``__getitem__``.

        A validation sample that is broken raises InputError; so does a training
        sample when `max_refetch` others were broken too.
        """
        if not self.pipeline.is_random:
            sample = self._attempt(index, rng)
            if sample is None:
                raise InputError(f"{self.infos[index].img_path}: the pipeline gave no sample")
            return sample
        for _ in range(self.max_refetch + 1):
            sample = self._attempt_or_none(index, rng)
            if sample is not None:
                return sample
            index = int(rng.randint(0, len(self)))
        raise InputError(
            f"no usable sample after {self.max_refetch} other tries; "
            f"{len(self.broken)} of {len(self)} entries are broken, first {self.broken[:1]}"
        )

    def _attempt(self, index: int, rng: RandomState) -> Sample | None:
        try:
            sample = self.pipeline.run(self.infos[index], rng)
        except InputError:
            self._broken[index] = 1
            raise
        self._broken[index] = int(sample is None)
        return sample

    def _attempt_or_none(self, index: int, rng: RandomState) -> Sample | None:
        try:
            return self._attempt(index, rng)
        except InputError as error:
            warnings.warn(str(error), BrokenFileWarning, stacklevel=4)
            return None
