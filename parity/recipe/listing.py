"""The data set of a config as `parity.listing.list_data_set` takes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from numpy.random import RandomState

from parity import settings
from parity.errors import InputError
from parity.listing import FIXED, Listing, label_map_of, list_data_set
from parity.pipeline import ConfigEntry, Step
from parity.recipe.reader import Reader
from parity.sample import DataInfo
from parity.settings.items import Item, plain

_KEYS = (
    *("data_prefix", "data_root", "ann_file", "img_suffix", "img_suffix2", "seg_map_suffix"),
    *("reduce_zero_label", "indices"),
)


@dataclass(frozen=True)
class DataSet:
    """One data set of a config. options: of `list_data_set`; entry: the config's own dict.

    label_map: of classes that the config chooses among those of the data set.
    """

    options: Mapping[str, Any]
    entry: Mapping[str, Any]
    label_map: Mapping[int, int] | None

    def lies_below(self, root: Path) -> bool:
        """Whether its folder of images is there, below `root` in the place of its own."""
        prefix = self.options.get("data_prefix")
        folder = prefix.get("img_path") if isinstance(prefix, Mapping) else None
        return isinstance(folder, str) and (root / folder).is_dir()

    def infos(self, root: Path) -> list[DataInfo]:
        """Its entries below `root`. Raises InputError."""
        return list(listed(str(root), **self.options).infos)

    @property
    def step(self) -> Step:
        """From a root to what the data set lists there."""
        return Step("data_set", listed, self.options, entry=ConfigEntry("data_list", self.entry))


def listed(root: str, rng: RandomState | None = None, **options: Any) -> Listing:
    """`list_data_set` below `root`; `rng` is not used."""
    return list_data_set(**{**options, "data_root": root})


def data_set_of(reader: Reader, split: str, at: int = 0) -> DataSet:
    """The data set `at` of those of `split`."""
    item = reader.datasets(split)[at]
    options = listing_options(item)
    try:
        label_map = label_map_of(options["classes"], options["known_classes"])
    except (InputError, TypeError) as error:
        reader.note(item, f"the classes of {item.kind} in {split}", str(error))
        label_map = None
    return DataSet(options, reader.entry(item), label_map)


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
    given_meta = plain(item.get("metainfo"))
    meta = {**known, **(given_meta if isinstance(given_meta, dict) else {})}
    classes = meta.get("classes")
    options = {
        "kind": item.kind,
        "palette": meta.get("palette") or (),
        "classes": classes if isinstance(classes, (list, tuple)) else None,
        "known_classes": known.get("classes"),
    }
    return {**given, **FIXED.get(item.kind, {}), **options}
