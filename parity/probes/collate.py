"""Batches of small samples: odd sizes, one-pixel sizes, all ignored, with and without labels."""

import numpy as np
from numpy.random import RandomState

from parity.probes.natural import probe
from parity.sample import Meta, Sample
from parity.steps.collate import MEAN, STD, collate

SIZE = (24, 30)
_IDS = np.array([0, 1, 2, 149, 254, 255], dtype=np.uint8)
_EDGES = (1, 2, 13, 14, 15, 28, 31, 32, 33)


def train_batch(seed: int) -> list[Sample]:
    """One to four samples of unlike sizes; every fourth batch has no label maps."""
    rng = RandomState(seed)
    shapes = [_shape(rng) for _ in range(rng.randint(1, 5))]
    return [_sample(rng, shape, None if seed % 4 == 3 else shape) for shape in shapes]


def sized_batch(seed: int) -> list[Sample]:
    """Samples up to `SIZE`, one of it exactly; every third batch of one size past it."""
    rng = RandomState(seed)
    if seed % 3 == 2:
        shape = (SIZE[0] + int(rng.randint(0, 5)), SIZE[1] + int(rng.randint(1, 5)))
        return [_sample(rng, shape, shape) for _ in range(2)]
    shapes = [(int(rng.randint(1, SIZE[0])), int(rng.randint(1, SIZE[1] + 1))) for _ in range(2)]
    return [_sample(rng, shape, shape) for shape in [*shapes, SIZE]]


def val_batch(seed: int) -> list[Sample]:
    """Samples of one size whose label maps have sizes of their own; some have none."""
    rng = RandomState(seed)
    shape = _shape(rng)
    return [
        _sample(rng, shape, None if rng.randint(5) == 0 else _shape(rng))
        for _ in range(rng.randint(1, 4))
    ]


def _shape(rng: RandomState) -> tuple[int, int]:
    height, width = (
        int(rng.choice(_EDGES)) if rng.randint(2) else int(rng.randint(1, 40)) for _ in range(2)
    )
    return height, width


def _sample(rng: RandomState, shape: tuple[int, int], labelled: tuple[int, int] | None) -> Sample:
    image = rng.randint(0, 256, (*shape, 3)).astype(np.uint8)
    seg = None
    if labelled is not None:
        seg = rng.choice(_IDS[rng.randint(0, 6) :], labelled)
    flip = bool(rng.randint(2))
    meta = Meta(
        img_path="x.jpg",
        reduce_zero_label=True,
        ori_shape=labelled or shape,
        img_shape=shape,
        scale_factor=(1.0, 1.0),
        flip=flip,
        flip_direction="horizontal" if flip else None,
    )
    return Sample(image, seg, meta)


_NORMAL = {"mean": MEAN, "std": STD}
_TEST = {**_NORMAL, "training": False}
_PADDED = {"size_divisor": 14, "pad_value": -1.5, "seg_pad_value": 0}

PROBES = (
    probe("collate_size", collate, sized_batch, **_NORMAL, size=SIZE),
    probe("collate_max", collate, train_batch, **_NORMAL, size_divisor=1),
    probe("collate_divisor14", collate, train_batch, **_NORMAL, size_divisor=14),
    probe("collate_divisor32", collate, train_batch, **_NORMAL, size_divisor=32),
    probe("collate_pad_value", collate, train_batch, **_NORMAL, **_PADDED),
    probe("collate_raw", collate, train_batch, mean=None, std=None, size_divisor=2),
    probe("collate_test", collate, val_batch, **_TEST),
    probe("collate_test_divisor32", collate, val_batch, **_TEST, test_size_divisor=32),
    probe("collate_test_size", collate, val_batch, **_TEST, test_size=(32, 20)),
)
