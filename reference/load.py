"""``LoadImageFromFile`` (mmcv) and ``LoadAnnotations`` (mmseg), live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from parity.sample import DataInfo, Sample, UInt8Array
from reference.compat import load_reference
from reference.configured import made


def load_image(path: str | Path, **options: Any) -> NDArray[Any]:
    """The array that ``LoadImageFromFile`` reads; options as there, `backend` for its backend."""
    load_reference()
    from mmcv.transforms import LoadImageFromFile

    backend = options.pop("backend", "cv2")
    transform = LoadImageFromFile(imdecode_backend=backend, **options)
    image: NDArray[Any] = transform({"img_path": str(path)})["img"]
    return image


def load_annotation(
    path: str | Path,
    *,
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
    backend: str = "pillow",
) -> UInt8Array:
    """The label map that ``LoadAnnotations`` reads."""
    load_reference()
    from mmseg.datasets.transforms import LoadAnnotations

    info = DataInfo("", str(path), label_map, reduce_zero_label)
    seg: UInt8Array = LoadAnnotations(imdecode_backend=backend)(info.as_dict())["gt_seg_map"]
    return seg


load_image_sample = made("LoadImageFromFile")
load_annotation_sample = made("LoadAnnotations")


def load_sample(info: DataInfo, rng: object = None) -> Sample:
    """Both, as in training."""
    return load_annotation_sample(load_image_sample(info))
