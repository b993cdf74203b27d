"""Rotate, turn and mirror an image with its label map, and cut holes into it.

Reproduces ``RandomRotate``, ``RandomRotFlip`` and ``RandomCutOut`` (mmseg 1.2.2
mmseg/datasets/transforms/transforms.py) and ``imrotate`` (mmcv 2.1.0
mmcv/image/geometric.py).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import RandomState

from parity.errors import InputError
from parity.sample import Array, Sample
from parity.steps.crop import CropBox

Degree = float | tuple[float, float]
Pair = tuple[float, float]


def draw_degree(rng: RandomState, *, degree: Degree) -> float:
    """An angle from the range `degree`, or within it on either side of 0; one draw."""
    low, high = (-degree, degree) if isinstance(degree, (int, float)) else degree
    return float(rng.uniform(min(low, high), max(low, high)))


def rotate(
    array: Array,
    angle: float,
    *,
    value: float = 0,
    center: Pair | None = None,
    auto_bound: bool = False,
    nearest: bool = False,
) -> Array:
    """``(H, W)`` or ``(H, W, C)`` rotated clockwise by `angle` degrees around `center` = (x, y).

    value: outside of the array; of several channels the first gets it, the others 0, as
    OpenCV reads one number. auto_bound: the result is large enough for all pixels.
    """
    if center is not None and auto_bound:
        raise InputError("rotate takes a center or auto_bound, not both")
    height, width = array.shape[:2]
    middle = center if center is not None else ((width - 1) * 0.5, (height - 1) * 0.5)
    matrix = cv2.getRotationMatrix2D(middle, -angle, 1.0)
    if auto_bound:
        cosine, sine = np.abs(matrix[0, 0]), np.abs(matrix[0, 1])
        new_width, new_height = height * sine + width * cosine, height * cosine + width * sine
        matrix[0, 2] += (new_width - width) * 0.5
        matrix[1, 2] += (new_height - height) * 0.5
        height, width = int(np.round(new_height)), int(np.round(new_width))
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(array, matrix, (width, height), flags=flags, borderValue=value)  # type: ignore[call-overload, no-any-return]


def rotate_sample(
    sample: Sample,
    rng: RandomState,
    *,
    prob: float,
    degree: Degree,
    pad_val: float = 0,
    seg_pad_val: float = 255,
    center: Pair | None = None,
    auto_bound: bool = False,
) -> Sample:
    """``RandomRotate``: image bilinear, label map nearest; always two draws. Meta stays."""
    rotates, angle = rng.rand() < prob, draw_degree(rng, degree=degree)
    if not rotates:
        return sample
    around = {"center": center, "auto_bound": auto_bound}
    image = rotate(sample.image, angle, value=pad_val, **around)  # type: ignore[arg-type]
    return sample.with_labels(
        lambda label: rotate(label, angle, value=seg_pad_val, nearest=True, **around)  # type: ignore[arg-type]
    ).replace(image=image)


def rot_flip_sample(
    sample: Sample,
    rng: RandomState,
    *,
    rotate_prob: float = 0.5,
    flip_prob: float = 0.5,
    degree: Degree = (-20, 20),
) -> Sample:
    """``RandomRotFlip``: rotated by some degrees; else, with `flip_prob`, turned and mirrored.

    Rotating fills with 0 and interpolates label maps like images, as the reference does:
    labels between two classes come out, and 0 outside. Meta stays.
    """
    rotates = rng.random() < rotate_prob
    if rotates:
        angle = draw_degree(rng, degree=degree)
        turned = sample.with_labels(lambda label: rotate(label, angle))
        sample = turned.replace(image=rotate(sample.image, angle))
    if not (rng.random() < flip_prob and not rotates):
        return sample
    quarters = int(rng.randint(0, 4))
    axis = int(rng.randint(0, 2))

    def moved(array: Array) -> Array:
        return np.flip(np.rot90(array, quarters), axis=axis).copy()

    return sample.with_labels(moved).replace(image=moved(sample.image))


def draw_holes(
    rng: RandomState,
    *,
    height: int,
    width: int,
    prob: float,
    n_holes: int | tuple[int, int],
    sizes: Sequence[tuple[int, int]],
) -> list[CropBox]:
    """Windows of `sizes`, each ``(width, height)``, cut off at the edges.

    One draw for whether, one for how many, then for each: column, row, size.
    """
    if not rng.rand() < prob:
        return []
    fewest, most = (n_holes, n_holes) if isinstance(n_holes, int) else n_holes
    holes = []
    for _ in range(rng.randint(fewest, most + 1)):
        left, top = int(rng.randint(0, width)), int(rng.randint(0, height))
        hole_width, hole_height = sizes[rng.randint(0, len(sizes))]
        bottom, right = min(top + hole_height, height), min(left + hole_width, width)
        holes.append(CropBox(top, max(bottom, 0), left, max(right, 0)))
    return holes


def cut_out_sample(
    sample: Sample,
    rng: RandomState,
    *,
    prob: float,
    n_holes: int | tuple[int, int],
    cutout_shape: tuple[int, int] | list[tuple[int, int]] | None = None,
    cutout_ratio: Pair | list[Pair] | None = None,
    fill_in: tuple[float, ...] = (0, 0, 0),
    seg_fill_in: int | None = None,
) -> Sample:
    """``RandomCutOut``: holes of ``(width, height)`` in pixels, or as parts of the image.

    A list of sizes is drawn from; labels stay unless `seg_fill_in` is given. Raises
    InputError unless one kind of size is given.
    """
    if (cutout_shape is None) == (cutout_ratio is None):
        raise InputError("cut_out takes either cutout_shape or cutout_ratio")
    height, width = sample.image.shape[:2]
    given = cutout_shape if cutout_ratio is None else cutout_ratio
    listed = given if isinstance(given, list) else [given]
    scale = (1, 1) if cutout_ratio is None else (width, height)
    sizes = [(int(x * scale[0]), int(y * scale[1])) for x, y in listed]  # type: ignore[misc]
    holes = draw_holes(rng, height=height, width=width, prob=prob, n_holes=n_holes, sizes=sizes)
    changed = sample.replace(image=filled(sample.image, holes, fill_in))
    if seg_fill_in is None:
        return changed
    return changed.with_labels(lambda label: filled(label, holes, seg_fill_in))


def filled(array: Array, holes: Sequence[CropBox], value: float | tuple[float, ...]) -> Array:
    """`array` with `value` in every hole; a new array."""
    copied = array.copy()
    for hole in holes:
        copied[hole.top : hole.bottom, hole.left : hole.right] = value
    return copied
