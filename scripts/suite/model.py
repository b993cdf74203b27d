"""Losses, heads, masks and inference of the reference beside ours."""

import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from parity.errors import NotExercised
from parity.live import reference_module
from parity.probes.natural import tensors
from parity.steps import loss as losses
from parity.steps.deform_attn import multi_scale_deformable_attention
from parity.steps.infer import slide_inference, whole_inference
from parity.steps.logits import postprocess_logits, resize_logits
from parity.steps.loss import LossTerm, OhemSampler
from parity.steps.loss.terms import TAKEN
from suite.beside import Call, Function, Twin, copied, options_of
from suite.patching import Patched

_RENAMED = {"thres": "thresh", "ignore_label": "ignore_index"}
_BRANCHES = ("use_sigmoid", "use_mask")
_LOSSES = "mmseg.models.losses"
_MODULES = {"KLDivLoss": f"{_LOSSES}.kldiv_loss"}  # the package does not export it


def _classes() -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    found: Mapping[str, tuple[str, Mapping[str, Any]]] = reference_module("loss.classes").CLASSES
    return found


def loss_of(module: Any) -> tuple[str, dict[str, Any]]:
    """The function of ours that does what a loss of mmseg was made for, and its options."""
    made, usual, _ = vars(module)["_made_with"]
    return _function_of(Call(type(module).__name__, module, made, usual, {}, module))


def _function_of(call: Call) -> tuple[str, dict[str, Any]]:
    branches = [
        (name, branch)
        for name, (kind, branch) in _classes().items()
        if kind == call.kind and all(call.made.get(key) == value for key, value in branch.items())
    ]
    if not branches:
        raise NotExercised(f"no loss here does {call.kind}")
    name, branch = branches[-1]
    known = _parameters(getattr(losses, name))
    fixed = {"loss_name": call.made.get("loss_name"), **dict.fromkeys(_BRANCHES, False), **branch}
    fixed = {key: value for key, value in fixed.items() if key not in known}
    if call.kind == "FocalLoss":
        fixed["use_sigmoid"] = True
    found = options_of(call, lambda key: _RENAMED.get(key, key) in known, fixed)
    return name, {_RENAMED.get(key, key): value for key, value in found.items()}


def _parameters(function: Function) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _loss(call: Call) -> Twin:
    """Value and gradient."""
    (first, pred), (second, label), *rest = copied(list(call.args.items()))
    given = dict(rest)
    name, options = _function_of(call)
    known = _parameters(getattr(losses, name))
    taken = TAKEN.get(name, known) | (known & {"avg_factor"})
    for key in taken & given.keys() - {"reduction"}:
        options[key] = given[key]
    if "reduction" in taken and given.get("reduction_override"):
        options["reduction"] = given["reduction_override"]
    if name == "mask_cross_entropy":
        options["mask_class"] = given["weight"]
    value = {"pred": pred, "label": label}

    def theirs(pred: Any, label: Any) -> Any:
        return call.original(call.obj, **{first: pred, second: label, **given})

    function = call.ours(getattr(losses, name))
    return Twin(
        "loss",
        lambda rng: tensors.loss(function, copied(value), rng, **options),
        lambda: tensors.loss(theirs, copied(value)),
    )


def _accuracy(call: Call) -> Twin:
    pred, label, *rest = copied(list(call.args.values()))
    options = dict(zip(("topk", "thresh", "ignore_index"), rest, strict=True))
    function = call.ours(losses.accuracy)
    return Twin(
        "loss",
        lambda rng: function(pred, label, **options),
        lambda: call.original(pred, label, *rest),
    )


def _resized(call: Call) -> Twin:
    given = copied(dict(call.args))
    if given["mode"] != "bilinear" or given["size"] is None:
        raise NotExercised(f"mode={given['mode']!r}, or a scale_factor for a size")
    size, aligned = tuple(map(int, given["size"])), bool(given["align_corners"])
    function, logits = call.ours(resize_logits), given["input"].detach()
    return Twin(
        "logits",
        lambda rng: function(logits, size=size, align_corners=aligned),
        lambda: call.original(**given).detach(),
    )


def _terms(modules: Any) -> tuple[LossTerm, ...]:
    listed: list[Any] = [*modules] if isinstance(modules, torch.nn.ModuleList) else [modules]
    found = [(one.loss_name, *loss_of(one)) for one in listed]
    return tuple(LossTerm(title, getattr(losses, name), own) for title, name, own in found)


