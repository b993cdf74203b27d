"""How many images a number of batches can stand for.

A loader says how many batches one process takes. mmengine's DefaultSampler
gives every process as many images, some of them twice, and so did the
DistributedSampler of mmseg 0.x: N images over p processes in batches of b are
``ceil(ceil(N / p) / b)`` batches each, or, the last left out where it is not
full, ``floor(ceil(N / p) / b)``.
"""

from collections.abc import Mapping
from typing import Any

from parity.runs.datasets import repetitions, training_sets
from parity.runs.facts import Config, Source
from parity.runs.record import Run


def images_of(
    batches: int, processes: int, batch: int, *, drop_last: bool = False
) -> tuple[int, int]:
    """The fewest and the most images that give each process so many `batches`."""
    most = (batches + drop_last) * batch - drop_last
    fewest = batches * batch if drop_last else (batches - 1) * batch + 1
    return max(0, (fewest - 1) * processes + 1), max(0, most * processes)


def validation_batch(config: Config | None, split: str = "val") -> int | None:
    """Images per batch of an evaluation; 1 where the config sets none, as mmseg does."""
    if config is None:
        return 1
    loader = f"{split}_dataloader"
    given = config.get(loader, "batch_size")
    given = config.get("data", loader, "samples_per_gpu") if given is None else given
    if given is None:
        return 1
    return given if type(given) is int and given > 0 else None


def epoch_images(
    config: Config | None, batches: int, processes: int, batch: int
) -> tuple[int, int] | None:
    """The fewest and the most training images, by the length of an epoch.

    A wrapper that repeats the data set within an epoch is taken out; None where
    how often is not known.
    """
    times = 1 if config is None else repetitions(config)
    if times is None:
        return None
    ends = [images_of(batches, processes, batch, drop_last=d) for d in _drops_last(config)]
    return -(-min(ends)[0] // times), max(ends)[1] // times


def _drops_last(config: Config | None) -> tuple[bool, ...]:
    """Whether a last batch that is not full is left out: mmseg 0.x does unless told not to.

    Both where what the config says is not known.
    """
    given: Any = False
    if config is not None:
        legacy = config.get("data") is not None
        loader = ("data", "train_dataloader") if legacy else ("train_dataloader",)
        given = config.get(*loader, "drop_last")
        given = legacy if given is None else given
    return (given,) if isinstance(given, bool) else (True, False)


def scored_images(run: Run) -> tuple[int, int, Source] | None:
    """How many images the last evaluation with a known count can have scored, and where it says so.

    None where the count or the number of processes is not known.
    """
    counted = [item for item in run.evaluations if item.samples]
    processes = run.settings.world_size.value
    if not counted or not processes:
        return None
    last = counted[-1]
    batch = validation_batch(run.config, last.split)
    if batch is None:
        return None
    return *images_of(last.samples or 0, processes, batch), last.source


def trained_images(run: Run) -> tuple[int, int, Source] | None:
    """How many images the training set can hold, by the log: as stated, else by its epochs."""
    loaded, length = run.settings.loaded_images, run.settings.epoch_length
    if loaded.value and loaded.source:
        return loaded.value, loaded.value, loaded.source
    processes, batch = run.settings.world_size.value, run.settings.samples_per_gpu.value
    if not (length.value and length.source and processes and batch):
        return None
    ends = epoch_images(run.config, length.value, processes, batch)
    return None if ends is None else (*ends, length.source)


def loaded_parts(config: Config | None) -> int:
    """Data sets that the training loads one after the other, before that of the validation."""
    if config is None:
        return 1
    sets = [config.get(*path) for path in training_sets(config)]
    return sum(_listed(given) for given in sets) or 1


def _listed(given: Mapping[str, Any]) -> int:
    """mmseg 0.x makes several data sets of one whose folder or list of images is a list."""
    lists = [given.get(key) for key in ("img_dir", "ann_dir", "split")]
    return max((len(item) for item in lists if isinstance(item, (list, tuple))), default=1)
