"""The data steps of a config as a pipeline that a data set takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.random import RandomState

from parity.errors import InputError
from parity.pipeline import Step
from parity.recipe.recipe import Recipe, read
from parity.sample import DataInfo, Sample


@dataclass
class RecipePipeline:
    """Our own steps with the options of a config, up to the batch.

    steps: the first takes a DataInfo, each other a Sample. is_random: whether they draw.
    """

    steps: tuple[Step, ...]
    reduce_zero_label: bool
    label_map: Mapping[int, int] | None = None
    is_random: bool = True

    @classmethod
    def from_config(cls, config: str | Path, split: str = "train") -> RecipePipeline:
        """The pipeline of a zoo config's name, a path or a work directory; nothing is executed.

        split: "train" or "val". Raises InputError where there is no such config or a step of
        it has none here, naming file and line; RunFormatError where it cannot be read.
        """
        recipe = read(config)
        ends = (f" in {split}", f"{split} pipeline")
        left = [one for one in recipe.uncompared if one.what.endswith(ends)]
        if left:
            raise InputError(f"{config}: {left[0].what}: {left[0].reason}")
        return cls.of(recipe, split)

    @classmethod
    def of(cls, recipe: Recipe, split: str) -> RecipePipeline:
        """That of `split` of a recipe."""
        steps = recipe.train if split == "train" else recipe.val
        label_map = recipe.listings[split].label_map
        return cls(steps[:-1], recipe.reduces[split], label_map, is_random=split == "train")

    def __call__(self, image_path: str, seg_path: str | None, rng: RandomState) -> Sample | None:
        """One sample, its draws from `rng` in the reference's order. Raises InputError."""
        seg = None if seg_path is None else str(seg_path)
        info = DataInfo(str(image_path), seg, self.label_map, self.reduce_zero_label)
        return self.run(info, rng)

    def run(self, info: DataInfo, rng: RandomState) -> Sample | None:
        """The sample of `info`, or None when it comes back empty."""
        value: Any = info
        for step in self.steps:
            value = step(value, rng)
            if value is None:
                return None
        sample: Sample = value
        return sample
