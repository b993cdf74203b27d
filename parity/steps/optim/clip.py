"""Gradient clipping.

Reproduces ``OptimWrapper._clip_grad`` (mmengine 0.10.7
mmengine/optim/optimizer/optimizer_wrapper.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from parity.errors import InputError

Gradients = list[torch.Tensor | None]
_OPTIONS = {
    "norm": ("max_norm", {"norm_type", "error_if_nonfinite", "foreach"}),
    "value": ("clip_value", {"foreach"}),
}


class Clipped(NamedTuple):
    """The clipped gradients, and their common norm before; None when none was computed."""

    gradients: Gradients
    norm: float | None


def clip_gradients(
    gradients: Sequence[torch.Tensor | None], *, clip_grad: Mapping[str, Any] | None
) -> Clipped:
    """The gradients of all parameters of all groups, clipped together; new tensors.

    clip_grad: None, or ``type`` "norm" (the default) with ``max_norm``,
    ``norm_type``, ``error_if_nonfinite``, or ``type`` "value" with
    ``clip_value``, as in a config. An entry that is None stays so. Raises InputError.
    """
    kind, options = _read(clip_grad)
    present = [gradient for gradient in gradients if gradient is not None]
    if kind is None or not present:
        copies = [None if gradient is None else gradient.clone() for gradient in gradients]
        return Clipped(copies, None)
    if kind == "value":
        bound = float(options["clip_value"])
        clamped = [None if g is None else g.clamp(min=-bound).clamp(max=bound) for g in gradients]
        return Clipped(clamped, None)
    norm = total_norm(present, norm_type=options.get("norm_type", 2.0))
    if options.get("error_if_nonfinite", False) and not bool(torch.isfinite(norm)):
        raise InputError(f"the norm of the gradients is {float(norm)}, and cannot be clipped")
    # Always multiplied, by 1 at most: torch avoids a branch that would wait for the device.
    factor = torch.clamp(float(options["max_norm"]) / (norm + 1e-6), max=1.0)
    return Clipped([None if item is None else item * factor for item in gradients], float(norm))


def total_norm(gradients: Sequence[torch.Tensor], *, norm_type: float = 2.0) -> torch.Tensor:
    """Norm of the norms of `gradients`, a scalar of their dtype."""
    norms = [torch.linalg.vector_norm(gradient, float(norm_type)) for gradient in gradients]
    total: torch.Tensor = torch.linalg.vector_norm(torch.stack(norms), float(norm_type))
    return total


def _read(clip_grad: Mapping[str, Any] | None) -> tuple[str | None, dict[str, Any]]:
    if clip_grad is None:
        return None, {}
    options = dict(clip_grad)
    kind = str(options.pop("type", "norm"))
    if kind not in _OPTIONS:
        raise InputError(f"clip_grad type must be 'norm' or 'value', got {kind!r}")
    needed, known = _OPTIONS[kind]
    if needed not in options or set(options) - known - {needed}:
        raise InputError(
            f"clip_grad of type {kind!r} needs {needed} and may have {sorted(known)}, "
            f"got {sorted(options)}"
        )
    return kind, options
