"""DINOv2 as a backbone of segmentation, and its linear head, in plain PyTorch.

Reproduces ``DinoVisionTransformer`` (facebookresearch/dinov2 at 027a9ac
dinov2/models/vision_transformer.py, with its key names), ``BNHead`` (dinov2/eval/segmentation/
models/decode_heads/linear_head.py at 7c503b3), and ``Dinov2Model`` and ``Dinov2Backbone``
(transformers 5.24.0 models/dinov2/modeling_dinov2.py), to whose forward and gradient it is held.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the usual name
from torch import Tensor, nn
from torch.func import functional_call

from parity.errors import InputError

# width, depth, heads
SIZES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}


def interpolate_positions(
    table: Tensor, *, height: int, width: int, interpolate_offset: float = 0.1
) -> Tensor:
    """A position table for `height` x `width` patches: ``(1, 1 + height * width, C)``.

    table: ``(1, 1 + N * N, C)``, that of the class token first. Bicubic, in float32. The original
    scales by ``(size + 0.1) / N``, and so samples a little beside the grid; with an offset of 0
    the size alone is given, as transformers does.
    """
    side = math.isqrt(table.shape[1] - 1)
    if side * side + 1 != table.shape[1]:
        raise InputError(f"a table of {table.shape[1]} positions is no square and a class token")
    if (height, width) == (side, side):
        return table
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2).float()
    if interpolate_offset:
        scale = ((height + interpolate_offset) / side, (width + interpolate_offset) / side)
        grid = resampled(grid, scale_factor=scale)
    else:
        grid = resampled(grid, size=(height, width))
    patches = grid.to(table.dtype).permute(0, 2, 3, 1).reshape(1, -1, table.shape[2])
    return torch.cat([table[:, :1], patches], dim=1)


def resampled(grid: Tensor, *, mode: str = "bicubic", **to: Any) -> Tensor:
    """``(1, C, H, W)`` brought to a size or by factors; options of ``F.interpolate``."""
    return F.interpolate(grid, mode=mode, **to)


def pad_to_multiple(images: Tensor, multiple: int = 14) -> Tensor:
    """``(N, C, H, W)`` with zeros around, the odd one right and below, to the next multiple."""
    pads = []
    for size in (images.shape[3], images.shape[2]):
        missing = -size % multiple
        pads += [missing // 2, missing - missing // 2]
    return F.pad(images, pads)


def query_key_value(x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> tuple[Tensor, ...]:
    """Three of ``(N, heads, L, C / heads)`` of tokens ``(N, L, C)``.

    weight: ``(3 * C, C)``, the rows of all queries, keys, then values, each head by head.
    """
    # One product each: of all three at once, torch may add in another order.
    parts = zip(weight.chunk(3), bias.chunk(3), strict=True)
    split = (*x.shape[:2], heads, -1)
    return tuple(F.linear(x, *part).view(split).transpose(1, 2) for part in parts)


def attention(query: Tensor, key: Tensor, value: Tensor, *, scale: float) -> Tensor:
    """Tokens ``(N, L, C)`` of three times ``(N, heads, L, C / heads)``."""
    attended = F.scaled_dot_product_attention(query, key, value, scale=scale)
    return attended.transpose(1, 2).flatten(2)


def map_of(tokens: Tensor, *, height: int, width: int) -> Tensor:
    """Tokens ``(N, 1 + height * width, C)``, the class token first, as a map of the others."""
    patches = tokens[:, 1:].transpose(1, 2)
    return patches.reshape(*patches.shape[:2], height, width).contiguous()


def last_maps(
    layers: Sequence[Tensor], norm: nn.Module, *, count: int, height: int, width: int
) -> tuple[Tensor, ...]:
    """The last `count` of the tokens after each layer, all through the last norm, as maps."""
    return tuple(map_of(norm(x), height=height, width=width) for x in layers[-count:])


class DinoAttention(nn.Module):
    """Self-attention of tokens ``(N, L, C)``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        q, k, v = query_key_value(x, self.qkv.weight, self.qkv.bias, self.heads)
        return self.proj(attention(q, k, v, scale=q.shape[3] ** -0.5))  # type: ignore[no-any-return]


