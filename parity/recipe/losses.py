"""What a head's config says of its losses, as terms and options of ours."""

from collections.abc import Mapping
from typing import Any

from parity.errors import InputError
from parity.recipe.forms import Form
from parity.recipe.reader import Reader
from parity.settings.items import Item
from parity.steps import loss as losses
from parity.steps.loss import LossTerm, OhemSampler
from parity.steps.loss.reduction import read_class_weight
from parity.steps.loss.terms import TAKEN

_FORMS: Mapping[str, Form] = {
    "DiceLoss": Form("loss", losses.dice_loss),
    "FocalLoss": Form("loss", losses.focal_loss, fixed={"use_sigmoid": True}),
    "LovaszLoss": Form("loss", losses.lovasz_loss),
    "TverskyLoss": Form("loss", losses.tversky_loss),
    "HuasdorffDisstanceLoss": Form("loss", losses.hausdorff_loss),
    "BoundaryLoss": Form("loss", losses.boundary_loss),
    "SiLogLoss": Form("loss", losses.si_log_loss),
    "OhemCrossEntropy": Form(
        "loss",
        losses.ohem_cross_entropy,
        renamed={"thres": "thresh", "ignore_label": "ignore_index"},
    ),
}
_BRANCH = {"use_sigmoid", "use_mask", "loss_name", "type"}
# Heads of mmseg 1.2.2 (models/decode_heads) that leave their loss to BaseDecodeHead.
PLAIN = (
    *("ANNHead", "APCHead", "ASPPHead", "CCHead", "DMHead", "DNLHead", "DPTHead", "EMAHead"),
    *("DepthwiseSeparableASPPHead", "DepthwiseSeparableFCNHead", "FCNHead", "FPNHead", "GCHead"),
    *("ISAHead", "LightHamHead", "LRASPPHead", "NLHead", "OCRHead", "PSAHead", "PSPHead"),
    *("SegformerHead", "SegmenterMaskTransformerHead", "SETRMLAHead", "SETRUPHead", "UPerHead"),
)


def plain_decoding(reader: Reader, item: Item, where: str) -> dict[str, Any] | None:
    """As `decoding`, of a head that is known to leave its loss to its base class."""
    if item.kind in PLAIN:
        return decoding(reader, item, where)
    told = "mmseg 1.2.2 has no head of that name, so how it computes its loss is not known"
    akin = next((name for name in PLAIN if name.lower() == item.kind.lower()), None)
    spelt = "" if akin is None else f" (mmseg 1.2.2 spells its own {akin})"
    reader.note(item, f"the loss of {item.kind or 'a head'} in {where}", told + spelt)
    return None


def decoding(reader: Reader, item: Item, where: str) -> dict[str, Any] | None:
    """Options of `decode_head_loss`; None, and a note, for what is not done here."""
    terms = terms_of(reader, item, where)
    sampler = _sampler(reader, item.get("sampler"), where)
    if terms is None or sampler is False:
        return None
    return {"losses": terms, "sampler": sampler, **labelled(item)}


def labelled(item: Item) -> dict[str, Any]:
    """What a head says of label maps: the ignored number, and how logits are enlarged."""
    return {
        "ignore_index": item.get("ignore_index").value,
        "align_corners": bool(item.get("align_corners").value),
    }


def terms_of(
    reader: Reader, item: Item, where: str, *, alone: bool = False
) -> tuple[LossTerm, ...] | None:
    """The ``loss_decode`` of a head; None, and a note, where one is not done here.

    alone: whether the head calls them without keywords, so that any loss will do.
    """
    terms = [term_of(reader, part, where, alone=alone) for part in item.get("loss_decode").parts]
    found = tuple(term for term in terms if term is not None)
    return found if found and len(found) == len(terms) else None


def term_of(reader: Reader, item: Item, where: str, *, alone: bool = False) -> LossTerm | None:
    """One loss; None, and a note, where it is not done here."""
    form = _form(item)
    if form is None or not (alone or form.function.__name__ in TAKEN):
        reader.note(item, f"{item.kind} in {where}", "no step here does it")
        return None
    kept = {key: part for key, part in item.fields.items() if key not in ("loss_name",)}
    options = reader.options(Item(kept, item.place), form, where)
    if options is None or not _weights_are_read(reader, item, options, where):
        return None
    return LossTerm(str(item.get("loss_name").value), form.function, options)


def _form(item: Item) -> Form | None:
    if item.kind != "CrossEntropyLoss":
        return _FORMS.get(item.kind)
    branch = losses.binary_cross_entropy if item.get("use_sigmoid").value else None
    function = losses.mask_cross_entropy if item.get("use_mask").value else branch
    return Form("loss", function or losses.cross_entropy, ignored=frozenset(_BRANCH))


def _weights_are_read(reader: Reader, item: Item, options: Mapping[str, Any], where: str) -> bool:
    """Whether the file of ``class_weight`` can be read, and without running what is in it."""
    path = options.get("class_weight")
    if isinstance(path, str):
        try:
            read_class_weight(path)
        except InputError as error:
            reader.note(item, f"{item.kind}.class_weight in {where}", str(error))
            return False
    return True


def _sampler(reader: Reader, item: Item, where: str) -> OhemSampler | Any | None:
    """None without one; False, and a note, for one that is not done here."""
    if not item.fields:
        return None
    options = {key: part.value for key, part in item.fields.items() if key != "type"}
    if item.kind != "OHEMPixelSampler" or not options.keys() <= {"thresh", "min_kept"}:
        reader.note(item, f"{item.kind or 'a sampler'} in {where}", "no step here does it")
        return False
    return OhemSampler(**options)