def _head(call: Call) -> Twin:
    """Losses by name, their total and its gradient."""
    logits, samples = copied(list(call.args.values()))
    obj, sampler = call.obj, call.obj.sampler
    if not isinstance(logits, torch.Tensor):
        raise NotExercised("logits of several outputs")
    label = torch.stack([one.gt_sem_seg.data for one in samples])
    if label.shape[1] != 1:
        raise NotExercised(f"label maps of {label.shape[1]} channels")
    options = {
        "losses": _terms(obj.loss_decode),
        "sampler": None if sampler is None else OhemSampler(sampler.thresh, sampler.min_kept),
        "ignore_index": obj.ignore_index,
        "align_corners": obj.align_corners,
    }
    value = {"pred": logits.detach(), "label": label.squeeze(1)}

    def theirs(pred: Any, label: Any) -> Any:
        return call.original(obj, pred, samples)

    function = call.ours(losses.decode_head_loss)
    return Twin(
        "loss",
        lambda rng: tensors.head(function, dict(value), rng, **options),
        lambda: tensors.head(theirs, dict(value)),
    )


def _sampled(call: Call) -> Twin:
    pred, label = copied(list(call.args.values()))
    obj, context = call.obj, call.obj.context
    options = {
        "thresh": obj.thresh,
        "min_kept": obj.min_kept,
        "losses": _terms(context.loss_decode),
        "ignore_index": context.ignore_index,
    }
    function = call.ours(losses.ohem_weights)
    return Twin(
        "loss",
        lambda rng: function(pred, label.squeeze(1), **options),
        lambda: call.original(obj, pred, label),
    )


def _total(call: Call) -> Twin:
    given = call.args["losses"]
    detached = copied(dict(given))
    function, obj = call.ours(losses.total_loss), call.obj
    return Twin(
        "loss", lambda rng: function(detached), lambda: call.original(obj, dict(detached))[0]
    )


def _detached(value: Any) -> Any:
    return [one.detach() for one in value] if isinstance(value, list) else value.detach()


def _postprocessed(call: Call) -> Twin:
    logits, samples = copied([_detached(call.args["seg_logits"]), call.args["data_samples"]])
    metas = None if samples is None else [one.metainfo for one in samples]
    head, aligned = call.obj.decode_head, call.obj.align_corners
    options = {"align_corners": aligned, "threshold": getattr(head, "threshold", None)}
    function, read = call.ours(postprocess_logits), reference_module("segmentor").to_segmentations
    return Twin(
        "logits",
        lambda rng: function(logits, metas, **options),
        lambda: read(call.original(call.obj, logits, samples)),
    )


def _inferred(name: str, call: Call) -> Twin:
    """A whole model in evaluation, its own forward for the network of ours."""
    obj, (images, metas) = call.obj, copied(list(call.args.values()))
    head = obj.decode_head
    if obj.training or isinstance(head, torch.nn.ModuleList):
        raise NotExercised("a cascade, or a model in training, whose statistics change")

    def model(images: torch.Tensor) -> Any:
        return head.forward(obj.extract_feat(images))

    options: dict[str, Any] = {"metas": metas}
    if name == "slide_inference":
        config = obj.test_cfg
        options = {
            "crop_size": config["crop_size"],
            "stride": config["stride"],
            "num_classes": obj.out_channels,
        }
    function = call.ours({"slide_inference": slide_inference}.get(name, whole_inference))
    return Twin(
        "infer",
        lambda rng: function(model, images, align_corners=obj.align_corners, **options).detach(),
        lambda: call.original(obj, images, metas).detach(),
    )


def _attended(call: Call) -> Twin:
    given = copied([_detached(one) for one in call.args.values()])
    function = call.ours(multi_scale_deformable_attention)
    return Twin("deform_attn", lambda rng: function(*given), lambda: call.original(*given))


def places() -> list[Patched]:
    """All of heads and inference."""
    segmentor = "mmseg.models.segmentors:EncoderDecoder"
    kinds = dict.fromkeys(kind for kind, _ in _classes().values())
    return [
        *(Patched(f"{_MODULES.get(kind, _LOSSES)}:{kind}.forward", _loss) for kind in kinds),
        Patched(f"{_LOSSES}.accuracy:accuracy", _accuracy),
        Patched("mmseg.models.utils.wrappers:resize", _resized),
        Patched("mmseg.models.decode_heads.decode_head:BaseDecodeHead.loss_by_feat", _head, True),
        Patched("mmseg.structures.sampler:OHEMPixelSampler.sample", _sampled),
        Patched("mmengine.model:BaseModel.parse_losses", _total, True),
        Patched("mmseg.models.segmentors:BaseSegmentor.postprocess_result", _postprocessed, True),
        Patched(f"{segmentor}.whole_inference", partial(_inferred, "whole_inference"), True),
        Patched(f"{segmentor}.slide_inference", partial(_inferred, "slide_inference"), True),
        Patched("mmcv.ops.multi_scale_deform_attn:multi_scale_deformable_attn_pytorch", _attended),
    ]
