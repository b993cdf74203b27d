"""DINOv2 for mmseg's side: transformers' own model, and what mmseg's registry is given."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.func import functional_call

from parity.errors import ExtraMissing
from parity.steps.dino import DinoBackbone
from parity.steps.dino_weights import load_dino_weights, read_dino_weights

_TRANSFORMERS = (
    (r"^(cls_token)$", r"embeddings.\1"),
    (r"^pos_embed$", "embeddings.position_embeddings"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"^norm\.", "layernorm."),
    (r"^blocks\.", "encoder.layer."),
    (r"\.attn\.proj\.", ".attention.o_proj."),
    (r"\.attn\.qkv\.", ".attention.qkv."),
    (r"\.ls(\d)\.gamma$", r".layer_scale\1.lambda1"),
)


def dinov2(
    images: Tensor,
    weights: Mapping[str, Tensor],
    *,
    heads: int,
    out_layers: int = 1,
    interpolate_offset: float = 0.1,
) -> tuple[Tensor, ...]:
    """``Dinov2Backbone``, and where there is an offset, the original's scale in it."""
    names = transformers_names(weights)
    depth = 1 + max(int(name.split(".")[2]) for name in names if name.startswith("encoder."))
    kernel = weights["patch_embed.proj.weight"]
    model = _made(
        "Dinov2Backbone",
        hidden_size=kernel.shape[0],
        num_hidden_layers=depth,
        num_attention_heads=heads,
        patch_size=kernel.shape[2],
        out_indices=tuple(range(1, 1 + depth)),
    )
    with _scaled(interpolate_offset):
        maps: tuple[Tensor, ...] = functional_call(model, names, (images,)).feature_maps
    return maps[-out_layers:]


def interpolate_positions(
    table: Tensor, *, height: int, width: int, interpolate_offset: float = 0.1
) -> Tensor:
    """``Dinov2Embeddings.interpolate_pos_encoding``, and with an offset the original's scale."""
    model = _made("Dinov2Embeddings", hidden_size=table.shape[2], patch_size=1)
    tokens = table.new_empty((1, 1 + height * width, table.shape[2]))
    with _scaled(interpolate_offset), mock.patch.dict(model._parameters, position_embeddings=table):
        positions: Tensor = model.interpolate_pos_encoding(tokens, height, width)
    return positions


@cache
def _made(name: str, **options: Any) -> Any:
    """A class of transformers' DINOv2, without memory for weights. Raises ExtraMissing."""
    transformers = _transformers()
    config = transformers.Dinov2Config(**options, use_mask_token=False)
    with torch.device("meta"):
        return getattr(transformers, name)(config).eval()


def _transformers() -> Any:
    """The module of transformers that has DINOv2. Raises ExtraMissing."""
    try:
        from transformers.models.dinov2 import modeling_dinov2
    except ImportError as error:
        raise ExtraMissing(
            "transformers is not installed; install it with: pip install -c constraints.txt "
            "-e '.[dino]'"
        ) from error
    return modeling_dinov2


@contextmanager
def _scaled(offset: float) -> Iterator[None]:
    """transformers gives the size of the positions alone; the original its scale, with `offset`.

    ``interpolate_pos_encoding`` of facebookresearch/dinov2 at b8931f7
    dinov2/models/vision_transformer.py.
    """
    interpolate = nn.functional.interpolate

    def scaled(grid: Tensor, *, size: tuple[int, int], **options: Any) -> Tensor:
        scale = [(new + offset) / old for new, old in zip(size, grid.shape[2:], strict=True)]
        return interpolate(grid, scale_factor=scale, **options)

    with mock.patch.object(nn.functional, "interpolate", scaled if offset else interpolate):
        yield


def transformers_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`weights` of the original as transformers 5.24 names them, query, key and value apart."""
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        for pattern, new in _TRANSFORMERS:
            name = re.sub(pattern, new, name)  # noqa: PLW2901
        parts = [name.replace(".qkv.", f".{one}_proj.") for one in "qkv"]
        if ".qkv." in name:
            found.update(zip(parts, value.chunk(3), strict=True))
        else:
            found[name] = value
    return found


@cache
def register_dino() -> None:
    """Let configs of mmseg name ``DinoBackbone`` and ``DinoLinearHead``."""
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.registry import MODELS

    class DinoForMmseg(DinoBackbone):
        """With a local file of weights, in any of the names that are known."""

        def __init__(self, *args: Any, weights: str | None = None, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.weights = weights

        def init_weights(self) -> None:
            super().init_weights()
            file = getattr(self, "weights", None)
            if file is not None:
                load_dino_weights(self, read_dino_weights(Path(file)), file)

    class DinoLinearHead(BaseDecodeHead):  # type: ignore[misc]  # mmseg has no types
        """A batch norm and a linear map, as ``BNHead`` of the original."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.bn = nn.BatchNorm2d(self.in_channels)

        def forward(self, inputs: Any) -> Tensor:
            logits: Tensor = self.cls_seg(self.bn(self._transform_inputs(inputs)))
            return logits

    MODELS.register_module(name="DinoBackbone", module=DinoForMmseg)
    MODELS.register_module(module=DinoLinearHead)
