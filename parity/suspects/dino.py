"""What people get wrong in DINOv2 as a backbone: its position table, its blocks, its maps."""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from parity.steps import dino
from parity.suspects.mistake import Function, made_in

_RESIZED = "a size other than the table's"
_LAYERS = "several layers"

position_mistake = made_in(dino.interpolate_positions, dino.dinov2)
mistake = made_in(dino.dinov2)


@position_mistake(dino.resampled, needs=_RESIZED, align_corners=True)
def positions_corners_aligned() -> None:
    """The position table is interpolated with align_corners=True; in the reference without."""


@position_mistake(dino.resampled, needs=_RESIZED, mode="bilinear")
def positions_bilinear() -> None:
    """The position table is interpolated bilinearly; in the reference bicubically."""


@position_mistake(dino.resampled, needs=_RESIZED, antialias=True)
def positions_antialiased() -> None:
    """The position table is interpolated with antialias=True; in the reference without."""


@position_mistake(
    dino.interpolate_positions,
    needs=f"{_RESIZED}, and the original's offset",
    interpolate_offset=0.0,
)
def positions_by_size() -> None:
    """Positions are brought to the size, as transformers does; the original has scale factors."""


@position_mistake(
    dino.interpolate_positions, needs=f"{_RESIZED}, and no offset", interpolate_offset=0.1
)
def positions_by_scale() -> None:
    """Positions are scaled by (size + 0.1) / N where the size alone is asked for."""


@position_mistake(dino.interpolate_positions, needs="a size that is not square")
def positions_width_first(interpolate: Function, table: Tensor, **size: Any) -> Any:
    """Height and width of the position table are exchanged."""
    turned = {"height": size["width"], "width": size["height"]}
    return interpolate(table, **{**size, **turned})


@position_mistake(dino.interpolate_positions, needs=_RESIZED)
def positions_as_one_row(_: Function, table: Tensor, **size: Any) -> Any:
    """The table is interpolated as one row, the class token's position with it; not as a map."""
    length = 1 + size["height"] * size["width"]
    return F.interpolate(table.transpose(1, 2), length, mode="linear").transpose(1, 2)


@position_mistake(dino.interpolate_positions)
def class_position_dropped(interpolate_positions: Function, table: Tensor, **size: Any) -> Any:
    """The class token gets no position; in the reference it has the first of the table."""
    found = interpolate_positions(table, **size)
    return torch.cat([torch.zeros_like(found[:, :1]), found[:, 1:]], dim=1)


@mistake(dino.DinoScale)
def layer_scale_left_out(layer_scale: Function, width: int, value: float) -> Any:
    """LayerScale is left out; in the reference each branch is scaled channel by channel."""
    return nn.Identity()


@mistake(dino.DinoBackbone)
def norm_eps_1e_5(backbone: Function, *args: Any, **options: Any) -> Any:
    """LayerNorm has eps 1e-5, torch's default; in the reference 1e-6."""
    model = backbone(*args, **options)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5
    return model


@mistake(dino.DinoMlp)
def gelu_tanh(mlp: Function, width: int) -> Any:
    """GELU is its tanh approximation; in the reference it is exact."""
    model = mlp(width)
    model.forward = lambda x: model.fc2(F.gelu(model.fc1(x), approximate="tanh"))
    return model


@mistake(dino.query_key_value)
def query_and_key_exchanged(query_key_value: Function, *given: Any) -> Any:
    """The rows of qkv are split as keys, queries, values; in the reference queries come first."""
    query, key, value = query_key_value(*given)
    return key, query, value


@mistake(dino.query_key_value)
def heads_before_qkv(split: Function, x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> Any:
    """qkv is split into heads, then into queries, keys, values; in the reference the other way."""
    # Rows by head and kind as rows by kind and head.
    weight, bias = (
        rows.view(heads, 3, -1, *rows.shape[1:]).transpose(0, 1).reshape(rows.shape)
        for rows in (weight, bias)
    )
    return split(x, weight, bias, heads)


@mistake(dino.query_key_value)
def qkv_without_bias(split: Function, x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> Any:
    """Queries, keys and values have no bias; in the reference they have one."""
    return split(x, weight, torch.zeros_like(bias), heads)


@mistake(dino.attention, scale=1.0)
def attention_not_scaled() -> None:
    """Attention is not scaled; in the reference by 1 / sqrt(width of a head)."""


@mistake(dino.attention)
def attention_scaled_by_width(attention: Function, *parts: Tensor, scale: float) -> Any:
    """Attention is scaled by 1 / sqrt(width); in the reference by that of a head."""
    return attention(*parts, scale=scale / math.sqrt(parts[0].shape[1]))


@mistake(dino.attention)
def heads_not_moved_back(attention: Function, *parts: Tensor, scale: float) -> Any:
    """What heads attend to is reshaped to tokens as it is; in the reference moved back first."""
    batch, heads, length, channels = parts[0].shape
    by_head = attention(*parts, scale=scale).view(batch, length, heads, channels).transpose(1, 2)
    return by_head.reshape(batch, length, heads * channels)


@mistake(dino.last_maps)
def final_norm_left_out(maps_of: Function, layers: list[Tensor], *_: Any, **rest: Any) -> Any:
    """The last LayerNorm is left out; in the reference every map goes through it."""
    return maps_of(layers, nn.Identity(), **rest)


@mistake(dino.last_maps, needs=_LAYERS)
def only_last_layer_normed(maps_of: Function, layers: list[Tensor], *norm: Any, **rest: Any) -> Any:
    """Only the last layer goes through the last norm; in the reference all that are given do."""
    before = rest.pop("count") - 1
    last = maps_of(layers, *norm, count=1, **rest)
    return (*maps_of(layers[:-1], nn.Identity(), count=before, **rest), *last) if before else last


@mistake(dino.last_maps)
def layers_one_early(maps_of: Function, layers: list[Tensor], norm: nn.Module, **rest: Any) -> Any:
    """Maps are of what goes into the last blocks; in the reference of what comes out of them."""
    return maps_of(layers[:-1], norm, **rest)


@mistake(dino.last_maps, needs=_LAYERS)
def layers_last_first(last_maps: Function, *given: Any, **rest: Any) -> Any:
    """The last layer comes first; in the reference it comes last."""
    return last_maps(*given, **rest)[::-1]


@mistake(dino.map_of)
def class_token_kept(map_of: Function, tokens: Tensor, **size: int) -> Any:
    """The class token is the first place of the map; in the reference it is taken off."""
    return map_of(torch.cat([tokens[:, :1], tokens[:, :-1]], dim=1), **size)


@mistake(dino.map_of, needs="several rows and columns")
def map_transposed(map_of: Function, tokens: Tensor, *, height: int, width: int) -> Any:
    """Patches fill the map column by column; in the reference row by row."""
    columns = map_of(tokens, height=width, width=height)
    return columns.transpose(2, 3).contiguous()


@mistake(dino.map_of, needs="several patches")
def map_reshaped_as_it_is(map_of: Function, tokens: Tensor, *, height: int, width: int) -> Any:
    """Tokens (L, C) are reshaped to (C, H, W) as they are; the reference transposes them first."""
    return tokens[:, 1:].reshape(len(tokens), -1, height, width)
