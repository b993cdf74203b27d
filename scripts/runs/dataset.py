"""A small synthetic data set, laid out as ADE20K SceneParse150."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = 8
SIDE = 96


def write(root: Path, *, train: int = 32, validation: int = 32) -> None:
    """Images and label maps below `root`; label 0 is "other", 1 to `CLASSES` are classes."""
    rng = np.random.RandomState(6)
    # Grey for label 0, "other"; the corners of the colour cube stay apart under every distortion.
    corners = [[40 + 175 * (index >> bit & 1) for bit in range(3)] for index in range(CLASSES)]
    colors = np.array([[128, 128, 128], *corners])
    for split, prefix, count in (("training", "train", train), ("validation", "val", validation)):
        for kind in ("images", "annotations"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            image, seg = scene(rng, colors)
            name = f"ADE_{prefix}_{index + 1:08d}"
            cv2.imwrite(str(root / "images" / split / f"{name}.jpg"), image)
            cv2.imwrite(str(root / "annotations" / split / f"{name}.png"), seg)


def scene(rng: np.random.RandomState, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discs and rectangles, each class in its own noisy colour."""
    seg = np.full((SIDE, SIDE), rng.randint(1, CLASSES + 1), np.uint8)
    for _ in range(rng.randint(3, 7)):
        label = int(rng.randint(0, CLASSES + 1))
        x, y, size = (int(value) for value in rng.randint((0, 0, 12), (SIDE, SIDE, 36)))
        if rng.rand() < 0.5:
            cv2.circle(seg, (x, y), size, (label,), -1)
        else:
            low, high = (x - size, y - size // 2), (x + size, y + size // 2)
            cv2.rectangle(seg, low, high, (label,), -1)
    image = colors[seg] + rng.normal(0, 25, (SIDE, SIDE, 3))
    return np.clip(image, 0, 255).astype(np.uint8), seg
