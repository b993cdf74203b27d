"""The data set of a config as `parity.listing.list_data_set` takes it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from parity import settings
from parity.listing import FIXED
from parity.settings.items import Item, plain

_KEYS = (
    *("data_prefix", "data_root", "ann_file", "img_suffix", "img_suffix2", "seg_map_suffix"),
    *("reduce_zero_label", "indices"),
)


@cache
def metainfo() -> dict[str, dict[str, Any]]:
    """Classes and palette by class of data set, as scripts/make_signatures.py read them."""
    file = Path(settings.__file__).with_name("metainfo.json")
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def listing_options(item: Item) -> dict[str, Any]:
    """Options of `list_data_set`; `kind` is its first argument."""
    known = metainfo().get(item.kind, {})
    given = {key: plain(item.get(key)) for key in _KEYS if item.get(key).value is not None}
    if not item.get("depth_map_suffix").is_empty:
        given["seg_map_suffix"] = item.get("depth_map_suffix").value
    meta = {**known, **(plain(item.get("metainfo")) or {})}
    classes = meta.get("classes")
    options = {
        "kind": item.kind,
        "palette": meta.get("palette") or (),
        "classes": classes if isinstance(classes, (list, tuple)) else None,
        "known_classes": known.get("classes"),
    }
    return {**given, **FIXED.get(item.kind, {}), **options}
