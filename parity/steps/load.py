"""Read an image and its annotation.

Reproduces ``LoadImageFromFile`` (mmcv 2.1.0 mmcv/transforms/loading.py),
``imfrombytes`` (mmcv/image/io.py) and ``LoadAnnotations`` (mmseg 1.2.2
mmseg/datasets/transforms/loading.py). One deliberate difference: a file that
is cut off is an error here; OpenCV decodes it and fills the rest with grey
(`allow_truncated` gives the reference's behaviour).
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from parity.errors import InputError
from parity.files import open_file
from parity.sample import DataInfo, Sample, UInt8Array
from parity.steps.truncation import find_truncation

ColorType = Literal[
    "color", "grayscale", "unchanged", "color_ignore_orientation", "grayscale_ignore_orientation"
]
Backend = Literal["cv2", "pillow"]

_CV2_FLAGS = {
    "color": cv2.IMREAD_COLOR,
    "grayscale": cv2.IMREAD_GRAYSCALE,
    "unchanged": cv2.IMREAD_UNCHANGED,
    "color_ignore_orientation": cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_COLOR,
    "grayscale_ignore_orientation": cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_GRAYSCALE,
}
# mmcv pastes grey+alpha images onto this colour, so that black objects stay visible.
_LA_CANVAS_RGB = (124, 117, 104)


def load_image(
    path: str | Path,
    *,
    color_type: ColorType = "color",
    backend: Backend = "cv2",
    to_float32: bool = False,
    allow_truncated: bool = False,
) -> NDArray[Any]:
    """Read the image at `path`.

    Returns uint8 ``(H, W, 3)`` BGR for the default "color" (EXIF orientation
    applied, alpha dropped, 16 bit reduced to 8, grey repeated); float32 with
    `to_float32`. "grayscale" gives ``(H, W)``, "unchanged" what the file holds.

    Raises InputError when the file is missing, unreadable, empty, cut off or
    not an image.
    """
    content = read_bytes(path)
    if not allow_truncated:
        _refuse_truncated(content, path)
    image = decode(content, name=path, color_type=color_type, backend=backend)
    return image.astype(np.float32) if to_float32 else image


def load_annotation(
    path: str | Path,
    *,
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
    backend: Backend = "pillow",
) -> UInt8Array:
    """Read the label map at `path`.

    Returns uint8 ``(H, W)``; palette images keep their indices; axes of length
    1 are dropped, as the reference drops them. `reduce_zero_label` turns 0 into
    255 and lowers the rest by one (255 stays 255). `label_map` replaces old ids
    by new ones, read from an unmodified copy, after the reduction.

    Raises InputError when the file is missing, unreadable, empty, cut off or
    not an image, or when `label_map` holds an id outside 0..255.
    """
    content = read_bytes(path)
    _refuse_truncated(content, path)
    seg = decode(content, name=path, color_type="unchanged", backend=backend)
    seg = seg.squeeze().astype(np.uint8)
    if reduce_zero_label:
        seg = reduce_zero(seg)
    return seg if label_map is None else apply_label_map(seg, label_map)


def reduce_zero(seg: UInt8Array) -> UInt8Array:
    """Label 0 becomes 255 (ignored), every other label drops by one, 255 stays."""
    reduced = seg - np.uint8(1)  # 0 wraps to 255, 255 becomes 254
    reduced[reduced == 254] = 255
    return reduced


def apply_label_map(seg: UInt8Array, label_map: Mapping[int, int]) -> UInt8Array:
    """Replace old ids by new ones; an id written by one entry is not read by the next."""
    mapped = seg.copy()
    for old_id, new_id in label_map.items():
        if not 0 <= new_id <= 255:
            raise InputError(
                f"label_map maps {old_id} to {new_id}; label ids are 0 to 255 (255 is ignored)"
            )
        mapped[seg == old_id] = new_id
    return mapped


def decode(
    content: bytes, *, name: str | Path, color_type: ColorType = "color", backend: Backend = "cv2"
) -> NDArray[Any]:
    """Decode the bytes of an image file; `name` is used in messages only."""
    if color_type not in _CV2_FLAGS:
        raise InputError(f"color_type {color_type!r} is unknown; use one of {list(_CV2_FLAGS)}")
    if not content:
        raise InputError(f"{name}: the file is empty; copy it again or remove it from the data set")
    if backend == "pillow":
        return _decode_pillow(content, name, color_type)
    if backend != "cv2":
        raise InputError(f"backend {backend!r} is unknown; use 'cv2' or 'pillow'")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), _CV2_FLAGS[color_type])
    except cv2.error as error:  # e.g. more pixels than OPENCV_IO_MAX_IMAGE_PIXELS
        raise InputError(f"{name}: OpenCV cannot decode this image: {error}") from error
    if image is None:
        raise InputError(f"{name}: not an image that OpenCV can decode; check the file's format")
    return image


def load_sample(info: DataInfo, rng: object = None, *, ignore_empty: bool = False) -> Sample | None:
    """Read the image and the annotation named by `info`; the first step of training.

    `rng` is not used. With `ignore_empty`, an unreadable image gives None, as
    in the reference; an unreadable annotation is an error either way.

    Raises InputError, also when the label map's size is not the image's.
    """
    sample = load_image_sample(info, ignore_empty=ignore_empty)
    return None if sample is None else load_annotation_sample(sample)


def load_image_sample(
    info: DataInfo, rng: object = None, *, ignore_empty: bool = False
) -> Sample | None:
    """Read only the image named by `info`; the first step of validation. See `load_sample`."""
    try:
        image = load_image(info.img_path)
    except InputError:
        if ignore_empty:
            return None
        raise
    shape = image.shape[:2]
    return Sample(image, None, info.meta().replace(img_shape=shape, ori_shape=shape), info)


def load_annotation_sample(sample: Sample, rng: object = None) -> Sample:
    """Read the annotation of a sample whose image is loaded (in validation, already resized).

    Raises InputError when the sample has no annotation path, or when the label
    map's size is not the original size of the image.
    """
    info = sample.info
    if info is None or info.seg_map_path is None:
        raise InputError("this sample names no annotation file; give a seg_map_path")
    seg = load_annotation(
        info.seg_map_path, reduce_zero_label=info.reduce_zero_label, label_map=info.label_map
    )
    if seg.shape != sample.meta.ori_shape:
        raise InputError(_size_message(info, seg.shape, sample.meta.ori_shape))
    return sample.replace(seg=seg)


def _size_message(info: DataInfo, seg_shape: tuple[int, ...], ori_shape: tuple[int, int]) -> str:
    message = (
        f"{info.seg_map_path}: the label map has shape {seg_shape}, its image {info.img_path} has "
        f"{ori_shape} (height, width); the reference would go on and train on shifted labels. "
    )
    if seg_shape == ori_shape[::-1]:
        return message + "The image carries an EXIF rotation that the label map lacks; bake it in."
    if len(seg_shape) == 1:
        return message + "The reference drops axes of length 1, so it cannot use this file either."
    return message + "Check that the two files belong together."


def read_bytes(path: str | Path) -> bytes:
    """The content of the file at `path`. Raises InputError, which says why it cannot be read."""
    try:
        with open_file(path) as stream:
            return stream.read()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path and the suffixes") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; an image file is needed") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it; check its mode and owner") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise InputError(f"{path}: cannot be read: {error}") from error


def _refuse_truncated(content: bytes, path: str | Path) -> None:
    missing = find_truncation(content)
    if missing is not None:
        raise InputError(f"{path}: the file is truncated: {missing}; copy it again")


def _decode_pillow(content: bytes, name: str | Path, color_type: ColorType) -> NDArray[Any]:
    """``_pillow2array`` of mmcv 2.1.0 mmcv/image/io.py, channel order BGR."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            return _pillow_to_bgr(image, color_type)
    except UnidentifiedImageError:  # its message holds an address in memory, new in every run
        raise InputError(f"{name}: not an image that Pillow can decode: unknown format") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{name}: not an image that Pillow can decode: {error}") from error


def _pillow_to_bgr(image: Image.Image, color_type: ColorType) -> NDArray[Any]:
    if color_type == "unchanged":
        array = np.array(image)
        if array.ndim >= 3 and array.shape[2] >= 3:
            array[:, :, :3] = array[:, :, (2, 1, 0)]
        return array
    if not color_type.endswith("ignore_orientation"):
        image = ImageOps.exif_transpose(image)
    rgb = _on_canvas(image) if image.mode == "LA" else image.convert("RGB")
    if color_type.startswith("grayscale"):
        return np.array(rgb.convert("L"))
    return np.array(rgb)[:, :, ::-1]


def _on_canvas(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    canvas = Image.new("RGB", rgba.size, _LA_CANVAS_RGB)
    canvas.paste(rgba, mask=rgba.split()[3])
    return canvas
