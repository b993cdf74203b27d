"""Mask classification: queries in, matches, points, losses and label maps out.

What draws does so from torch's global generator, which is seeded from the stream
of the step for every side alike. Its state afterwards is part of the result.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest import mock

import torch
from numpy.random import RandomState

from parity.compare.rng import GeneratorState, RecordingRandomState
from parity.errors import InputError
from parity.probes.natural.gradient import leaf_of
from parity.probes.natural.signature import Caller, Partly, parameters_of, through_caller
from parity.steps.loss.head import total_loss

Value = Mapping[str, Any]
Run = Callable[..., Any]


def on_torch_stream(run: Run) -> Run:
    """`run` with torch's generator in a state that `rng` gives, and its state after it."""

    @wraps(run)
    def drawn(
        function: Any, value: Value, rng: RandomState | None = None, **options: Any
    ) -> dict[str, Any]:
        device = next(item for item in value.values() if isinstance(item, torch.Tensor)).device
        stream = RandomState(0) if rng is None else rng
        cuda = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda), _recorded(stream):
            torch.manual_seed(GeneratorState.of(stream).seed)
            found = run(function, value, stream, **options)
            after = torch.cuda.get_rng_state(device) if cuda else torch.get_rng_state()
        digest = hashlib.sha256(after.numpy().tobytes()).hexdigest()[:12]
        result: dict[str, Any] = type(found)(**found, generator=digest)
        return result

    return drawn


@contextmanager
def _recorded(rng: RandomState) -> Iterator[None]:
    """Let calls of ``torch.rand`` inside be among the draws of `rng`, where it records.

    By their values alone: shapes that hold the same numbers in the same order are the
    same draw.
    """
    if not isinstance(rng, RecordingRandomState):
        yield
        return
    original = torch.rand

    def rand(*args: Any, **kwargs: Any) -> torch.Tensor:
        values: list[torch.Tensor] = []

        def numbers() -> str:
            values.append(original(*args, **kwargs))
            first = ", ".join(f"{value:.6f}" for value in values[0].flatten()[:2].tolist())
            return f"{values[0].numel()} numbers, {first} ..."

        rng.record("torch.rand", numbers, (), {})
        return values[0]

    with mock.patch.object(torch, "rand", rand):
        yield


@through_caller
def segmented(call: Caller, value: Value, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Give the segments of all images in one.

    These are labels ``(G,)``, masks ``(G, H, W)``, and how many each image has.
    """
    found = [(torch.as_tensor(labels), masks) for labels, masks in map(_pair, call(value, options))]
    counts = torch.tensor([len(labels) for labels, _ in found])
    labels, masks = (torch.cat(side) for side in zip(*found, strict=True))
    return {"counts": counts, "labels": labels, "masks": masks}


def _pair(segments: Any) -> tuple[Any, Any]:
    """Labels and masks, also by these names, as in the targets of detectron2 and others."""
    if not isinstance(segments, Mapping):
        labels, masks = segments
        return labels, masks
    found = []
    for spellings in (("labels", "class_labels", "gt_classes"), ("masks", "mask_labels")):
        present = [name for name in spellings if name in segments]
        if not present:
            raise InputError(f"gives {', '.join(segments)} for an image, and no {spellings[0]}")
        found.append(segments[present[0]])
    return found[0], found[1]


@on_torch_stream
@through_caller
def matched(call: Caller, value: Value, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Give the pairs of a matching, int64 ``(K,)`` each, whichever way they come.

    Matchers of ``(outputs, targets)`` are called as DETR's and Mask2Former's own are.
    """
    if {"outputs", "targets"} <= parameters_of(call.function).keys() and "scores" in value:
        outputs = {"pred_logits": value["scores"][None], "pred_masks": value["masks"][None]}
        target = {"labels": value["labels"], "masks": value["targets"]}
        [pair] = call({"outputs": outputs, "targets": [target]}, options)
    else:
        pair = call(value, options)
    queries, segments = (torch.as_tensor(side) for side in pair)
    return {"queries": queries, "segments": segments}


@on_torch_stream
@through_caller
def pointed(call: Caller, value: Value, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Give points that are drawn, float32 ``(N, P, 2)``."""
    return {"points": call(value, options)}


def headed(function: Any, value: Any, rng: RandomState | None = None, **options: Any) -> Any:
    """Give a head's losses for what its network gives, their total, and its gradients.

    network: makes of a batch what the head takes; without it, `value` is that.
    """
    network = options.pop("network", None)
    return _by_outputs(function, value if network is None else network(value), rng, **options)


@on_torch_stream
@through_caller
def _by_outputs(call: Caller, value: Value, rng: RandomState, **options: Any) -> dict[str, Any]:
    """Losses as they are logged."""
    with torch.enable_grad():
        # What a network gives; a true map of depths is a float, too.
        given = (name for name in value if value[name].is_floating_point() and name != "label")
        outputs = {name: leaf_of(value[name]) for name in given}
        found = call({**value, **outputs}, options)
        named = isinstance(found, Mapping)
        total = total_loss(found) if named else found.mean()
        leaves = tuple(outputs.values())
        grads = (
            torch.autograd.grad(total, leaves, allow_unused=True)
            if total.requires_grad
            else (None,) * len(leaves)
        )
    named_grads = {f"grad_{name}": grad for name, grad in zip(outputs, grads, strict=True)}
    rest: dict[str, Any] = {"total": total.detach(), **named_grads}
    if not named:
        return Partly(rest)
    return {"losses": {name: loss.detach().mean() for name, loss in found.items()}, **rest}
