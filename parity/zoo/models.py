"""What tells the models of two configs apart, and crops as the zoo writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.runs.facts import Config
from parity.runs.families import type_of

_BACKBONE_KEYS = ("depth", "depths", "embed_dims", "embed_dim", "arch", "num_layers", "extra")


def model_signature(config: Config) -> tuple[Any, ...]:
    """What makes a model another one: type of the decode head, type and size of the backbone."""
    head, backbone = config.get("model", "decode_head"), config.get("model", "backbone")
    backbone = backbone if isinstance(backbone, Mapping) else {}
    heads = head if isinstance(head, (list, tuple)) else [head]
    sizes = {key: _plain(backbone[key]) for key in _BACKBONE_KEYS if key in backbone}
    kinds = tuple(type_of(item) for item in heads if isinstance(item, dict))
    return kinds, type_of(backbone).removesuffix("V1c"), tuple(sorted(sizes.items()))


def crop_text(crop: Any) -> str:
    """``(512, 1024)`` as rows write it, ``512x1024``; "" for anything else."""
    if isinstance(crop, int):
        crop = (crop, crop)
    whole = isinstance(crop, (list, tuple)) and len(crop) == 2
    return f"{crop[0]}x{crop[1]}" if whole else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _plain(item)) for key, item in value.items()))
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else repr(value)
