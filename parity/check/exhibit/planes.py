"""Find the arrays of an output, and the one plane of each that is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.check.exhibit.records import PictureKind
from parity.compare.leaf import Leaf, as_leaf
from parity.compare.tree import children

# A plane smaller than this is better read as numbers.
MIN_SIDE = 8
# The last name in the path of a label map, over all steps.
LABEL_NAMES = ("seg", "segs", "label", "labels", "prediction", "pred")
BGR_NAMES = ("image",)


@dataclass(frozen=True, eq=False)
class Plane:
    """What is shown of one array: `values` is ``(H, W)`` or ``(H, W, 3)``.

    kind: "image" (uint8 RGB), "labels" (integers) or "values". channel_first:
    whether the three channels came first in the array. lead: index of the plane
    in the array's leading axes.
    """

    kind: PictureKind
    values: NDArray[Any]
    lead: tuple[int, ...]
    channel_first: bool = False


def arrays(value: Any, path: str = "") -> dict[str, Leaf]:
    """Every array and tensor in `value`, by path as in a comparison."""
    parts = children(value)
    if parts is None:
        leaf = as_leaf(value)
        return {} if leaf.values is None or leaf.values.ndim == 0 else {path: leaf}
    found: dict[str, Leaf] = {}
    for key, part in parts.items():
        where = key if not path or key.startswith("[") else f".{key}"
        found.update(arrays(part, path + where))
    return found


def name_of(path: str) -> str:
    """The last name in `path`: ``segs[0]`` is called segs."""
    return path.rpartition(".")[2].partition("[")[0]


def is_label_map(path: str, leaf: Leaf) -> bool:
    """Whether the array holds class ids; small integers of two or more axes do.

    A probability map has a floating dtype, an image three channels last.
    """
    array = leaf.array
    if array.dtype.kind not in "iu" or array.ndim < 2:
        return False
    unnamed = name_of(path) in ("", "seg") or name_of(path) in LABEL_NAMES
    image = array.dtype == np.uint8 and array.ndim == 3 and array.shape[-1] == 3
    return not image and (unnamed or (array.dtype == np.int64 and array.ndim == 3))


def plane_of(path: str, leaf: Leaf, worst: tuple[int, ...] | None) -> Plane | None:
    """The plane of an array that holds element `worst`, or the first; None if it is too small."""
    array = leaf.array
    if array.ndim < 2 or array.size == 0:
        return None
    at = worst if worst is not None and len(worst) == array.ndim else (0,) * array.ndim
    if is_label_map(path, leaf):
        plane = Plane("labels", array[at[:-2]], at[:-2])
    elif array.ndim == 3 and array.shape[-1] == 3 and array.dtype == np.uint8:
        turned = array[..., ::-1] if name_of(path) in BGR_NAMES else array
        plane = Plane("image", turned, ())
    elif array.ndim >= 3 and array.shape[-3] == 3 and name_of(path) in ("image", "images"):
        chw = array[at[:-3]]
        plane = Plane("values", np.moveaxis(chw, 0, -1), at[:-3], channel_first=True)
    else:
        plane = Plane("values", array[at[:-2]], at[:-2])
    return plane if min(plane.values.shape[:2]) >= MIN_SIDE else None
