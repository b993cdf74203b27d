"""The data sets of mmseg, live: what their classes list, and what they know of labels."""

import copy
from collections.abc import Mapping
from typing import Any

from parity.listing import Listing
from parity.sample import DataInfo
from reference.compat import load_reference
from reference.segmentor import quiet


def listing(entry: Mapping[str, Any]) -> Listing:
    """What the data set that `entry` asks for lists, without its pipeline."""
    load_reference()
    from mmseg.registry import DATASETS

    given = {**copy.deepcopy(dict(entry)), "pipeline": [], "serialize_data": False}
    with quiet():
        built = DATASETS.build(given)
    meta = built.metainfo
    infos = [_info(dict(built.get_data_info(at))) for at in range(len(built))]
    classes = meta.get("classes")
    palette = tuple(tuple(map(int, colour)) for colour in meta["palette"])
    return Listing(tuple(infos), None if classes is None else tuple(classes), palette)


def metainfo() -> dict[str, dict[str, Any]]:
    """Classes and palette of every data set class, as its ``METAINFO`` has them."""
    load_reference()
    from mmseg.registry import DATASETS

    found = {}
    for kind, built in sorted(DATASETS.module_dict.items()):
        given = getattr(built, "METAINFO", {})
        own = {key: given[key] for key in ("classes", "palette") if given.get(key)}
        if own:
            found[kind] = own
    return found


def _info(values: dict[str, Any]) -> DataInfo:
    values.pop("seg_fields")
    own = ("img_path", "seg_map_path", "label_map", "reduce_zero_label", "sample_idx")
    known = {key: values.pop(key) for key in own if key in values}
    return DataInfo(**known, more=values)
