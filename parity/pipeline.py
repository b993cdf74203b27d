"""The ADE20K pipelines of mmsegmentation, step by step.

Reproduces ``train_pipeline`` and ``test_pipeline`` of mmseg 1.2.2
configs/_base_/datasets/ade20k.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from numpy.random import RandomState

from parity.dataset import SegDataset
from parity.sample import DataInfo, Sample
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.load import load_annotation_sample, load_image_sample, load_sample
from parity.steps.photometric import photometric_sample
from parity.steps.resize import Scale, random_resize_sample, resize_sample

__all__ = ["SegDataset", "Step", "TrainPipeline", "ValPipeline", "run_steps"]


def directly(
    function: Callable[..., Any], value: Any, rng: RandomState | None = None, **options: Any
) -> Any:
    """The result of a function that takes the value as it is, then `rng`, then options."""
    return function(value, rng, **options)


@dataclass(frozen=True)
class ConfigEntry:
    """A dict of a config. builder: what of ``reference.configured`` takes it, with `options`."""

    builder: str
    values: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One named operation: ``run(function, value, rng, **options)`` gives the next value.

    function: plain, with the signature its author would give it; the reference's has
    the same name and lives in the module of the same name under ``reference``. run:
    calls any such function on the value of the step before; by default as
    ``function(value, rng, **options)``. entry: what a config says of the step; the reference
    then is what that builds.
    """

    name: str
    function: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    run: Callable[..., Any] = directly
    entry: ConfigEntry | None = None

    def __call__(self, value: Any, rng: RandomState | None = None) -> Any:
        """The next value; `rng` gives the draws, where there are any."""
        return self.run(self.function, value, rng, **self.options)

    def doing(self, function: Callable[..., Any]) -> Step:
        """The same step with `function` in the place of its own."""
        return replace(self, function=function)

    def beside(self, entry: ConfigEntry) -> Step:
        """The same step beside what the reference builds from `entry`."""
        return replace(self, entry=entry)

    @property
    def module(self) -> str:
        """Name of the file or folder the step lives in, here and under ``reference``."""
        return self.function.__module__.partition(".steps.")[2].partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class TrainPipeline:
    """Load, random resize, random crop, random flip, photometric distortion.

    scale: ``(long, short)`` edge before the ratio. crop_size: ``(height, width)``.
    """

    scale: Scale = (2048, 512)
    ratio_range: tuple[float, float] = (0.5, 2.0)
    crop_size: tuple[int, int] = (512, 512)
    cat_max_ratio: float = 0.75
    flip_prob: float = 0.5
    reduce_zero_label: bool = True
    label_map: Mapping[int, int] | None = None

    is_random = True

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order; the first takes a DataInfo, each other a Sample."""
        resize = {"scale": self.scale, "ratio_range": self.ratio_range, "keep_ratio": True}
        crop = {"crop_size": self.crop_size, "cat_max_ratio": self.cat_max_ratio}
        return (
            Step("load", load_sample),
            Step("resize", random_resize_sample, resize),
            Step("crop", crop_sample, crop),
            Step("flip", flip_sample, {"prob": self.flip_prob}),
            Step("photometric", photometric_sample),
        )

    def __call__(self, image_path: str, seg_path: str, rng: RandomState) -> Sample:
        """One training sample: image uint8 ``(H, W, 3)`` BGR, seg uint8 ``(H, W)``.

        `rng` gives every draw, in the reference's order: ``RandomState(seed)``
        here equals ``np.random.seed(seed)`` there. Raises InputError.
        """
        return self.run(self.data_info(image_path, seg_path), rng)

    def data_info(self, image_path: str, seg_path: str | None) -> DataInfo:
        """The entry of a data set that uses this pipeline."""
        return DataInfo(str(image_path), _text(seg_path), self.label_map, self.reduce_zero_label)

    def run(self, info: DataInfo, rng: RandomState) -> Sample:
        """As a call, from an entry of a data set."""
        sample: Sample = run_steps(self.steps, info, rng)
        return sample


@dataclass(frozen=True, kw_only=True)
class ValPipeline:
    """Load the image, resize it, load the annotation at its original size."""

    scale: Scale = (2048, 512)
    keep_ratio: bool = True
    reduce_zero_label: bool = True
    label_map: Mapping[int, int] | None = None

    is_random = False

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order; the first takes a DataInfo, each other a Sample."""
        resize = {"scale": self.scale, "keep_ratio": self.keep_ratio}
        return (
            Step("load_image", load_image_sample),
            Step("resize", resize_sample, resize),
            Step("load_annotation", load_annotation_sample),
        )

    def __call__(self, image_path: str, seg_path: str) -> Sample:
        """One validation sample: resized image, label map at the original size."""
        return self.run(self.data_info(image_path, seg_path))

    def data_info(self, image_path: str, seg_path: str | None) -> DataInfo:
        """The entry of a data set that uses this pipeline."""
        return DataInfo(str(image_path), _text(seg_path), self.label_map, self.reduce_zero_label)

    def run(self, info: DataInfo, rng: RandomState | None = None) -> Sample:
        """As a call, from an entry of a data set; `rng` is not used."""
        unused = RandomState(0) if rng is None else rng
        sample: Sample = run_steps(self.steps, info, unused)
        return sample


@dataclass(frozen=True, eq=False)
class Others:
    """The data set that a step of several images takes the others from, through `steps`."""

    steps: tuple[Step, ...]
    infos: tuple[DataInfo, ...] = ()

    def __len__(self) -> int:
        return len(self.infos)

    def fetch(self, index: int, rng: RandomState) -> Sample:
        """Sample `index`, with draws from `rng`."""
        sample: Sample = run_steps(self.steps, self.infos[index], rng)
        return sample


def run_steps(steps: tuple[Step, ...], value: Any, rng: RandomState) -> Any:
    """Feed `value` through `steps`."""
    for step in steps:
        value = step(value, rng)
    return value


def _text(path: str | None) -> str | None:
    return None if path is None else str(path)
