"""What flows through a pipeline: where a sample comes from, the sample itself, its meta."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]
UInt8Array = NDArray[np.uint8]
# Label maps of a batch: stacked, or each of its own size.
Maps = torch.Tensor | tuple[torch.Tensor | None, ...]

# PackSegInputs.meta_keys, mmseg 1.2.2 mmseg/datasets/transforms/formatting.py
META_KEYS = (
    "img_path",
    "seg_map_path",
    "ori_shape",
    "img_shape",
    "pad_shape",
    "scale_factor",
    "flip",
    "flip_direction",
    "reduce_zero_label",
)
SEG, EDGE, DEPTH, SECOND = "gt_sem_seg", "gt_edge_map", "gt_depth_map", "img2"
# What else steps leave to later ones, and PackSegInputs packs where it is told to.
FURTHER_KEYS = ("depth_map_path", "category_id", "depth_rescale_factor")


class Meta(Mapping[str, Any]):
    """Read-only meta of one sample, keyed as mmseg keys it; ``meta.flip`` reads ``meta["flip"]``.

    A key is present only once the step that sets it has run, as in mmseg: a
    validation sample has no ``flip``, and no sample has ``pad_shape`` before
    collation. Shapes are ``(height, width)``; ``scale_factor`` is
    ``(w_scale, h_scale)``.
    """

    __slots__ = ("_values",)

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "_values", values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"this sample has no meta {name!r}; it has {', '.join(self)}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"meta is read-only; use meta.replace({name}=...)")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._values == dict(other)

    __hash__ = None  # type: ignore[assignment]  # values may be unhashable

    def __repr__(self) -> str:
        return f"Meta({', '.join(f'{key}={value!r}' for key, value in self._values.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _meta_from, (self._values,)

    def replace(self, **changes: Any) -> Meta:
        """A new meta with `changes` added or overwritten."""
        return Meta(**{**self._values, **changes})


def _meta_from(values: dict[str, Any]) -> Meta:
    return Meta(**values)


@dataclass(frozen=True)
class DataInfo:
    """One entry of a data set before anything is read, as mmseg's ``data_info``.

    Reproduces the dict of ``BaseSegDataset.load_data_list`` plus ``sample_idx``
    (mmseg 1.2.2 mmseg/datasets/basesegdataset.py). more: what only some data sets say,
    such as ``depth_map_path`` and ``img_path2``.
    """

    img_path: str
    seg_map_path: str | None = None
    label_map: Mapping[int, int] | None = None
    reduce_zero_label: bool = False
    sample_idx: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The same entry as the dict mmseg passes to its pipeline, ``seg_fields`` empty."""
        paths = {"img_path": self.img_path}
        if self.seg_map_path is not None:
            paths["seg_map_path"] = self.seg_map_path
        return {
            **paths,
            **self.more,
            "label_map": None if self.label_map is None else dict(self.label_map),
            "reduce_zero_label": self.reduce_zero_label,
            "seg_fields": [],
            "sample_idx": self.sample_idx,
        }

    def meta(self) -> Meta:
        """The meta keys known before loading."""
        known = (*META_KEYS, *FURTHER_KEYS)
        return Meta(**{key: value for key, value in self.as_dict().items() if key in known})


@dataclass(frozen=True, eq=False)
class Sample:
    """An image with its label map.

    image: uint8 ``(H, W, 3)`` BGR. seg: uint8 ``(H, W)``, 255 ignored, or None
    before the annotation is loaded. info: where the sample came from. maps: what else
    belongs to it, ``(H, W)`` under mmseg's names: ``gt_edge_map`` uint8, ``gt_depth_map``
    float32, and ``img2``, the second image of a pair.
    """

    image: UInt8Array
    seg: UInt8Array | None
    meta: Meta
    info: DataInfo | None = field(default=None, compare=False)
    maps: Mapping[str, Array] = field(default_factory=dict)

    def replace(self, **changes: Any) -> Sample:
        """A new sample with some fields exchanged; arrays are not copied."""
        return replace(self, **changes)

    def with_labels(self, change: Callable[[Array], Array]) -> Sample:
        """A new sample whose label and depth map, where loaded, are as `change` makes them.

        These are mmseg's ``seg_fields``; an edge map is not among them.
        """
        seg = None if self.seg is None else change(self.seg)
        depth = {key: change(self.maps[key]) for key in (DEPTH,) if key in self.maps}
        return replace(self, seg=seg, maps={**self.maps, **depth})


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples stacked for the model.

    images: float32 ``(N, C, H, W)`` RGB. segs: int64 ``(N, H, W)`` in training;
    in testing a tuple, for label maps keep their own sizes ``(H, W)`` there, with
    None for a sample that has none; None when no sample has one. maps: edge maps int64
    and depth maps in the same way, under mmseg's names.
    """

    images: torch.Tensor
    segs: Maps | None
    metas: tuple[Meta, ...]
    maps: Mapping[str, Maps] = field(default_factory=dict)
