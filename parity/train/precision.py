"""Mixed precision.

Reproduces ``AmpOptimWrapper`` (mmengine 0.10.7 optim/optimizer/amp_optimizer_wrapper.py)
with ``autocast`` (runner/amp.py): float16 with a scaled loss on a GPU, bfloat16 on the CPU,
where nothing is scaled.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from parity.errors import InputError


@dataclass(frozen=True)
class Amp:
    """What a config asks for. dtype: None for that of the device. loss_scale: "dynamic",
    one that stays, or options of ``torch.amp.GradScaler``."""

    dtype: str | None = None
    loss_scale: Any = "dynamic"

    def __post_init__(self) -> None:
        if self.loss_scale != "dynamic" and not isinstance(self.loss_scale, (float, dict)):
            raise InputError(
                f"loss_scale {self.loss_scale!r} is neither 'dynamic', nor a float, nor a dict"
            )


class Precision:
    """How one training computes; without `amp` in the precision of its weights."""

    def __init__(self, amp: Amp | None, device: str) -> None:
        self.amp, self.device = amp, device.partition(":")[0]
        given = amp.loss_scale if amp is not None else "dynamic"
        self.fixed = given if isinstance(given, float) else None
        options = given if isinstance(given, dict) else {}
        options = {"init_scale": self.fixed} if self.fixed is not None else options
        scaled = amp is not None and self.device == "cuda"
        self.scaler = torch.amp.GradScaler("cuda", enabled=scaled, **options)

    def context(self) -> AbstractContextManager[Any]:
        """In which the losses are computed."""
        if self.amp is None:
            return nullcontext()
        on_cpu = torch.bfloat16 if self.device == "cpu" else None
        dtype = getattr(torch, self.amp.dtype) if self.amp.dtype else on_cpu
        return torch.autocast(self.device, dtype=dtype)

    def scale(self, loss: Tensor) -> Tensor:
        """What the backward pass begins with."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Before gradients are clipped."""
        self.scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Update, unless a scaled gradient is not finite."""
        self.scaler.step(optimizer)
        self.scaler.update(self.fixed)
