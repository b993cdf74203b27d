"""Make the built-in inputs under fixtures/inputs from photographs that scikit-image ships.

The photographs are public domain or CC0 (see fixtures/README.md). Their label
maps are computed from the pixels: no claim about what they show, but regions
of realistic shapes, few and many labels, and the ids 0 and 150 among them.

    python scripts/make_inputs.py
"""

import hashlib
import io
import json
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent / "fixtures" / "inputs"
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
ADE20K_CLASSES = 150
EXIF_ORIENTATION = 0x0112


def label_map(bgr: np.ndarray, levels: int) -> np.ndarray:
    """Regions of like colour, as ids 0 to 150."""
    smooth = cv2.pyrMeanShiftFiltering(bgr, 12, 40)
    steps = (smooth.astype(np.int64) * levels) // 256
    ids = (steps[..., 0] * levels + steps[..., 1]) * levels + steps[..., 2]
    return ((ids * 37) % (ADE20K_CLASSES + 1)).astype(np.uint8)


def synthetic(rng: np.random.RandomState, height: int, width: int, ids: list[int]) -> tuple:
    """Noise, with label blocks of `ids`."""
    image = rng.randint(0, 256, (height, width, 3)).astype(np.uint8)
    blocks = rng.choice(ids, ((height + 4) // 5, (width + 4) // 5)).astype(np.uint8)
    return image, np.kron(blocks, np.ones((5, 5), np.uint8))[:height, :width]


def write_rare_files(folder: Path) -> list[Path]:
    """Images and label maps as data sets hold them now and then; the paths written."""
    rng = np.random.RandomState(11)
    bgr = cv2.resize(rng.randint(0, 256, (7, 9, 3)).astype(np.uint8), (52, 40))
    ids = rng.choice([0, 1, 2, 77, 150, 200, 255], (8, 13))
    seg = np.kron(ids, np.ones((5, 4))).astype(np.uint8)
    deep = bgr.astype(np.uint16) * 251 + 3
    files = {
        "turned_180": (jpeg(bgr, orientation=3), label(seg)),
        "turned_90": (jpeg(bgr, orientation=6), label(np.rot90(seg))),
        "transparent": (png(np.dstack([bgr, bgr[..., 0]])), label(seg)),
        "grey": (png(bgr[..., 0]), label(seg)),
        "sixteen_bit": (png(deep), label(seg)),
        "sixteen_bit_grey": (png(deep[..., 0]), label(seg)),
        "palette_label": (png(bgr), label(seg, palette=True)),
        "turned_label": (png(bgr), label(seg, orientation=3)),
    }
    written = []
    for name, contents in files.items():
        # Readers go by content; one suffix serves all formats.
        for suffix, content in zip(("image", "label"), contents, strict=True):
            written.append(folder / f"{name}.{suffix}")
            written[-1].write_bytes(content)
    return written


def png(image: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


def jpeg(bgr: np.ndarray, *, orientation: int) -> bytes:
    return saved(Image.fromarray(bgr[..., ::-1].copy()), "jpeg", orientation)


def label(seg: np.ndarray, *, palette: bool = False, orientation: int = 1) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(seg))
    if palette:
        image = image.convert("P")
        image.putpalette(np.random.RandomState(0).randint(0, 256, 768).astype(np.uint8).tobytes())
    return saved(image, "png", orientation)


def saved(image: Image.Image, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif)
    return stream.getvalue()


def main() -> None:
    rng = np.random.RandomState(20)
    pairs = {}
    for index, name in enumerate(PHOTOGRAPHS):
        bgr = np.ascontiguousarray(getattr(skimage.data, name)()[..., ::-1])
        pairs[name] = (bgr, label_map(bgr, levels=2 + index))
    pairs["odd_37x53"] = synthetic(rng, 37, 53, [0, 1, 2, 77, 150])
    pairs["wide_21x160"] = synthetic(rng, 21, 160, [0, 254, 255, 3])
    pairs["one_class_48x40"] = synthetic(rng, 48, 40, [12])
    pairs["all_ignored_40x48"] = synthetic(rng, 40, 48, [0])
    hashes = {}
    for name, (image, seg) in pairs.items():
        for kind, suffix, array, options in (
            ("images", ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85]),
            ("annotations", ".png", seg, [cv2.IMWRITE_PNG_COMPRESSION, 9]),
        ):
            path = ROOT / kind / "validation" / f"{name}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(suffix, array, options)[1].tobytes())
            hashes[path.relative_to(ROOT).as_posix()] = hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
    for path in write_rare_files(ROOT / "rare"):
        hashes[f"rare/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = json.dumps({"format": 1, "sha256": hashes}, indent=2, sort_keys=True)
    (ROOT / "manifest.json").write_text(manifest + "\n")


if __name__ == "__main__":
    main()
