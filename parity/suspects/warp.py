"""What people get wrong when rotating, turning and cutting holes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.random import RandomState

from parity.sample import Array, Sample
from parity.steps import warp
from parity.suspects.mistake import Function, made_in, mistake

turn_mistake = made_in(warp.rotate_sample, warp.rot_flip_sample)
rotate_mistake = made_in(warp.rotate_sample)
hole_mistake = made_in(warp.cut_out_sample)


@turn_mistake(warp.rotate)
def rotated_anticlockwise(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """Positive angles turn anticlockwise; the reference's turn clockwise."""
    return rotate(array, -angle, **options)


@rotate_mistake(warp.rotate, nearest=False)
def rotated_labels_blended() -> None:
    """Label maps are interpolated; the reference takes the nearest label."""


@turn_mistake(warp.rotate)
def rotated_around_half_size(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """The center is half the size; the reference's is the middle between first and last pixel."""
    middle = (array.shape[1] / 2, array.shape[0] / 2)
    given = {"auto_bound": False, **options}
    return rotate(array, angle, **given if given["auto_bound"] else {**given, "center": middle})


@rotate_mistake(warp.rotate)
def outside_in_every_channel(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """What lies outside is pad_val in every channel; the reference's in the first, else 0."""
    value = options.pop("value", 0)
    every = (value,) * array.shape[2] if array.ndim == 3 else value
    return rotate(array, angle, value=every, **options)


@rotate_mistake(warp.rotate, needs="auto_bound")
def bound_truncated(rotate: Function, array: Array, angle: float, **options: Any) -> Any:
    """With auto_bound, sizes are truncated; the reference rounds them."""
    found = rotate(array, angle, **options)
    if not options.get("auto_bound"):
        return found
    cosine, sine = np.abs(cv2.getRotationMatrix2D((0, 0), -angle, 1.0)[0, :2])
    height, width = array.shape[:2]
    return found[: int(height * cosine + width * sine), : int(height * sine + width * cosine)]


@mistake(warp.rotate_sample)
def angle_drawn_when_rotating(rotate: Function, sample: Sample, rng: Any, **options: Any) -> Any:
    """The angle is drawn only where an image is rotated; the reference always draws it."""
    is_rotated = rng.rand() < options["prob"]
    return rotate(sample, rng, **{**options, "prob": 1.0}) if is_rotated else sample


@hole_mistake(warp.draw_holes)
def holes_height_first(draw_holes: Function, rng: RandomState, **options: Any) -> Any:
    """Sizes of holes are height and width; the reference's are width and height."""
    sizes = [(height, width) for width, height in options.pop("sizes")]
    return draw_holes(rng, sizes=sizes, **options)


@hole_mistake(warp.draw_holes)
def one_hole_fewer(draw_holes: Function, rng: RandomState, **options: Any) -> Any:
    """The largest number of holes is never drawn; the reference includes it."""
    fewest, most = options.pop("n_holes")
    return draw_holes(rng, n_holes=(fewest, most - 1), **options)
