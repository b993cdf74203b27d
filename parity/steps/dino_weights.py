"""Weights of DINOv2 under the original's, transformers' and timm's names."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from parity.errors import InputError
from parity.steps.dino import DinoBackbone

Weights = Mapping[str, Tensor]
# Of the original, and of timm but for its class of names; what neither needs for features.
_UNUSED = re.compile(r"(mask_token|embeddings\.mask_token|head\..*|fc_norm\..*|classifier\..*)$")
_CHUNKED = re.compile(r"^blocks\.\d+\.(\d+\.)")  # of an original that is kept in chunks
# transformers, as files have it and as its modules do since 5.24.
_RENAMED = (
    (r"^(dinov2|backbone|vit)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.", "blocks."),
    (r"^layernorm\.", "norm."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.(q|k|v)_proj\.", r".attn.\1."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
)
_PARTS = (("query", "q"), ("key", "k"), ("value", "v"))


def read_dino_weights(file: Path) -> dict[str, Tensor]:
    """What is in a ``.safetensors`` file or a checkpoint of torch; nothing in it is executed.

    Raises InputError.
    """
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file raises
        text = " ".join(str(error).split())
        raise InputError(f"{file}: cannot be read as weights: {text:.200}") from error
    found = content.get("state_dict", content.get("model", content)) if content else content
    if not isinstance(found, Mapping):
        raise InputError(f"{file}: holds no weights by name")
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def original_names(weights: Weights) -> dict[str, Tensor]:
    """`weights` as the original names them; query, key and value are one there."""
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        for pattern, new in _RENAMED:
            name = re.sub(pattern, new, name)  # noqa: PLW2901
        name = _CHUNKED.sub(r"blocks.\1", name)  # noqa: PLW2901
        if not _UNUSED.match(name):
            found[name] = value
    for name in [name for name in found if re.search(r"\.attn\.(query|q)\.", name)]:
        found[re.sub(r"\.(query|q)\.", ".qkv.", name)] = torch.cat(
            [found.pop(other) for other in _split(name, found)]
        )
    return found


def _split(name: str, known: Weights) -> list[str]:
    """The names of the query, key and value beside that of the query."""
    place = 0 if ".query." in name else 1
    names = [re.sub(r"\.(query|q)\.", f".{part[place]}.", name) for part in _PARTS]
    if missing := [one for one in names if one not in known]:
        raise InputError(f"weights of DINOv2: {missing[0]} is missing beside {name}")
    return names


def load_dino_weights(model: DinoBackbone, weights: Weights, source: str = "weights") -> None:
    """Give `model` all of `weights`. Raises InputError for missing, further or misshapen ones."""
    given, own = original_names(weights), model.state_dict()
    for what, names in (("misses", set(own) - set(given)), ("has also", set(given) - set(own))):
        if names:
            raise InputError(f"{source}: {what} {len(names)} weights, such as {min(names)}")
    for name, value in own.items():
        if given[name].shape != value.shape:
            shapes = f"{tuple(given[name].shape)}, not {tuple(value.shape)}"
            raise InputError(f"{source}: {name} is {shapes}; is it of another size?")
    model.load_state_dict(given)
