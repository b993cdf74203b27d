"""The data of our side: order, workers and samples as mmengine has them.

Reproduces ``InfiniteSampler`` (mmengine 0.10.7 mmengine/dataset/sampler.py),
``worker_init_fn`` (mmengine/dataset/utils.py) and what ``Runner.build_dataloader``
makes of them.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from parity.dataset import SegDataset
from parity.pipeline import Step
from parity.sample import DataInfo, Sample


@dataclass
class RecipePipeline:
    """Our own steps with the options of a config, as a data set needs them."""

    steps: tuple[Step, ...]
    reduce_zero_label: bool
    label_map: Mapping[int, int] | None = None
    is_random: bool = True

    def run(self, info: DataInfo, rng: np.random.RandomState) -> Sample | None:
        """The sample of `info`, or None when it comes back empty."""
        value: Any = info
        for step in self.steps:
            value = step(value, rng)
            if value is None:
                return None
        sample: Sample = value
        return sample


class StreamDataset(SegDataset):
    """Samples whose draws come from the process's one NumPy stream, as mmseg's do.

    What a sample looks like then depends on which ones its worker made before.
    """

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`. Raises InputError."""
        return self.fetch(index, np.random.mtrand._rand)


class InfiniteOrder(Sampler[int]):
    """One shuffled order of the data after the other, without end. drawn: what was given out."""

    def __init__(self, size: int, *, seed: int, shuffle: bool = True) -> None:
        self.size, self.shuffle = size, shuffle
        self.generator = torch.Generator().manual_seed(seed)
        self.drawn: deque[int] = deque()

    def __iter__(self) -> Iterator[int]:
        """The indices; a second iterator goes on where the first stopped."""
        while True:
            for index in self.epoch():
                self.drawn.append(index)
                yield index

    def epoch(self) -> list[int]:
        """The next order of all indices."""
        if not self.shuffle:
            return list(range(self.size))
        order: list[int] = torch.randperm(self.size, generator=self.generator).tolist()
        return order

    def __len__(self) -> int:
        return self.size


def seed_everything(seed: int) -> None:
    """As ``set_random_seed`` (mmengine/runner/utils.py) at the start of a Runner."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)  # does nothing without a GPU


def seed_worker(worker: int, *, workers: int, seed: int, rank: int = 0) -> None:
    """Give worker number `worker` its own three streams."""
    own = workers * rank + worker + seed
    np.random.seed(own)
    random.seed(own)
    torch.manual_seed(own)


def data_loader(
    dataset: StreamDataset, order: InfiniteOrder, *, batch_size: int, workers: int, seed: int
) -> DataLoader[Sample]:
    """Batches as lists of samples, without end."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=order,
        num_workers=workers,
        collate_fn=list,
        worker_init_fn=partial(seed_worker, workers=workers, seed=seed),
        persistent_workers=workers > 0,
    )
