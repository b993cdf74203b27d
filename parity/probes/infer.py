"""Images and windows of every relation to the crop, and views to merge, with toy models."""

from typing import Any

import numpy as np
import torch
from numpy.random import RandomState
from torch.nn import functional

from parity.probes.logits import random_logits, random_meta, random_size
from parity.probes.natural import probe
from parity.sample import Meta, Sample
from parity.steps.collate import MEAN, STD
from parity.steps.infer import (
    merge_tta,
    predict,
    predict_tta,
    slide_inference,
    slide_windows,
    tta_views,
    whole_inference,
)
from parity.steps.logits import Segmentation, decide

CLASSES = 5
# (channel, row, column) of the 3 x 3 around a pixel
_TAPS = ((0, 0, 1), (1, 2, 0), (2, 1, 2), (0, 1, 1))
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def toy_model(images: torch.Tensor, *, classes: int = CLASSES, stride: int = 1) -> torch.Tensor:
    """Logits from four pixels of the 3 x 3 around each; zero padding tells windows apart.

    Element-wise, so that the result depends on neither threads nor a library's convolution.
    """
    height, width = images.shape[2:]
    around = functional.pad(images, (1, 1, 1, 1))
    weights = torch.arange(len(_TAPS) * classes).mul(1.7).sin().to(images)
    logits = images.new_zeros(())
    for weight, (channel, top, left) in zip(weights.view(-1, classes, 1, 1), _TAPS, strict=True):
        rows, columns = slice(top, top + height, stride), slice(left, left + width, stride)
        logits = logits + weight * around[:, channel : channel + 1, rows, columns]
    return logits


def coarse_model(images: torch.Tensor) -> torch.Tensor:
    """Logits at half the size, as a decode head gives them."""
    return toy_model(images, stride=2)


def binary_model(images: torch.Tensor) -> torch.Tensor:
    """Logits of one class, at half the size."""
    return toy_model(images, classes=1, stride=2)


def window_case(seed: int) -> dict[str, Any]:
    """An image smaller than, equal to, or larger than the crop, in height and width."""
    rng = RandomState(seed)
    crop = (int(rng.randint(1, 17)), int(rng.randint(1, 17)))
    stride = (int(rng.randint(1, crop[0] + 1)), int(rng.randint(1, crop[1] + 1)))
    height, width = (_edge(rng, edge) for edge in crop)
    return {"height": height, "width": width, "crop_size": crop, "stride": stride}


def slide_case(seed: int) -> dict[str, Any]:
    """One or two images of such a size."""
    case = window_case(seed)
    shape = (1 + seed % 2, 3, case.pop("height"), case.pop("width"))
    return {"images": _images(RandomState(seed), shape), **case}


def slide_half_case(seed: int) -> dict[str, Any]:
    """As `slide_case`, in float16 and bfloat16."""
    case = slide_case(seed)
    return {**case, "images": case["images"].to(_DTYPES[1 + seed % 2])}


def whole_case(seed: int) -> dict[str, Any]:
    """Images of one size; padded, or of their own size, or without metas."""
    rng = RandomState(seed)
    height, width = random_size(rng)
    images = _images(rng, (int(rng.randint(1, 3)), 3, height, width))
    meta = Meta(ori_shape=(height, width), img_shape=(height, width))
    padded = meta.replace(img_shape=(1, 1), pad_shape=(height, width))
    return {
        "images": images,
        "metas": ([meta] * len(images), [padded] * len(images), None)[seed % 3],
    }


def predict_whole_case(seed: int) -> dict[str, Any]:
    """Images with padding, flip and an original size to undo; every fifth without metas."""
    rng = RandomState(seed)
    height, width = random_size(rng)
    meta = random_meta(rng, height, width).replace(img_shape=(height, width))
    images = _images(rng, (2, 3, height, width))
    return {"images": images, "metas": None if seed % 5 == 4 else [meta, meta]}


def predict_slide_case(seed: int) -> dict[str, Any]:
    """The same with windows."""
    case = window_case(seed)
    size = (case.pop("height"), case.pop("width"))
    rng = RandomState(seed)
    meta = random_meta(rng, *size).replace(img_shape=size)
    return {"images": _images(rng, (1, 3, *size)), "metas": [meta], **case}


def merge_case(seed: int) -> list[list[Segmentation]]:
    """Two images, each in one to six views of several classes; every third of one class."""
    rng = RandomState(seed)
    channels = 1 if seed % 3 == 2 else 2 + seed % 5
    return [_views(rng, channels, seed) for _ in range(2)]


def image(seed: int) -> Sample:
    """An image of odd size with a label map."""
    rng = RandomState(seed)
    height, width = int(rng.randint(8, 40)), int(rng.randint(8, 40))
    return _sample(rng, height, width)


def equal_images(seed: int) -> list[Sample]:
    """One or two images of one size."""
    rng = RandomState(seed)
    height, width = int(rng.randint(8, 24)), int(rng.randint(8, 24))
    return [_sample(rng, height, width) for _ in range(1 + seed % 2)]


def _edge(rng: RandomState, crop: int) -> int:
    relation = rng.randint(4)
    if relation == 0:
        return int(rng.randint(1, crop + 1))
    return crop * int(rng.randint(1, 3)) if relation == 1 else crop + int(rng.randint(1, 20))


def _images(rng: RandomState, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape)).float()


def _views(rng: RandomState, channels: int, seed: int) -> list[Segmentation]:
    first = random_logits(rng, channels=channels)[0].to(_DTYPES[seed % 7 % 3])
    noise = [torch.from_numpy(rng.standard_normal(first.shape)).to(first) for _ in range(seed % 6)]
    return [decide(logits) for logits in [first, *(first + each for each in noise)]]


def _sample(rng: RandomState, height: int, width: int) -> Sample:
    pixels = rng.randint(0, 256, (height, width, 3)).astype(np.uint8)
    seg = rng.choice(np.array([0, 1, 255], np.uint8), (height, width))
    shape = (height, width)
    meta = Meta(img_path="x.jpg", reduce_zero_label=True, ori_shape=shape, img_shape=shape)
    return Sample(pixels, seg, meta)


_WHOLE = {"model": coarse_model}
_SLIDE = {**_WHOLE, "num_classes": CLASSES}
_TTA = {"mean": MEAN, "std": STD, "ratios": (0.5, 1.0, 1.75), "num_classes": CLASSES, **_WHOLE}
_TTA_SLIDE = {"test_size_divisor": 14, "mode": "slide", "crop_size": (14, 14), "stride": (9, 9)}

PROBES = (
    probe("slide_windows", slide_windows, window_case),
    probe("infer_whole", whole_inference, whole_case, **_WHOLE),
    probe("infer_slide", slide_inference, slide_case, **_SLIDE),
    probe("infer_slide_corners", slide_inference, slide_case, **_SLIDE, align_corners=True),
    probe("infer_slide_half", slide_inference, slide_half_case, **{**_SLIDE, "model": toy_model}),
    probe("infer_predict", predict, predict_whole_case, **_WHOLE),
    probe("infer_predict_binary", predict, predict_whole_case, model=binary_model),
    probe("infer_predict_slide", predict, predict_slide_case, **_SLIDE, mode="slide"),
    probe("tta_views", tta_views, image),
    probe("tta_merge", merge_tta, merge_case),
    probe("tta", predict_tta, equal_images, **_TTA),
    probe("tta_slide", predict_tta, equal_images, **{**_TTA, "ratios": (1.0, 1.5)}, **_TTA_SLIDE),
)
