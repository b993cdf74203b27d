"""The losses of heads whose class computes it in a way of its own, with a config's options."""

from collections.abc import Callable, Mapping
from typing import Any

from parity.recipe.losses import decoding, labelled, plain_decoding, term_of, terms_of
from parity.recipe.queries import POINTS, cost_weights, query_options
from parity.recipe.reader import Reader
from parity.settings.items import Item
from parity.steps import loss as losses
from parity.steps.mask import mask2former_loss, maskformer_loss, point_head_loss, san_loss

Options = dict[str, Any]
Read = Callable[[Reader, Item, str], Options | None]


def _of_generator(reader: Reader, item: Item, where: str) -> Options | None:
    """K-Net's stages all have the loss of the head that generates its kernels."""
    return plain_decoding(reader, item.get("kernel_generate_head"), where)


def _encoding(reader: Reader, item: Item, where: str) -> Options | None:
    if not item.get("use_se_loss").value:
        reader.note(item, f"the loss of EncHead in {where}", "mmseg fails without use_se_loss")
        return None
    options = decoding(reader, item, where)
    term = term_of(reader, item.get("loss_se_decode"), where, alone=True)
    return None if options is None or term is None else {**options, "se_loss": term}


def _detail(reader: Reader, item: Item, where: str) -> Options | None:
    options = decoding(reader, item, where)
    threshold = {"boundary_threshold": item.get("boundary_threshold").value}
    return None if options is None else {**options, **threshold}


def _branches(reader: Reader, item: Item, where: str) -> Options | None:
    terms = terms_of(reader, item, where, alone=True)
    return None if terms is None else {"losses": terms, **labelled(item)}


def _depth(reader: Reader, item: Item, where: str) -> Options | None:
    options = _branches(reader, item, where)
    kept = ("losses", "align_corners")
    return None if options is None else {key: options[key] for key in kept}


def _points(reader: Reader, item: Item, where: str) -> Options | None:
    terms = terms_of(reader, item, where)
    points = drawn(reader.terms.item("model", "train_cfg"))
    return None if terms is None else {"losses": terms, **labelled(item), **points}


def _proposals(reader: Reader, item: Item, where: str) -> Options | None:
    terms, weights = terms_of(reader, item, where, alone=True), cost_weights(reader, item, where)
    if terms is None or weights is None:
        return None
    return {
        "losses": terms,
        "layers": tuple(part.value for part in item.get("deep_supervision_idxs").parts),
        "cost_weights": weights,
        "ignore_index": item.get("ignore_index").value,
        **drawn(item.get("train_cfg")),
    }


def drawn(train_cfg: Item) -> Options:
    """How many points are drawn, and where."""
    return {name: train_cfg.get(name).value for name in POINTS}


def layers_of(item: Item) -> int:
    """How many layers or stages of the head are trained; 1 where there are none."""
    decoder = item.get("transformer_decoder", "num_layers").value
    found = {
        "IterativeDecodeHead": (item.get("num_stages").value, 1),
        "Mask2FormerHead": (decoder, 1),  # and the queries before the first
        "MaskFormerHead": (decoder, 0),
        "SideAdapterCLIPHead": (len(item.get("deep_supervision_idxs").parts), 1),
    }
    inside, more = found.get(item.kind, (1, 0))
    return inside + more if isinstance(inside, int) else 1


def queries_of(item: Item) -> int:
    """How many masks a head proposes."""
    given = (item.get("num_queries").value, item.get("san_cfg", "num_queries").value)
    return next((number for number in given if isinstance(number, int)), 100)


# Heads whose class computes its loss in a way of its own (mmseg 1.2.2 models/decode_heads),
# with ours and how its options are read.
OWN: Mapping[str, tuple[Callable[..., Any], Read]] = {
    "DAHead": (losses.da_head_loss, decoding),
    "DDRHead": (losses.ddr_head_loss, _branches),
    "EncHead": (losses.enc_head_loss, _encoding),
    "IterativeDecodeHead": (losses.knet_loss, _of_generator),
    "Mask2FormerHead": (mask2former_loss, query_options),
    "MaskFormerHead": (maskformer_loss, query_options),
    "PIDHead": (losses.pid_head_loss, _branches),
    "PointHead": (point_head_loss, _points),
    "STDCHead": (losses.stdc_head_loss, _detail),
    "SideAdapterCLIPHead": (san_loss, _proposals),
    "VPDDepthHead": (losses.depth_head_loss, _depth),
}
