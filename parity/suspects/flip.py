"""What people get wrong when flipping image and label map."""

from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.sample import Sample
from parity.steps import flip as flips
from parity.steps.photometric import photometric_sample
from parity.suspects.generators import of_python, of_torch
from parity.suspects.mistake import Function, made_in

Array = NDArray[Any]

_PROBABILITY = "a flip probability other than 0.5"

mistake = made_in(flips.flip_sample)


@mistake(flips.flip_sample, direction="vertical")
def flipped_vertically() -> None:
    """The flip is vertical; the reference flips horizontally."""


@mistake(flips.flip_sample, direction="diagonal")
def flipped_on_both_axes() -> None:
    """The flip turns both axes; the reference flips horizontally."""


@mistake(flips.flip)
def image_flipped_on_all_axes(flip: Function, array: Array, direction: str) -> Any:
    """The image is flipped along rows, columns and channels; the reference flips columns."""
    return np.flip(array).copy() if array.ndim == 3 else flip(array, direction)


@mistake(flips.flip)
def image_axis_confused(flip: Function, array: Array, direction: str) -> Any:
    """The image is flipped along its rows, the label map along its columns; columns are right."""
    return flip(array, "vertical" if array.ndim == 3 else direction)


@mistake(flips.flip)
def label_axis_confused(flip: Function, array: Array, direction: str) -> Any:
    """The label map is flipped along its rows, the image along its columns; columns are right."""
    return flip(array, "vertical" if array.ndim == 2 else direction)


@mistake(flips.flip)
def image_only_flipped(flip: Function, array: Array, direction: str) -> Any:
    """Only the image is flipped; the reference flips the label map with it."""
    return flip(array, direction) if array.ndim == 3 else array.copy()


@mistake(flips.flip)
def label_only_flipped(flip: Function, array: Array, direction: str) -> Any:
    """Only the label map is flipped; the reference flips the image with it."""
    return flip(array, direction) if array.ndim == 2 else array.copy()


@mistake(flips.flip_sample)
def label_flipped_apart(flip: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Image and label map draw a flip each; the reference draws one for both."""
    good = flip(sample, rng, **options)
    return good.replace(seg=flip(sample, rng, **options).seg)


@mistake(flips.draw_flip, needs=f"{_PROBABILITY} to be told from no-flip-listed-first")
def flipped_above_probability(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """Flips when the number drawn is above the probability; the reference when it is below."""
    return None if rng.random_sample() < prob else direction


@mistake(flips.draw_flip, needs=f"{_PROBABILITY} to be told from flipped-above-probability")
def no_flip_listed_first(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """No flip comes first in choice(), which turns decisions round; the reference lists it last."""
    return rng.choice([None, direction], p=[1 - prob, prob])


@mistake(flips.draw_flip, needs=_PROBABILITY)
def probability_of_no_flip(draw: Function, rng: RandomState, *, prob: float, **options: Any) -> Any:
    """The probability is that of no flip; the reference's is that of a flip."""
    return draw(rng, prob=1 - prob, **options)


@mistake(flips.draw_flip, needs=_PROBABILITY, prob=0.5)
def probability_always_half() -> None:
    """Every second image is flipped; the reference goes by its probability."""


@mistake(flips.draw_flip)
def coin_by_randint(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """The decision is randint(2); the reference calls choice(), another stream."""
    return direction if rng.randint(2) else None


@mistake(flips.draw_flip)
def always_flipped(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """Every image is flipped, without a draw; the reference draws."""
    return direction


@mistake(flips.draw_flip)
def never_flipped(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """No image is flipped, and nothing drawn; the reference draws."""
    return None


@mistake(flips.flip_sample)
def meta_left_out(flip_sample: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Meta gets neither flip nor flip_direction; the reference sets both."""
    return flip_sample(sample, rng, **options).replace(meta=sample.meta)


@mistake(flips.flip_sample)
def direction_always_set(flip: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """Meta flip_direction is "horizontal" even without a flip; the reference has None then."""
    good = flip(sample, rng, **options)
    return good.replace(meta=good.meta.replace(flip_direction="horizontal"))


@mistake(flips.flip_sample)
def photometric_before_flip(_: Function, sample: Sample, rng: RandomState, **options: Any) -> Any:
    """The photometric changes come before the flip; the reference makes them last."""
    return photometric_sample(sample, rng)


@mistake(flips.draw_flip)
def coin_from_torch(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """The decision is torch.rand(1) < prob; the reference draws from NumPy's generator."""
    return direction if of_torch(rng).random_sample() < prob else None


@mistake(flips.draw_flip)
def coin_from_random(_: Function, rng: RandomState, *, prob: float, direction: Any) -> Any:
    """The decision is random.random() < prob; the reference draws from NumPy's generator."""
    return direction if of_python(rng).random_sample() < prob else None
