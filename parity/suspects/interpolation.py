"""What people get wrong in the interpolation of images and label maps."""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from parity.steps import multiscale
from parity.steps import resize as resizes
from parity.suspects.mistake import Function, made_in

# Images are (H, W, C), label maps (H, W): that is how the two are told apart here.
Array = NDArray[Any]

_BOUNDED = (multiscale.random_choice_resize_sample, multiscale.resize_shortest_edge_sample)
_MULTIPLE = multiscale.resize_to_multiple_sample
image_mistake = made_in(resizes.random_resize_sample, resizes.resize_sample, *_BOUNDED, _MULTIPLE)
shrinking_mistake = made_in(resizes.random_resize_sample, resizes.resize_sample, *_BOUNDED)
label_mistake = made_in(resizes.random_resize_sample, *_BOUNDED, _MULTIPLE)


@image_mistake(resizes.resize)
def image_pillow_resize(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized by Pillow, which antialiases; the reference uses cv2.INTER_LINEAR."""
    backend = options.get("backend", "cv2") if array.ndim == 2 else "pillow"
    return resize(array, **{**options, "backend": backend})


@image_mistake(resizes.resize)
def image_area(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized by cv2.INTER_AREA; the reference uses cv2.INTER_LINEAR."""
    return _image_by("area", resize, array, options)


@image_mistake(resizes.resize)
def image_cubic(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized by cv2.INTER_CUBIC; the reference uses cv2.INTER_LINEAR."""
    return _image_by("bicubic", resize, array, options)


@image_mistake(resizes.resize)
def image_lanczos(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized by cv2.INTER_LANCZOS4; the reference uses cv2.INTER_LINEAR."""
    return _image_by("lanczos", resize, array, options)


@image_mistake(resizes.resize)
def image_nearest(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized with nearest neighbours; the reference uses cv2.INTER_LINEAR."""
    return _image_by("nearest", resize, array, options)


@image_mistake(resizes.resize)
def image_torch(resize: Function, array: Array, **options: Any) -> Any:
    """Torch's bilinear resizes the image, unlike cv2's in the last bit; the reference uses cv2."""
    return _by_torch(resize, array, options, align_corners=False)


@shrinking_mistake(resizes.resize, needs="an image that is made smaller")
def image_torch_antialias(resize: Function, array: Array, **options: Any) -> Any:
    """Torch's bilinear with antialias resizes the image; the reference does not antialias."""
    return _by_torch(resize, array, options, align_corners=False, antialias=True)


@image_mistake(resizes.resize)
def image_align_corners(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized with align_corners=True; the reference aligns half pixels."""
    return _by_torch(resize, array, options, align_corners=True)


@image_mistake(resizes.resize)
def image_without_half_pixels(resize: Function, array: Array, **options: Any) -> Any:
    """Pixels are looked up at index times scale; the reference aligns pixel centres."""
    if array.ndim == 2:
        return resize(array, **options)
    height, width = options["size"]
    rows, columns = np.indices((height, width), dtype=np.float32)
    rows *= array.shape[0] / height
    columns *= array.shape[1] / width
    return cv2.remap(array, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@image_mistake(resizes.resize)
def image_resized_as_float(resize: Function, array: Array, **options: Any) -> Any:
    """The image is resized as float and truncated to uint8; the reference resizes uint8."""
    if array.ndim == 2:
        return resize(array, **options)
    return resize(array.astype(np.float32), **options).astype(array.dtype)


@label_mistake(resizes.resize, needs="a label map with more than one label")
def label_bilinear(resize: Function, array: Array, **options: Any) -> Any:
    """The label map is resized bilinearly, inventing labels; the reference takes nearest ones."""
    interpolation = "bilinear" if array.ndim == 2 else options.get("interpolation", "bilinear")
    return resize(array, **{**options, "interpolation": interpolation})


@label_mistake(resizes.resize, needs="a label map with more than one label")
def label_nearest_of_centres(resize: Function, array: Array, **options: Any) -> Any:
    """Labels are nearest to pixel centres (Pillow, nearest-exact); cv2 rounds coordinates down."""
    backend = "pillow" if array.ndim == 2 else options.get("backend", "cv2")
    return resize(array, **{**options, "backend": backend})


@label_mistake(resizes.resize, backend="pillow")
def both_by_pillow() -> None:
    """Pillow resizes image and label map; the reference uses cv2 for both."""


def _image_by(interpolation: str, resize: Function, array: Array, options: dict[str, Any]) -> Any:
    chosen = "nearest" if array.ndim == 2 else interpolation
    return resize(array, **{**options, "interpolation": chosen})


def _by_torch(resize: Function, array: Array, options: dict[str, Any], **flags: bool) -> Any:
    if array.ndim == 2:
        return resize(array, **options)
    planes = torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(planes, options["size"], mode="bilinear", **flags)
    return resized[0].round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()
