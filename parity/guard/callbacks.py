"""The guard of a training by Lightning's Trainer, and by Hugging Face's.

Neither package is imported: a Trainer calls its callbacks by the names of their methods (Lightning
2.x ``trainer/call.py``, transformers 4.x and 5.x ``trainer_callback.py``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from parity.guard.guard import Guard

_logger = logging.getLogger("parity")


class _Callback(Guard):
    """A monitor and what it has told; every event that a Trainer calls and nobody wants."""

    def say(self, text: str) -> None:
        """To the logger ``parity``."""
        _logger.error(text)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("on_") or name in ("setup", "teardown"):
            return _nothing
        raise AttributeError(name)


def _nothing(*_: Any, **__: Any) -> None:
    """An event that is not looked at."""


class LightningGuard(_Callback):
    """``Trainer(callbacks=[LightningGuard()])``: gradients of exactly 0, a loss that is lost."""

    state_key = "LightningGuard"

    def state_dict(self) -> dict[str, Any]:
        """Nothing is kept in checkpoints."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing was."""

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Watch the module's parameters."""
        self.monitor.start(module)

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
        """Look at the gradients of this batch, or not."""
        self.monitor.before()

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """outputs: the loss, or a dict that holds it as ``loss``."""
        self.after(outputs.get("loss") if isinstance(outputs, dict) else outputs)


class HuggingFaceGuard(_Callback):
    """``Trainer(callbacks=[HuggingFaceGuard()])``: gradients of exactly 0, a loss that is lost.

    A step is looked at with all its accumulated batches. Of losses the Trainer shows the logged
    ones; set ``logging_nan_inf_filter=False``, or it leaves out those that are not finite.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Watch the parameters of ``model``."""
        self.monitor.start(given["model"])

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Look at the gradients of this step, or not."""
        self.monitor.before()

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """The gradients are there."""
        self.after()

    def on_log(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """logs: ``loss`` is the mean since the last."""
        loss = (given.get("logs") or {}).get("loss")
        if loss is not None:
            self.monitor.see_loss(float(loss))
