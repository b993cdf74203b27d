"""Image files of many encodings, and files that are broken, for the checks of loading."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

EXIF_ORIENTATION = 0x0112


def write_images(folder: Path, image: np.ndarray) -> list[Path]:
    """`image`, uint8 RGB, in every encoding a data set may hold; returns the files."""
    pillow = Image.fromarray(image)
    alpha = Image.fromarray(np.dstack([image, image[..., :1]]), "RGBA")
    grey = pillow.convert("L")
    sixteen = (image.astype(np.uint16) * 251) + 3
    saved = {
        "plain.png": pillow,
        "plain.bmp": pillow,
        "lossy.webp": pillow,
        "grey.jpg": grey,
        "grey.png": grey,
        "one_bit.png": grey.convert("1"),
        "alpha.png": alpha,
        "alpha.webp": alpha,
        "grey_alpha.png": grey.convert("LA"),
        "palette.png": pillow.quantize(64),
        "palette.bmp": pillow.quantize(64),
        "cmyk.jpg": pillow.convert("CMYK"),
        "tiff.tif": pillow,
    }
    for name, shown in saved.items():
        shown.save(folder / name)
    pillow.save(folder / "progressive.jpg", quality=70, progressive=True)
    pillow.save(folder / "subsampled.jpg", quality=30, subsampling=2)
    pillow.save(folder / "lossless.webp", lossless=True)
    (folder / "sixteen.png").write_bytes(cv2.imencode(".png", sixteen)[1].tobytes())
    (folder / "grey_sixteen.png").write_bytes(cv2.imencode(".png", sixteen[..., 0])[1].tobytes())
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        pillow.save(folder / f"exif_{orientation}.jpg", exif=exif)
        pillow.save(folder / f"exif_{orientation}.png", exif=exif)
    return sorted(folder.iterdir())


def write_labels(folder: Path, seg: np.ndarray) -> list[Path]:
    """`seg`, uint8, in every encoding an annotation may have; returns the files."""
    grey = Image.fromarray(seg)
    palette = grey.convert("P")
    palette.putpalette(np.random.RandomState(0).randint(0, 256, 768).astype(np.uint8).tobytes())
    grey.save(folder / "grey.png")
    grey.save(folder / "grey.bmp")
    palette.save(folder / "palette.png")
    Image.fromarray(np.dstack([seg, seg // 2, 255 - seg])).save(folder / "rgb.png")
    Image.fromarray(np.dstack([seg, seg, seg, seg])).save(folder / "rgba.png")
    Image.fromarray(seg > 3).save(folder / "one_bit.png")
    Image.fromarray(seg.astype(np.uint16) * 3).save(folder / "sixteen.png")
    Image.fromarray(seg.astype(np.int32) + 250).save(folder / "thirty_two.tif")
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    grey.save(folder / "rotated.png", exif=exif)
    return sorted(folder.iterdir())


def encoded(image: np.ndarray, suffix: str) -> bytes:
    """`image` as the bytes of a file with `suffix`, such as ``.jpg``."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, {".jpg": "jpeg"}.get(suffix, suffix[1:]))
    return stream.getvalue()
