"""Pad image and label map at the right and at the bottom, as a step of a data pipeline.

Reproduces ``Pad`` (mmcv 2.1.0 mmcv/transforms/processing.py) and ``impad``
(mmcv/image/geometric.py). What the preprocessor pads is in `parity.steps.collate`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import cv2
from numpy.random import RandomState
from numpy.typing import NDArray

from parity.errors import InputError
from parity.sample import Sample
from parity.steps.multiscale import multiple_size

PadValue = int | tuple[int, ...]
PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]
_BORDERS: Mapping[str, int] = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
}
VALUES: Mapping[str, int] = {"img": 0, "seg": 255}


def padded_size(
    height: int,
    width: int,
    *,
    size: tuple[int, int] | None = None,
    size_divisor: int | None = None,
    pad_to_square: bool = False,
) -> tuple[int, int]:
    """The ``(height, width)`` to pad to; `size` is ``(width, height)``.

    Raises InputError unless one of `size` and (`size_divisor` or `pad_to_square`) is given.
    """
    several = size is not None and (size_divisor is not None or pad_to_square)
    if several or (size is None and size_divisor is None and not pad_to_square):
        raise InputError("pad needs either a size, or a size_divisor or pad_to_square")
    if size is not None:
        return size[1], size[0]
    if pad_to_square:
        height = width = max(height, width)
    return multiple_size(height, width, size_divisor or 1)


def pad_array(
    array: NDArray[Any], size: tuple[int, int], *, value: PadValue, padding_mode: PaddingMode
) -> NDArray[Any]:
    """`array`, ``(H, W)`` or ``(H, W, C)``, at least `size` = ``(height, width)`` large.

    value: of all channels, or one for each. Raises InputError for another number of them.
    """
    below, right = max(size[0] - array.shape[0], 0), max(size[1] - array.shape[1], 0)
    channels = array.shape[2] if array.ndim == 3 else 1
    fill = [value] * channels if isinstance(value, int) else list(value)
    if len(fill) != channels:
        raise InputError(f"pad_val {value} does not fit an array of shape {array.shape}")
    return cv2.copyMakeBorder(array, 0, below, 0, right, _BORDERS[padding_mode], value=fill)


def pad_sample(
    sample: Sample,
    rng: RandomState | None = None,
    *,
    size: tuple[int, int] | None = None,
    size_divisor: int | None = None,
    pad_to_square: bool = False,
    pad_val: int | Mapping[str, PadValue] = VALUES,
    padding_mode: PaddingMode = "constant",
) -> Sample:
    """``Pad``: the image, and the label map (if loaded) to the image's new size.

    size: ``(width, height)``. pad_val: of the image, or of both under "img" and "seg", one
    for each channel where it is a tuple.
    Sets meta ``img_shape``, and ``pad_shape`` to that with the channels; `rng` is not used.
    """
    height, width = sample.image.shape[:2]
    values: dict[str, PadValue] = (
        {"img": pad_val, "seg": 255} if isinstance(pad_val, int) else dict(pad_val)
    )
    wanted = padded_size(
        height, width, size=size, size_divisor=size_divisor, pad_to_square=pad_to_square
    )
    image = pad_array(sample.image, wanted, value=values.get("img", 0), padding_mode=padding_mode)
    seg = sample.seg
    if seg is not None:
        seg = pad_array(
            seg,
            (image.shape[0], image.shape[1]),
            value=values.get("seg", 255),
            padding_mode=padding_mode,
        )
    meta = sample.meta.replace(img_shape=image.shape[:2], pad_shape=image.shape)
    return sample.replace(image=image, seg=seg, meta=meta)
