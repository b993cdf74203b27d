from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch.nn import functional

from parity.errors import InputError
from parity.live import reference_module
from parity.steps.dino import (
    SIZES,
    DinoBackbone,
    dinov2,
    interpolate_positions,
    pad_to_multiple,
)
from parity.steps.dino_weights import load_dino_weights, read_dino_weights


def small(**options):
    torch.manual_seed(0)
    model = DinoBackbone((48, 3, 4), image_size=70, **options)
    with torch.no_grad():
        for param in model.parameters():
            param.add_(torch.randn_like(param) * 0.1)
    return model


@pytest.mark.live
@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_the_width_of_vit_s_at_518():
    model, images = DinoBackbone((384, 2, 6)), torch.randn(1, 3, 518, 518)
    theirs = reference_module("dino").dinov2(images, model.state_dict(), heads=6)
    with torch.no_grad():
        actual = model(images)
    assert [one.shape for one in actual] == [(1, 384, 37, 37)]
    assert torch.equal(actual[0], theirs[0])


def test_the_original_samples_beside_the_grid():
    table = torch.randn(1, 26, 8)
    ours = interpolate_positions(table, height=6, width=9)
    grid = table[:, 1:].reshape(1, 5, 5, 8).permute(0, 3, 1, 2)

    def other(**how):
        patches = functional.interpolate(grid, **how).permute(0, 2, 3, 1).reshape(1, -1, 8)
        return torch.cat([table[:, :1], patches], 1)

    assert torch.equal(ours, other(scale_factor=(6.1 / 5, 9.1 / 5), mode="bicubic"))
    for how in (
        {"mode": "bicubic"},
        {"mode": "bicubic", "align_corners": True},
        {"mode": "bicubic", "antialias": True},
        {"mode": "bilinear"},
        {"mode": "nearest"},
    ):
        assert not torch.allclose(ours, other(size=(6, 9), **how), atol=1e-4), how
    assert interpolate_positions(table, height=5, width=5) is table
    with pytest.raises(InputError, match="no square"):
        interpolate_positions(table[:, 1:], height=6, width=9)


def test_padding_is_around_the_image():
    images = torch.ones(1, 1, 13, 27)
    padded = pad_to_multiple(images)
    assert padded.shape == (1, 1, 14, 28)
    assert torch.equal(padded[:, :, :13, :27], images)
    assert pad_to_multiple(torch.ones(1, 1, 11, 14))[0, 0, :, 0].tolist() == [0, *[1] * 11, 0, 0]
    with pytest.raises(InputError, match="no multiple"):
        small(pads=False)(torch.ones(1, 3, 14, 15))


def test_the_function_is_the_module():
    model, images = small(out_layers=2), torch.randn(1, 3, 28, 42)
    found = dinov2(images, model.state_dict(), heads=4, out_layers=2)
    assert all(map(torch.equal, found, model(images)))
    for name in ("pos_embed", "blocks.1.ls1.gamma"):
        left = {key: one for key, one in model.state_dict().items() if key != name}
        with pytest.raises(InputError, match=f"{name} is missing"):
            dinov2(images, left, heads=4)


def test_the_last_layers_are_normed():
    images = torch.randn(2, 3, 28, 42)
    maps = small(out_layers=3)(images)
    assert [one.shape for one in maps] == [(2, 48, 2, 3)] * 3
    assert torch.equal(maps[-1], small()(images)[0])


def named_as(kind, weights):
    """`weights` of the original as files have them."""
    if kind == "chunks":
        return {n.replace("blocks.", "blocks.0.", 1): value for n, value in weights.items()}
    if kind == "timm":
        return {**weights, "head.weight": torch.ones(2), "mask_token": torch.ones(2)}
    renamed = reference_module("dino", load=False).transformers_names(weights)
    if kind == "transformers on the hub":
        for new, old in (("q", "query"), ("k", "key"), ("v", "value")):
            renamed = {
                name.replace(f".attention.{new}_proj.", f".attention.attention.{old}."): value
                for name, value in renamed.items()
            }
        renamed = {n.replace(".o_proj.", ".output.dense."): value for n, value in renamed.items()}
    return renamed


@pytest.mark.parametrize("kind", ["chunks", "timm", "transformers", "transformers on the hub"])
def test_names_of_others(kind, tmp_path):
    model = small()
    file = tmp_path / "weights.pth"
    torch.save(named_as(kind, model.state_dict()), file)
    other = DinoBackbone((48, 3, 4), image_size=70)
    load_dino_weights(other, read_dino_weights(file), str(file))
    assert all(map(torch.equal, other.state_dict().values(), model.state_dict().values()))


def test_weights_that_do_not_fit_are_refused(tmp_path):
    model = small()
    with pytest.raises(InputError, match="misses 1 weights, such as cls_token"):
        load_dino_weights(model, {k: v for k, v in model.state_dict().items() if k != "cls_token"})
    with pytest.raises(InputError, match="has also 1 weights, such as other"):
        load_dino_weights(model, {**model.state_dict(), "other": torch.ones(1)})
    with pytest.raises(InputError, match="another size"):
        load_dino_weights(model, DinoBackbone((24, 3, 4), image_size=70).state_dict())
    (tmp_path / "no.pth").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        read_dino_weights(tmp_path / "no.pth")
    assert set(SIZES) == {"small", "base", "large"}
