"""Models by name: of a config, a part of it, or what a user's own code makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from parity.errors import InputError
from parity.live import reference_module
from parity.train.settings import read_model


@dataclass(frozen=True)
class OpenModel:
    """model: what is looked at. whole: the network around it, which it gets its input from."""

    text: str
    model: nn.Module
    whole: nn.Module


def open_model(
    text: str, make: Any = None, *, part: str = "", options: Sequence[str] = ()
) -> OpenModel:
    """What `make`, the user's own, returns; without it the model of the config `text`, by mmseg.

    Weights are random. part: of a config's model, such as ``decode_head``. options:
    ``key.key=value`` for a config. Raises InputError.
    """
    if make is not None:
        model = user_model(make, text)
        return OpenModel(text, model, model)
    try:
        whole = reference_module("optim.models").trainable(read_model(text, options))
        return OpenModel(text, whole.get_submodule(part), whole)
    except AttributeError as error:
        raise InputError(f"{text}: the model has no module {part!r}: {error}") from error


def user_model(make: Any, text: str, *given: nn.Module) -> nn.Module:
    """What the user's `make` returns. Raises InputError for what it raises, or is no module."""
    if not callable(make):
        raise InputError(f"{text}: {type(make).__name__} is not called; name a function or class")
    try:
        made = make(*given)
    except Exception as error:  # a user's code may raise anything
        raise InputError(f"{text}: {type(error).__name__}: {error}") from error
    if not isinstance(made, nn.Module):
        raise InputError(f"{text}: returns {type(made).__name__}, and not an nn.Module")
    return made


def takes_a_model(make: Callable[..., Any]) -> bool:
    """Whether `make` has a parameter without a default: it then gets the reference's model."""
    kinds = signature(make).parameters.values()
    return any(kind.default is kind.empty and kind.kind < kind.VAR_POSITIONAL for kind in kinds)


def inputs_of(opened: OpenModel, images: Tensor) -> tuple[Any, ...]:
    """What the module gets when the whole network gets `images`. Raises InputError for nothing."""
    if opened.model is opened.whole:
        return (images,)
    caught: list[tuple[Any, ...]] = []
    hook = opened.model.register_forward_pre_hook(lambda _, args: caught.append(args))
    with torch.no_grad():
        segment(opened.whole.eval(), images)
    hook.remove()
    if not caught:
        raise InputError(f"{opened.text}: the module does not run in a forward pass")
    return caught[0]


def segment(model: nn.Module, images: Tensor) -> Any:
    """The logits of every head of a segmentor in mmseg's form; of another model, its output."""
    parts: Any = model
    if not (hasattr(model, "backbone") and hasattr(model, "decode_head")):
        return model(images)
    features = parts.backbone(images)
    if getattr(model, "neck", None) is not None:
        features = parts.neck(features)
    found = []
    for name in ("decode_head", "auxiliary_head"):
        heads = getattr(model, name, None)
        previous: tuple[Any, ...] = ()
        for head in heads if isinstance(heads, nn.ModuleList) else [heads] if heads else []:
            found.append(head(features, *previous))
            previous = (found[-1],) if name == "decode_head" else ()
    return found


def run_on(args: tuple[Any, ...]) -> Callable[[nn.Module], Any]:
    """Calls a model on copies of `args`, in the precision of its weights."""

    def run(model: nn.Module) -> Any:
        kind = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
        copies = _copied(args, kind)
        return segment(model, *copies) if len(copies) == 1 else model(*copies)

    return run


def _copied(value: Any, kind: torch.dtype | None) -> Any:
    if isinstance(value, Tensor):
        return value.clone().to(kind) if value.is_floating_point() and kind else value.clone()
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(part, kind) for part in value)
    return value
