"""Steps as a user writes them, each with switches for mistakes; nothing here is the toolkit's."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from PIL import Image

SCALE = (96, 48)
CROP = (40, 48)


def half_up(edge):
    return int(edge + 0.5)


def nearest(array, size):
    return cv2.resize(array, size, interpolation=cv2.INTER_NEAREST)


def resized(sample, rng, *, size_of=half_up, image_by=cv2.resize, label_by=nearest):
    """A resize as a user writes it."""
    ratio = rng.uniform(0.5, 2.0)
    long, short = int(SCALE[0] * ratio), int(SCALE[1] * ratio)
    height, width = sample.image.shape[:2]
    factor = min(long / max(height, width), short / min(height, width))
    size = size_of(width * factor), size_of(height * factor)
    image, seg = image_by(sample.image, size), label_by(sample.seg, size)
    factors = (size[0] / width, size[1] / height)
    meta = sample.meta.replace(img_shape=image.shape[:2], scale_factor=factors)
    return sample.replace(image=image, seg=seg, meta=meta)


def photo(sample, rng, *, top=17, convert=None, clip=True, contrast_first=None, modulo=180):
    """A photometric distortion as a user writes it."""
    image = sample.image

    def shifted(values, alpha, beta):
        values = values.astype(np.float32) * alpha + beta
        if clip:
            values = values.clip(0, 255)
        return convert(values) if convert else values.astype(np.int64).astype(np.uint8)

    if rng.randint(2):
        image = shifted(image, 1, rng.uniform(-32, 32))
    mode = rng.randint(2)
    contrast = None
    if mode == 1 and rng.randint(2):
        contrast = rng.uniform(0.5, 1.5)
    if contrast is not None:
        image = shifted(image, contrast, 0)
    if rng.randint(2):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 1] = shifted(hsv[..., 1], rng.uniform(0.5, 1.5), 0)
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if rng.randint(2):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = ((hsv[..., 0].astype(int) + rng.randint(-18, top + 1)) % modulo).astype(
            np.uint8
        )
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if mode == 0 and rng.randint(2):
        image = shifted(image, rng.uniform(0.5, 1.5), 0)
    return sample.replace(image=image.copy())


def cropped(sample, rng, *, ignore=255, inclusive=1, tested=True):
    """A random crop as a user writes it."""
    height, width = sample.image.shape[:2]

    def window():
        top = rng.randint(0, max(height - CROP[0], 1 - inclusive) + inclusive)
        left = rng.randint(0, max(width - CROP[1], 1 - inclusive) + inclusive)
        return slice(top, top + CROP[0]), slice(left, left + CROP[1])

    box = window()
    for _ in range(10 if tested else 0):
        labels, counts = np.unique(sample.seg[box], return_counts=True)
        counts = counts[labels != ignore]
        if len(counts) > 1 and counts.max() / counts.sum() < 0.75:
            break
        box = window()
    image, seg = sample.image[box].copy(), sample.seg[box].copy()
    return sample.replace(image=image, seg=seg, meta=sample.meta.replace(img_shape=image.shape[:2]))


def by_pillow(mode):
    return lambda array, size: np.asarray(Image.fromarray(array).resize(size, mode))


def by_torch(**options):
    def resize(array, size):
        planes = torch.from_numpy(array).permute(2, 0, 1)[None].float()
        out = torch.nn.functional.interpolate(planes, size[::-1], mode="bilinear", **options)
        return out[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()

    return resize


def flipped(sample, rng, *, axis=1, label=True, meta=True, flips=lambda number: number < 0.5):
    """A flip as a user writes it."""
    turn = bool(flips(rng.random_sample()))
    if meta:
        direction = "horizontal" if turn else None
        sample = sample.replace(meta=sample.meta.replace(flip=turn, flip_direction=direction))
    if not turn:
        return sample
    seg = np.flip(sample.seg, axis).copy() if label else sample.seg
    return sample.replace(image=np.flip(sample.image, axis).copy(), seg=seg)


def changed(function, **options):
    return lambda value, rng: function(value, rng, **options)
