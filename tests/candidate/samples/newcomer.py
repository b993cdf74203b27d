"""A training pipeline as somebody writes it who has read twenty lines about mmsegmentation's.

It holds three natural mistakes: RGB where the reference has BGR, a category test
that counts ignored pixels, and a hue range that includes its end.
"""

import cv2
import numpy as np
from PIL import Image

from parity.sample import Sample


class Pipeline:
    """One method per step, each drawing from `rng`."""

    def load(self, info, rng):
        image = cv2.cvtColor(cv2.imread(info.img_path), cv2.COLOR_BGR2RGB)
        label = np.array(Image.open(info.seg_map_path))
        label[label == 0] = 255
        label = label - 1
        label[label == 254] = 255
        shape = image.shape[:2]
        return Sample(image, label, info.meta().replace(img_shape=shape, ori_shape=shape), info)

    def random_resize_sample(self, sample, rng, *, scale, ratio_range=(1, 1), keep_ratio=True):
        ratio = rng.random_sample() * (ratio_range[1] - ratio_range[0]) + ratio_range[0]
        long_edge, short_edge = int(scale[0] * ratio), int(scale[1] * ratio)
        height, width = sample.image.shape[:2]
        factor = min(long_edge / max(height, width), short_edge / min(height, width))
        new = int(width * factor + 0.5), int(height * factor + 0.5)
        image = cv2.resize(sample.image, new, interpolation=cv2.INTER_LINEAR)
        label = cv2.resize(sample.seg, new, interpolation=cv2.INTER_NEAREST)
        factors = (new[0] / width, new[1] / height)
        meta = sample.meta.replace(img_shape=image.shape[:2], scale_factor=factors)
        return Sample(image, label, meta)

    def crop(self, sample, rng, *, crop_size, cat_max_ratio):
        height, width = sample.image.shape[:2]
        for attempt in range(11):
            top = rng.randint(0, max(height - crop_size[0], 0) + 1)
            left = rng.randint(0, max(width - crop_size[1], 0) + 1)
            window = np.s_[top : top + crop_size[0], left : left + crop_size[1]]
            _, counts = np.unique(sample.seg[window], return_counts=True)
            if attempt < 10 and len(counts) > 1 and counts.max() / counts.sum() < cat_max_ratio:
                break
        image, label = sample.image[window].copy(), sample.seg[window].copy()
        return Sample(image, label, sample.meta.replace(img_shape=image.shape[:2]))

    def flip(self, sample, rng, *, prob):
        if rng.random_sample() >= prob:
            return sample.replace(meta=sample.meta.replace(flip=False, flip_direction=None))
        meta = sample.meta.replace(flip=True, flip_direction="horizontal")
        return Sample(sample.image[:, ::-1].copy(), sample.seg[:, ::-1].copy(), meta)

    def photometric(self, sample, rng):
        image = sample.image
        if rng.randint(2):
            image = change(image, shift=rng.uniform(-32, 32))
        contrast_first = rng.randint(2)
        if contrast_first and rng.randint(2):
            image = change(image, factor=rng.uniform(0.5, 1.5))
        if rng.randint(2):
            hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
            hsv[..., 1] = change(hsv[..., 1], factor=rng.uniform(0.5, 1.5))
            image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        if rng.randint(2):
            hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
            hsv[..., 0] = (hsv[..., 0].astype(int) + rng.randint(-18, 19)) % 180
            image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        if not contrast_first and rng.randint(2):
            image = change(image, factor=rng.uniform(0.5, 1.5))
        return sample.replace(image=image.copy())


def change(values, *, factor=1, shift=0):
    return np.clip(values.astype(np.float32) * factor + shift, 0, 255).astype(np.uint8)
