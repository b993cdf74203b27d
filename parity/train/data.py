"""The data of our side: order, workers and samples as mmengine has them.

Reproduces ``InfiniteSampler`` and ``DefaultSampler`` (mmengine 0.10.7
mmengine/dataset/sampler.py), ``worker_init_fn`` (mmengine/dataset/utils.py), what
``Runner.build_dataloader`` makes of them, ``ConcatDataset`` and ``RepeatDataset``
(mmengine/dataset/dataset_wrapper.py) and mmseg 1.2.2's ``MultiImageMixDataset``.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Sampler

from parity.dataset import SegDataset
from parity.errors import InputError
from parity.pipeline import Step, run_steps
from parity.recipe import Recipe, RecipePipeline
from parity.recipe.reader import Reader, inside, with_pool
from parity.sample import Sample
from parity.settings.items import Item, plain
from parity.train.observe import Values, generators, set_generators

# Samples, and the states of their process's generators once they were made.
Loaded = tuple[list[Sample], Values]
_REDUCES = "reduce_zero_label"


class StreamDataset(SegDataset):
    """Samples whose draws come from the process's one NumPy stream, as mmseg's do.

    What a sample looks like then depends on which ones its worker made before.
    """

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`. Raises InputError."""
        return self.fetch(index, np.random.mtrand._rand)


class JoinedDataset(ConcatDataset[Sample]):
    """Data sets one after the other, whose samples go through `steps` in the end.

    One that is repeated stands in `parts` several times. Steps of several images take the
    others as they are before `steps`.
    """

    def __init__(self, parts: Sequence[Dataset[Sample]], steps: Sequence[Step] = ()) -> None:
        super().__init__(parts)
        self.steps = tuple(with_pool(steps, self))

    def fetch(self, index: int, rng: RandomState) -> Sample:
        """Sample `index` before `steps`; its draws come from the process's one stream."""
        sample: Sample = super().__getitem__(index)  # type: ignore[no-untyped-call]
        return sample

    def __getitem__(self, index: int) -> Sample:
        """Sample `index`. Raises InputError."""
        rng = np.random.mtrand._rand
        sample: Sample = run_steps(self.steps, self.fetch(index, rng), rng)
        return sample


Samples = StreamDataset | JoinedDataset


def dataset_of(recipe: Recipe, split: str) -> Samples:
    """The data set of `split`, "train" or "val". Raises InputError for one of another form."""
    return _dataset(recipe, recipe.terms.item(f"{split}_dataloader", "dataset"), split)


def _dataset(recipe: Recipe, item: Item, split: str) -> Samples:
    found: Samples
    if parts := inside(item):
        steps = Reader(recipe.terms).own_steps(item, split)
        found = JoinedDataset([_dataset(recipe, part, split) for part in parts], steps)
    else:
        found = _listed(recipe, item, split)
    times = item.get("repeated").value
    return found if times is None else JoinedDataset([found] * times)


def _listed(recipe: Recipe, dataset: Item, split: str) -> StreamDataset:
    """One that lists folders."""
    for key in ("ann_file", "metainfo", "indices"):
        if not dataset.get(key).is_empty and dataset.get(key).value != "":
            raise InputError(f"{recipe.name}: a data set with {key} is not trained here")
    steps, reduces = Reader(recipe.terms).own_steps(dataset, split), dataset.get(_REDUCES).value
    prefix = plain(dataset.get("data_prefix"))
    return StreamDataset(
        dataset.get("data_root").value or "",
        "",
        RecipePipeline(tuple(steps), bool(reduces), is_random=split == "train"),
        folders=(prefix["img_path"], prefix["seg_map_path"]),
        img_suffix=dataset.get("img_suffix").value,
        seg_map_suffix=dataset.get("seg_map_suffix").value,
    )


class InfiniteOrder(Sampler[int]):
    """One shuffled order of the data after the other, without end.

    begun: how many of the first are left out. drawn: what was given out.
    """

    def __init__(self, size: int, *, seed: int, shuffle: bool = True, begun: int = 0) -> None:
        self.size, self.shuffle, self.begun = size, shuffle, begun
        self.generator = torch.Generator().manual_seed(seed)
        self.drawn: deque[int] = deque()

    def __iter__(self) -> Iterator[int]:
        """The indices; a second iterator goes on where the first stopped."""
        for index in islice(self._endless(), self.begun, None):
            self.drawn.append(index)
            yield index

    def _endless(self) -> Iterator[int]:
        while True:
            yield from self.epoch()

    def epoch(self) -> list[int]:
        """The next order of all indices."""
        if not self.shuffle:
            return list(range(self.size))
        order: list[int] = torch.randperm(self.size, generator=self.generator).tolist()
        return order

    def __len__(self) -> int:
        return self.size


class EpochOrder(InfiniteOrder):
    """One order each time, of a seed that is one further: ``DefaultSampler`` by epoch."""

    def __init__(self, size: int, *, seed: int, shuffle: bool = True, begun: int = 0) -> None:
        super().__init__(size, seed=seed, shuffle=shuffle, begun=begun)
        self.seeds = count(seed)

    def _endless(self) -> Iterator[int]:
        self.drawn.clear()  # of what a batch that was not full is left out
        self.generator.manual_seed(next(self.seeds))
        yield from self.epoch()


def seed_everything(seed: int) -> None:
    """As ``set_random_seed`` (mmengine/runner/utils.py) at the start of a Runner."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)  # does nothing without a GPU


def seed_worker(
    worker: int,
    *,
    workers: int,
    seed: int,
    rank: int = 0,
    begun: int = 0,
    states: Mapping[int, Values] | None = None,
) -> None:
    """Give worker number `worker` its own three streams.

    begun: batches that are made already. Batches go round the workers, so this one goes on
    as the worker whose turn it was; states: those with which that one stopped, by number.
    """
    number = (begun + worker) % workers
    own = workers * rank + number + seed
    np.random.seed(own)
    random.seed(own)
    torch.manual_seed(own)
    if states and number in states:
        set_generators(states[number])


def begin_worker(worker: int, **given: Any) -> None:
    """`seed_worker` with what is given, and an end when the training is killed.

    A batch that nobody fetches any more would keep torch's worker waiting for ever.
    """
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    seed_worker(worker, **given)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def with_states(samples: list[Sample]) -> Loaded:
    """A batch, as a worker hands it over."""
    return samples, generators()


def end_workers(batches: Any) -> None:
    """End the processes behind an iterator of a DataLoader.

    Left to the garbage collector, their queues may be closed before they are told to
    end, and torch then waits five seconds for each.
    """
    if hasattr(batches, "_shutdown_workers"):
        batches._shutdown_workers()


def data_loader(
    dataset: Samples,
    order: Sampler[int],
    *,
    batch_size: int,
    workers: int,
    seed: int,
    drop_last: bool = False,
    persistent: bool = True,
    begun: int = 0,
    states: Mapping[int, Values] | None = None,
) -> DataLoader[Any]:
    """Batches in `order`, each `Loaded`; begun, states: as of `seed_worker`.

    persistent: the workers live on where the order ends; new ones begin with the same seeds.
    """
    given: dict[str, Any] = {"workers": workers, "seed": seed, "begun": begun, "states": states}
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=order,
        drop_last=drop_last,
        num_workers=workers,
        collate_fn=with_states,
        worker_init_fn=partial(begin_worker, **given),
        persistent_workers=persistent and workers > 0,
    )
