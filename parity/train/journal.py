"""The work directory of our side, in the form of mmengine's.

Reproduces the files of ``LocalVisBackend`` (mmengine 0.10.7 visualization/vis_backend.py)
and the lines of ``LogProcessor`` (runner/log_processor.py) and of mmseg 1.2.2's
``IoUMetric``; here every iteration has its line in scalars.json. With tensorboard
installed, its events lie beside them.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import torch
from torch import nn

from parity import __version__
from parity.errors import InputError
from parity.files import make_folder, write_atomically
from parity.steps.iou import ClassCounts, class_ratios
from parity.train.checkpoint import LoopState, write_checkpoint
from parity.train.observe import START, Observer, Values
from parity.train.settings import TrainingSettings

_LINE = "{} - mmengine - INFO - {}\n"
# As ``Runner.wrap_model`` says it of one process, and as it is here.
_REVERTED = (
    "Distributed training is not used, all SyncBatchNorm (SyncBN) layers in the model will be "
    "automatically reverted to BatchNormXd layers if they are used."
)


class Journal(Observer):
    """Writes what it sees, and passes it on to `observe`.

    iters: of the training in all. begun: of those, how many an earlier run made. classes:
    their names, for the table of a validation. asked: goes into every checkpoint.
    """

    def __init__(
        self,
        observe: Observer,
        folder: Path,
        settings: TrainingSettings,
        *,
        seed: int,
        iters: int,
        begun: int = 0,
        classes: Sequence[str] = (),
        asked: Values | None = None,
    ) -> None:
        self.asked = asked
        self.observe, self.folder, self.seed, self.name = observe, folder, seed, settings.name
        self.iteration, self.begun, self.iters, self.classes = begun, begun, iters, classes
        self.since = self.started = time.monotonic()
        began = datetime.now().strftime("%Y%m%d_%H%M%S")
        self.visual = folder / began / "vis_data"
        self.text = folder / began / f"{began}.log"
        self.line: dict[str, Any] = {}
        hooks = settings.values.get("default_hooks") or {}
        self.interval = int((hooks.get("logger") or {}).get("interval", 50))
        make_folder(self.visual)
        config = "".join(f"{key} = {value!r}\n" for key, value in settings.values.items())
        write_atomically(self.visual / "config.py", config.encode())
        self._log(f"Config:\n{config}")
        self._log(_REVERTED)
        if begun:
            self._log(f"resumed epoch: 0, iter: {begun}")
        self.board = _board(self.visual)

    def begin(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """As every observer; the one behind this knows the same model."""
        self.observe.model, self.observe.optimizer = model, optimizer
        super().begin(model, optimizer)

    def __call__(self, quantity: str, values: Values) -> None:
        """Note scalars, and write them once the iteration is over."""
        if quantity == START:
            self.iteration += 1
            self.line, self.since = {}, time.monotonic()
        elif quantity == "sample indices":
            self.line["data_time"] = time.monotonic() - self.since
        elif quantity == "rates by group":
            self.line["lr"] = self.optimizer.param_groups[0]["lr"]
        elif quantity == "losses":
            self.line.update({name: mean_of(value) for name, value in values.items()})
        elif quantity == "loss to descend":
            self.line["loss"] = mean_of(values["loss"])
        elif quantity == "norm before clipping" and values["norm"] is not None:
            self.line["grad_norm"] = values["norm"]
        elif quantity == "parameters":
            self._trained()
        elif quantity == "scores":
            self._validated(values)
        self.observe(quantity, values)

    def _trained(self) -> None:
        self.line["time"] = time.monotonic() - self.since
        self._write({**self.line, "iter": self.iteration, "step": self.iteration})
        if self.iteration % self.interval == 0 or self.iteration == self.iters:
            made = self.iteration - self.begun
            left = (time.monotonic() - self.started) / made * (self.iters - self.iteration)
            eta = f"eta: {timedelta(seconds=int(left))}"
            first = f"lr: {self.line['lr']:.4e}  {eta}"
            rest = "  ".join(f"{k}: {v:.4f}" for k, v in self.line.items() if k != "lr")
            at = f"{self.iteration:>{len(str(self.iters))}}/{self.iters}"
            self._log(f"Iter(train) [{at}]  {first}  {rest}")

    def _validated(self, scores: Values) -> None:
        areas = scores["areas"]
        plain = {name: value for name, value in scores.items() if name != "areas"}
        self._log(f"per class results:\n{_table(areas, self.classes)}")
        told = "  ".join(f"{name}: {value:.4f}" for name, value in plain.items())
        self._log(f"Iter(val) [{len(areas)}/{len(areas)}]    {told}")
        self._write({**plain, "step": self.iteration})

    def _write(self, line: dict[str, Any]) -> None:
        self._append(self.visual / "scalars.json", json.dumps(line) + "\n")
        if self.board is not None:
            for name, value in line.items():
                self.board.add_scalar(name, value, self.iteration)

    def _log(self, text: str) -> None:
        self._append(self.text, _LINE.format(datetime.now().strftime("%Y/%m/%d %H:%M:%S"), text))

    def _append(self, path: Path, text: str) -> None:
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error

    def save(self, found: LoopState) -> Path:
        """Write `found` as the checkpoint of its iteration. Raises InputError."""
        self._log(f"Saving checkpoint at {found.iteration} iterations")
        stamp = datetime.now().strftime("%Y%m%d_%H%M%S")
        meta: dict[str, Any] = {"seed": self.seed, "experiment_name": self.name, "time": stamp}
        meta |= {"parity_version": __version__, "asked": self.asked}
        return write_checkpoint(self.folder, found, meta)


def mean_of(value: Any) -> float:
    """Of a loss term: a tensor, or several."""
    if isinstance(value, torch.Tensor):
        return float(value.detach().mean())
    return float(sum(map(mean_of, value)))


def _table(areas: torch.Tensor, classes: Sequence[str]) -> str:
    ratios = class_ratios(ClassCounts(*areas.sum(0).numpy()))
    names = classes if len(classes) == len(ratios["IoU"]) else map(str, range(len(ratios["IoU"])))
    rows = [
        f"| {name} | {round(float(iou) * 100, 2)} | {round(float(acc) * 100, 2)} |"
        for name, iou, acc in zip(names, ratios["IoU"], ratios["Acc"], strict=True)
    ]
    rule = "+-------+-------+-------+"
    return "\n".join([rule, "| Class |  IoU  |  Acc  |", rule, *rows, rule])


def _board(folder: Path) -> Any:
    """A writer of TensorBoard's events; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError:
        return None
    return SummaryWriter(folder)
