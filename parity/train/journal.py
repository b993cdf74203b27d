"""The work directory of our side, in the form of mmengine's.

Reproduces the files of ``LocalVisBackend`` (mmengine 0.10.7 visualization/vis_backend.py)
and ``Runner.save_checkpoint`` (runner/runner.py); here every iteration has its line.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch import nn

from parity import __version__
from parity.files import make_folder, write_atomically
from parity.train.observe import START, Observer, Values
from parity.train.settings import TrainingSettings


class Journal(Observer):
    """Writes what it sees, and passes it on to `observe`."""

    def __init__(
        self, observe: Observer, folder: Path, settings: TrainingSettings, *, seed: int
    ) -> None:
        self.observe, self.folder, self.seed, self.name = observe, folder, seed, settings.name
        began = datetime.now(timezone.utc).strftime("%Y%m%d_%H%M%S")
        self.visual = folder / began / "vis_data"
        self.iteration = 0
        self.line: dict[str, Any] = {}
        make_folder(self.visual)
        text = "".join(f"{key} = {value!r}\n" for key, value in settings.values.items())
        write_atomically(self.visual / "config.py", text.encode())

    def begin(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """As every observer; the one behind this knows the same model."""
        self.observe.model, self.observe.optimizer = model, optimizer
        super().begin(model, optimizer)

    def __call__(self, quantity: str, values: Values) -> None:
        """Note scalars, and write them once the iteration is over."""
        if quantity == START:
            self.iteration += 1
            self.line = {}
        elif quantity == "rates by group":
            self.line["lr"] = self.optimizer.param_groups[0]["lr"]
        elif quantity == "losses":
            self.line.update({name: _mean(value) for name, value in values.items()})
        elif quantity == "loss to descend":
            self.line["loss"] = _mean(values["loss"])
        elif quantity == "norm before clipping" and values["norm"] is not None:
            self.line["grad_norm"] = values["norm"]
        elif quantity == "parameters":
            self._write()
        self.observe(quantity, values)

    def _write(self) -> None:
        line = {**self.line, "iter": self.iteration, "step": self.iteration}
        with (self.visual / "scalars.json").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def save(self) -> Path:
        """Write the checkpoint of the iteration reached."""
        path = self.folder / f"iter_{self.iteration}.pth"
        meta: dict[str, Any] = {"iter": self.iteration, "epoch": 0, "seed": self.seed}
        meta |= {"experiment_name": self.name, "parity_version": __version__}
        content = {
            "meta": meta,
            "state_dict": {key: value.cpu() for key, value in self.model.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(content, path)
        (self.folder / "last_checkpoint").write_text(str(path), encoding="utf-8")
        return path


def _mean(value: Any) -> float:
    return float(value.mean()) if isinstance(value, torch.Tensor) else float(sum(map(_mean, value)))
