"""The losses of a config's heads, as ours with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.pipeline import ConfigEntry, Step
from parity.probes.natural import step_of
from parity.recipe.forms import Form
from parity.recipe.queries import KINDS, query_loss
from parity.recipe.reader import Reader
from parity.runs.datasets import KNOWN
from parity.settings.items import Item
from parity.steps import loss as losses
from parity.steps.loss import LossTerm, OhemSampler, decode_head_loss
from parity.steps.loss.terms import TAKEN

# Heads whose class computes its loss in a way of its own (mmseg 1.2.2 models/decode_heads).
OWN_LOSS = frozenset(
    {
        "DAHead",
        "DDRHead",
        "EncHead",
        "IterativeDecodeHead",
        "PIDHead",
        "PointHead",
        "STDCHead",
        "SideAdapterCLIPHead",
        "VPDDepthHead",
    }
)
_FORMS = {
    "DiceLoss": Form("loss", losses.dice_loss),
    "FocalLoss": Form("loss", losses.focal_loss, fixed={"use_sigmoid": True}),
    "LovaszLoss": Form("loss", losses.lovasz_loss),
    "TverskyLoss": Form("loss", losses.tversky_loss),
    "HuasdorffDisstanceLoss": Form("loss", losses.hausdorff_loss),
}
# More are in no data set, and would take memory before anything is said of them.
MOST_CHANNELS = 10_000
_BRANCH = {"use_sigmoid", "use_mask", "loss_name", "type"}


@dataclass(frozen=True, eq=False)
class Head:
    """One head of a config. where: its place, such as ``auxiliary_head[0]``. loss: None when
    it is not reproduced here."""

    where: str
    kind: str
    channels: int
    align_corners: bool
    loss: Step | None


def heads_of(reader: Reader) -> tuple[Head, ...]:
    """Every head of the model, the decode heads first."""
    found = []
    for name in ("decode_head", "auxiliary_head"):
        parts = reader.terms.item("model", name).parts
        for at, item in enumerate(parts):
            where = f"{name}[{at}]" if len(parts) > 1 else name
            found.append(_head(reader, item, where))
    return tuple(found)


def _head(reader: Reader, item: Item, where: str) -> Head:
    channels = _channels(reader, item)
    aligned = bool(item.get("align_corners").value)
    if not 0 < channels <= MOST_CHANNELS:
        reader.note(item, f"{item.kind} in {where}", f"{channels} classes are none, or too many")
        return Head(where, item.kind, 0, aligned, None)
    loss = _loss(reader, item, where)
    return Head(where, item.kind, channels, aligned, loss)


def _channels(reader: Reader, item: Item) -> int:
    """Of its output: what the head says, or the one in it that K-Net's refines, or the data."""
    inner = item.get("kernel_generate_head")
    # Of a head with queries, out_channels are those of its features.
    of_output = [] if item.kind in KINDS else [item.get("out_channels")]
    for given in (*of_output, item.get("num_classes"), inner.get("num_classes")):
        if isinstance(given.value, int):
            return given.value
    known = KNOWN.get(reader.datasets("val")[0].kind)
    return known.classes if known is not None else 2


def _loss(reader: Reader, item: Item, where: str) -> Step | None:
    if item.kind in KINDS:
        return query_loss(reader, item, where)
    if item.kind in OWN_LOSS or not item.kind:
        reader.note(item, f"the loss of {item.kind or 'a head'} in {where}", "no step here does it")
        return None
    terms = [_term(reader, part, where) for part in item.get("loss_decode").parts]
    sampler = _sampler(reader, item.get("sampler"), where)
    if not terms or sampler is False or None in terms:
        return None
    options = {
        "losses": tuple(terms),
        "sampler": sampler,
        "ignore_index": item.get("ignore_index").value,
        "align_corners": bool(item.get("align_corners").value),
    }
    step = step_of("loss", decode_head_loss, options)
    return step.beside(ConfigEntry("head_loss", reader.entry(item)))


def _term(reader: Reader, item: Item, where: str) -> LossTerm | None:
    form = _FORMS.get(item.kind)
    if item.kind == "CrossEntropyLoss":
        branch = losses.binary_cross_entropy if item.get("use_sigmoid").value else None
        function = losses.mask_cross_entropy if item.get("use_mask").value else branch
        form = Form("loss", function or losses.cross_entropy, ignored=frozenset(_BRANCH))
    if form is None or form.function.__name__ not in TAKEN:
        reader.note(item, f"{item.kind} in {where}", "no step here does it")
        return None
    kept = {key: part for key, part in item.fields.items() if key not in ("loss_name",)}
    options = reader.options(Item(kept, item.place), form, where)
    if options is None:
        return None
    if isinstance(options.get("class_weight"), str):
        reader.note(item, f"{item.kind}.class_weight in {where}", "is read from a file there")
        return None
    return LossTerm(str(item.get("loss_name").value), form.function, options)


def _sampler(reader: Reader, item: Item, where: str) -> OhemSampler | Any | None:
    """None without one; False, and a note, for one that is not done here."""
    if not item.fields:
        return None
    options = {key: part.value for key, part in item.fields.items() if key != "type"}
    if item.kind != "OHEMPixelSampler" or not options.keys() <= {"thresh", "min_kept"}:
        reader.note(item, f"{item.kind or 'a sampler'} in {where}", "no step here does it")
        return False
    return OhemSampler(**options)
