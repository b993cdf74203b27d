"""Logits of whole images and of sliding windows.

Reproduces ``EncoderDecoder.predict``, ``inference``, ``whole_inference``,
``slide_inference`` and ``encode_decode`` (mmseg 1.2.2
mmseg/models/segmentors/encoder_decoder.py), and ``BaseDecodeHead.predict_by_feat``
(mmseg/models/decode_heads/decode_head.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from parity.errors import InputError
from parity.steps.crop import CropBox
from parity.steps.logits import Segmentation, check_maps, postprocess_logits, resize_logits

Model = Callable[[torch.Tensor], torch.Tensor]
Metas = Sequence[Mapping[str, Any]]
Size = tuple[int, int]


def slide_windows(height: int, width: int, *, crop_size: Size, stride: Size) -> list[CropBox]:
    """The windows over an image, row by row; `crop_size` and `stride` are ``(height, width)``.

    Every window has `crop_size`: the last of a row or column is shifted back into
    the image. Only an image smaller than that gets smaller windows. A stride past
    the crop may leave pixels out. Raises InputError unless all is positive.
    """
    if min(height, width, *crop_size, *stride) < 1:
        raise InputError(
            f"image {(height, width)}, crop_size {crop_size} and stride {stride} must be positive"
        )
    rows = window_spans(height, crop_size[0], stride[0])
    columns = window_spans(width, crop_size[1], stride[1])
    return [CropBox(*row, *column) for row in rows for column in columns]


def encode_decode(
    model: Model, images: torch.Tensor, *, metas: Metas | None = None, align_corners: bool = False
) -> torch.Tensor:
    """Logits of `images` ``(N, C, H, W)``, resized to the size that the first meta names.

    That is ``img_shape`` where it is a torch.Size, else ``pad_shape``, else
    ``img_shape``; without `metas`, the size of `images`.
    """
    check_maps(images, "images")
    size = (images.shape[2], images.shape[3]) if metas is None else _target_size(metas)
    return resize_logits(model(images), size=size, align_corners=align_corners)


def whole_inference(
    model: Model, images: torch.Tensor, *, metas: Metas | None = None, align_corners: bool = False
) -> torch.Tensor:
    """Logits of whole images: `encode_decode` once."""
    return encode_decode(model, images, metas=metas, align_corners=align_corners)


def slide_inference(
    model: Model,
    images: torch.Tensor,
    *,
    crop_size: Size,
    stride: Size,
    num_classes: int,
    align_corners: bool = False,
) -> torch.Tensor:
    """Logits ``(N, num_classes, H, W)``: the mean over all windows that hold a pixel.

    Sums are kept in the dtype of `images`. Raises InputError when windows leave
    pixels out, or when `model` gives another number of images or classes.
    """
    check_maps(images, "images")
    batch, _, height, width = images.shape
    total = images.new_zeros((batch, num_classes, height, width))
    count = images.new_zeros((batch, 1, height, width))
    for box in slide_windows(height, width, crop_size=crop_size, stride=stride):
        rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
        logits = encode_decode(model, images[:, :, rows, columns], align_corners=align_corners)
        if logits.shape[:2] != total.shape[:2]:
            raise InputError(
                f"model gave logits {tuple(logits.shape)} for {batch} images, {num_classes} classes"
            )
        # Adding zeros outside the window, too, as the reference does: -0.0 becomes 0.0.
        total += functional.pad(logits, (box.left, width - box.right, box.top, height - box.bottom))
        count[:, :, rows, columns] += 1
    if bool((count == 0).any()):
        raise InputError(f"stride {stride} with crop_size {crop_size} leaves pixels without window")
    return total / count


def inference(
    model: Model,
    images: torch.Tensor,
    *,
    metas: Metas | None = None,
    mode: str = "whole",
    crop_size: Size | None = None,
    stride: Size | None = None,
    num_classes: int | None = None,
    align_corners: bool = False,
) -> torch.Tensor:
    """`whole_inference`, or `slide_inference` for mode "slide", which needs all three options."""
    if mode == "whole":
        return whole_inference(model, images, metas=metas, align_corners=align_corners)
    if mode != "slide":
        raise InputError(f"mode {mode!r} is unknown; use 'whole' or 'slide'")
    if crop_size is None or stride is None or num_classes is None:
        raise InputError("mode 'slide' needs crop_size, stride and num_classes")
    return slide_inference(
        model,
        images,
        crop_size=crop_size,
        stride=stride,
        num_classes=num_classes,
        align_corners=align_corners,
    )


def predict(
    model: Model,
    images: torch.Tensor,
    *,
    metas: Metas | None = None,
    threshold: float | None = None,
    align_corners: bool = False,
    **options: Any,
) -> list[Segmentation]:
    """`inference` with `options`, then `postprocess_logits`: one Segmentation per image."""
    logits = inference(model, images, metas=metas, align_corners=align_corners, **options)
    return postprocess_logits(logits, metas, align_corners=align_corners, threshold=threshold)


def window_spans(length: int, crop: int, stride: int) -> list[tuple[int, int]]:
    """Where windows begin and end along one axis; the last ends at `length`."""
    count = max(length - crop + stride - 1, 0) // stride + 1
    ends = [min(index * stride + crop, length) for index in range(count)]
    return [(max(end - crop, 0), end) for end in ends]


def _target_size(metas: Metas) -> Size:
    if not metas:
        raise InputError("metas is empty; give one per image, or None")
    meta = metas[0]
    keys = [key for key in ("pad_shape", "img_shape") if key in meta]
    if not keys:
        raise InputError("the first meta has neither pad_shape nor img_shape")
    # The reference tells a window, and a batch collated in training, by the type.
    is_window = isinstance(meta.get("img_shape"), torch.Size)
    height, width = meta["img_shape" if is_window else keys[0]][:2]
    return height, width
