"""Hugging Face image processors for SegFormer and MaskFormer."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parity.check.candidate import Candidate
from parity.errors import InputError
from parity.libraries import reasons, torchvision
from parity.libraries.arrays import reversed_channels
from parity.libraries.library import Floats, Library, Operations, Size
from parity.libraries.models import reduce_zero_without_255
from parity.sample import UInt8Array

LIBRARY = Library("transformers", "transformers", "transformers")
# Both processors, with the options that a port of mmseg's configs needs.
OPERATIONS = Operations()
_PLAIN = {"do_rescale": False, "do_normalize": False, "do_resize": False}


def adapt(given: Any, name: str) -> Candidate:
    """A processor: its resize with the reference's sizes, and its reduction of labels."""
    if not hasattr(given, "do_resize"):
        raise InputError(
            f"{name}: a {type(given).__name__} of transformers; give a SegformerImageProcessor or "
            f"a MaskFormerImageProcessor"
        )

    def resize(array: UInt8Array, *, size: Size, interpolation: str) -> NDArray[Any]:
        return process(given, array, size=size)

    def load_annotation(path: str, *, reduce_zero_label: bool, label_map: Any) -> NDArray[Any]:
        seg = np.array(Image.open(Path(path)))
        return process(given, seg, do_reduce_labels=reduce_zero_label)

    notes = ("It is given RGB, and the reference's target sizes; it draws nothing.",)
    applies: dict[str, Any] = {"resize": resize, "load_annotation": load_annotation}
    return Candidate(name, applies=applies, notes=notes)


def process(
    processor: Any,
    array: UInt8Array,
    *,
    size: tuple[int, int] | None = None,
    do_reduce_labels: bool = False,
) -> NDArray[Any]:
    """One image BGR ``(H, W, 3)``, or one label map ``(H, W)``, through `processor`."""
    options: dict[str, Any] = {**_PLAIN, "return_tensors": None}
    if size is not None:
        options |= {"do_resize": True, "size": {"height": size[0], "width": size[1]}}
    if hasattr(processor, "size_divisor"):
        options |= {"size_divisor": 0, "do_pad": False}
    if array.ndim == 3:
        done = processor(images=reversed_channels(array), **options)["pixel_values"][0]
        return reversed_channels(np.asarray(done).transpose(1, 2, 0)).astype(np.uint8)
    blank = np.zeros((*array.shape, 3), np.uint8)
    options["do_reduce_labels"] = do_reduce_labels
    return _labels(processor(images=blank, segmentation_maps=array, **options), size, array.shape)


def _labels(done: Any, size: Size | None, shape: tuple[int, ...]) -> UInt8Array:
    """SegFormer gives a label map, MaskFormer one mask per class that occurs."""
    if "labels" in done:
        return np.asarray(done["labels"][0]).astype(np.uint8)
    seg = np.full(shape if size is None else size, 255, np.uint8)
    masks, classes = done["mask_labels"][0], done["class_labels"][0]
    for mask, label in zip(masks, classes, strict=True):
        seg[np.asarray(mask) > 0] = int(label)
    return seg


def _processor(kind: str, **options: Any) -> Any:
    if torchvision.LIBRARY.is_installed:  # transformers prefers it, and fails where it fails
        torchvision.load("transforms.v2")
    return getattr(LIBRARY.load(), f"{kind}ImageProcessor")(**options)


def _resize(array: UInt8Array, size: Size, kind: str) -> NDArray[Any]:
    return process(_processor(kind, **_ignoring(kind)), array, size=size)


def _reduce(seg: UInt8Array, kind: str) -> NDArray[Any]:
    return process(_processor(kind, **_ignoring(kind)), seg, do_reduce_labels=True)


def _ignoring(kind: str) -> dict[str, int]:
    return {"ignore_index": 255} if kind == "MaskFormer" else {}


def _normalize(image: UInt8Array, mean: Floats, std: Floats, kind: str) -> NDArray[np.float32]:
    unit = {"image_mean": [v / 255 for v in mean], "image_std": [v / 255 for v in std]}
    padded = {"do_pad": False, "size_divisor": 0} if kind == "MaskFormer" else {}
    processor = _processor(kind, do_resize=False, **unit, **padded)
    done = processor(images=reversed_channels(image), return_tensors=None, **padded)
    return np.ascontiguousarray(np.asarray(done["pixel_values"][0]), dtype=np.float32)


for _kind in ("Segformer", "MaskFormer"):
    _call = f"{_kind}ImageProcessor"
    OPERATIONS.of("resize, image", f"{_call}(size)", *reasons.ANTIALIASED_IN_UINT8, kind=_kind)(
        _resize
    )
    OPERATIONS.of("resize, labels", f"{_call}(size)", *reasons.NEAREST_BY_CENTRE, kind=_kind)(
        _resize
    )
    OPERATIONS.of(
        "reduce zero label",
        f"{_call}(do_reduce_labels)",
        "255 becomes class 254; in the reference it stays ignored",
        reduce_zero_without_255,
        "255 lowered by one as well",
        kind=_kind,
    )(_reduce)
    OPERATIONS.of(
        "normalise", f"{_call}(rescale, normalise)", *reasons.NORMALISED_IN_UNIT, kind=_kind
    )(_normalize)