class DinoMlp(nn.Module):
    """Two layers on every token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))  # type: ignore[no-any-return]


class DinoScale(nn.Module):
    """A factor for each channel of a residual branch."""

    def __init__(self, width: int, value: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), value))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        return x * self.gamma


class DinoBlock(nn.Module):
    """Attention and layers, each behind a norm, scaled, and added to what it got."""

    def __init__(self, width: int, heads: int, layer_scale: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = DinoAttention(width, heads), DinoMlp(width)
        self.ls1, self.ls2 = DinoScale(width, layer_scale), DinoScale(width, layer_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens of the same shape."""
        x = self.ls1(self.attn(self.norm1(x))) + x
        return self.ls2(self.mlp(self.norm2(x))) + x  # type: ignore[no-any-return]


class PatchProjection(nn.Module):
    """A linear map of each square of pixels."""

    def __init__(self, width: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_size, patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` as ``(N, H / patch * W / patch, C)``."""
        return self.proj(images).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


class DinoBackbone(nn.Module):
    """The vision transformer; the last `out_layers` layers, normed, as maps.

    size: a key of SIZES, or width, depth and heads. image_size: of the position table.
    frozen: no gradient, as the original's linear evaluation has it. pads: images are brought to
    a multiple of the patch first; else it is an error where they are not.
    """

    def __init__(
        self,
        size: str | Sequence[int] = "base",
        *,
        image_size: int = 518,
        patch_size: int = 14,
        out_layers: int = 1,
        layer_scale: float = 1.0,
        interpolate_offset: float = 0.1,
        frozen: bool = False,
        pads: bool = True,
    ) -> None:
        super().__init__()
        width, depth, heads = SIZES[size] if isinstance(size, str) else size
        self.patch_size, self.interpolate_offset = patch_size, interpolate_offset
        self.heads, self.out_layers, self.pads = heads, out_layers, pads
        self.patch_embed = PatchProjection(width, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (image_size // patch_size) ** 2, width))
        self.blocks = nn.ModuleList(DinoBlock(width, heads, layer_scale) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        if not self.pos_embed.is_meta:  # without memory there is nothing to draw
            self.init_weights()
        self.requires_grad_(not frozen)

    def init_weights(self) -> None:
        """As the original: narrow normals, zero biases."""
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.normal_(self.cls_token, std=1e-6)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def tokens(self, images: Tensor) -> Tensor:
        """Class token and patches with their positions, ``(N, 1 + patches, C)``."""
        height, width = (size // self.patch_size for size in images.shape[2:])
        patches = self.patch_embed(images)
        classes = self.cls_token.expand(len(images), -1, -1)
        positions = interpolate_positions(
            self.pos_embed, height=height, width=width, interpolate_offset=self.interpolate_offset
        )
        return torch.cat([classes, patches], dim=1) + positions

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps ``(N, C, H / patch, W / patch)`` of images ``(N, 3, H, W)``. Raises InputError."""
        if self.pads:
            images = pad_to_multiple(images, self.patch_size)
        height, width = images.shape[2:]
        if height % self.patch_size or width % self.patch_size:
            raise InputError(f"{height} x {width} is no multiple of patches of {self.patch_size}")
        layers = [self.tokens(images)]
        for block in self.blocks:
            layers.append(block(layers[-1]))
        shape = {"height": height // self.patch_size, "width": width // self.patch_size}
        return last_maps(layers, self.norm, count=self.out_layers, **shape)


def dinov2(
    images: Tensor,
    weights: Mapping[str, Tensor],
    *,
    heads: int,
    out_layers: int = 1,
    interpolate_offset: float = 0.1,
) -> tuple[Tensor, ...]:
    """The backbone with `weights`, by the original's names, of any width and depth.

    images: ``(N, 3, H, W)``, multiples of the patch. Returns the last `out_layers` layers,
    normed, as maps ``(N, C, H / patch, W / patch)``. Raises InputError.
    """
    blocks = [int(name.split(".")[1]) for name in weights if name.startswith("blocks.")]
    try:
        kernel, table = weights["patch_embed.proj.weight"], weights["pos_embed"]
        width, patch_size = kernel.shape[0], kernel.shape[2]
        with torch.device("meta"):
            model = DinoBackbone(
                (width, 1 + max(blocks, default=-1), heads),
                image_size=math.isqrt(table.shape[1] - 1) * patch_size,
                patch_size=patch_size,
                out_layers=out_layers,
                interpolate_offset=interpolate_offset,
                pads=False,
            )
        own = {name: weights[name] for name, _ in model.named_parameters()}
    except KeyError as error:
        raise InputError(f"weights of DINOv2: {error.args[0]} is missing") from error
    maps: tuple[Tensor, ...] = functional_call(model, own, (images,))
    return maps
