"""DINOv2 for mmseg's side: transformers' own model, and what mmseg's registry is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from parity.errors import ReferenceUnavailable
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


def transformers_dino(model: DinoBackbone) -> nn.Module:
    """``Dinov2Model`` with the sizes and weights of `model`.

    Raises ReferenceUnavailable without transformers.
    """
    try:
        from transformers import Dinov2Config, Dinov2Model
    except ImportError as error:
        raise ReferenceUnavailable(
            "transformers is not installed; install it with: pip install -c constraints.txt "
            "-e '.[dino]'"
        ) from error
    side = round((model.pos_embed.shape[1] - 1) ** 0.5)
    config = Dinov2Config(
        hidden_size=model.pos_embed.shape[2],
        num_hidden_layers=len(model.blocks),
        num_attention_heads=model.heads,
        image_size=side * model.patch_size,
        patch_size=model.patch_size,
        layerscale_value=1.0,
    )
    theirs: nn.Module = Dinov2Model(config)
    missing = theirs.load_state_dict(transformers_names(model.state_dict()), strict=False)
    assert not missing.unexpected_keys, missing
    assert missing.missing_keys == ["embeddings.mask_token"], missing  # of the pretraining
    return theirs


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
