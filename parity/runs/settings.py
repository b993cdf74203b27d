"""What a run was told to do: from its config, its log, and what its table states."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from parity.errors import RunFormatError
from parity.runs import options
from parity.runs.counts import epoch_images, images_of, loaded_parts, validation_batch
from parity.runs.datasets import dataset_of, planned_images, planned_validation
from parity.runs.facts import Config, Fact, Source
from parity.runs.families import backbone_of, method_of, model_path, scope_of
from parity.runs.log_data import LR_SCALED, SYNC_BN, processes_of
from parity.runs.options import augmentation_of, signature_of, test_mode_of
from parity.runs.record import CheckpointFile, Curve, Evaluation, Segment, Settings
from parity.runs.segments import Loaded

T = TypeVar("T")
# No count in a training run is larger; a file may say anything.
LARGEST = 10**15
NO_CONFIG = "no readable config in the run"


# What is read off the config by itself.
_READ: dict[str, Callable[[Config], Fact[Any]]] = {
    "method": method_of,
    "backbone": backbone_of,
    "dataset": dataset_of,
    "optimizer": options.mapping_at(("optim_wrapper", "optimizer"), ("optimizer",)),
    "paramwise": options.mapping_at(
        *((key, "paramwise_cfg") for key in ("optim_wrapper", "optimizer"))
    ),
    "clip_grad": options.mapping_at(
        ("optim_wrapper", "clip_grad"), ("optimizer_config", "grad_clip")
    ),
    "schedule": options.schedule_of,
    "precision": options.precision_of,
    "pretrained": options.pretrained_of,
    "norms": options.norms_of,
    "test_mode": test_mode_of,
    "test_time_augmentation": augmentation_of,
    "signature": signature_of,
}


def settings_of(evidence: SettingSources) -> Settings:
    """All settings; what a table states counts where no config or log does."""
    known = {
        "config_name": evidence.config_name,
        "framework": evidence.or_stated("framework", evidence.framework),
        "scope": scope_of(evidence.config, evidence.last.logger, evidence.environment),
        **{name: evidence.or_stated(name, evidence.of(read)) for name, read in _READ.items()},
    }
    others = [item.name for item in fields(Settings) if item.name not in known]
    return Settings(**known, **{name: getattr(evidence, name)() for name in others})


@dataclass(frozen=True)
class SettingSources:
    """Everything settings are derived from: those that no function reads off the config alone.

    last: of several segments the last that trained. stated: what files of another program say.
    """

    config: Config | None
    config_name: Fact[str]
    framework: Fact[str]
    environment: Mapping[str, Fact[str]]
    segments: tuple[Segment, ...]
    curves: Mapping[str, Curve]
    evaluations: tuple[Evaluation, ...]
    checkpoints: tuple[CheckpointFile, ...]
    last: Loaded
    stated: Mapping[str, Fact[Any]]

    def of(self, function: Callable[[Config], Fact[T]]) -> Fact[T]:
        """What `function` reads from the config."""
        if self.config is None:
            return Fact(note=NO_CONFIG)
        try:
            return function(self.config)
        except RunFormatError as error:
            # A config may hold anything anywhere; one odd value costs one fact, not the run.
            return Fact(note=f"{self.config.file} is not as mmseg writes it: {error}")

    def or_stated(self, key: str, fact: Fact[T]) -> Fact[T]:
        """`fact`, else what files of another program state under `key`."""
        return fact if fact.known else self.stated.get(key, fact)

    def _number(self, key: str, *paths: tuple[str | int, ...]) -> Fact[int]:
        fact = self.of(lambda config: options.first_of(config, *paths)) if paths else Fact[Any]()
        fact = self.or_stated(key, fact)
        if type(fact.value) is int and 0 <= fact.value <= LARGEST:
            return fact
        if fact.value is None:
            return fact
        return Fact(note=f"{str(fact.value)[:200]!r} is no number")

    def _logged(self, name: str) -> Fact[int]:
        """A number in the environment block of the log."""
        stated = self.environment.get(name, Fact[str]())
        if re.fullmatch(r"-?[0-9]{1,18}", stated.value or ""):
            return Fact(int(stated.value or 0), stated.source)
        return Fact(note=f"the log gives no {name}")

    def dataset_size(self) -> Fact[int]:
        """As the log states, else by epoch length, else as many as the config asks for."""
        loaded, length = self.loaded_images(), self.last.loader_length
        if loaded.known:
            return loaded
        planned = self.of(planned_images)
        world, samples = self.world_size().value, self.samples_per_gpu().value
        ends = epoch_images(self.config, length.value or 0, world or 0, samples or 0)
        if length.value and world and samples and ends is not None:
            low, high = ends
            if low <= (planned.value or -1) <= high:
                return planned
            note = f"{length.value} batches of {world} x {samples} per epoch: at least {low}, "
            note += f"at most {high} images"
            return Fact(min(high, length.value * world * samples), length.source, note)
        return self.or_stated("dataset_size", self._unless_contradicted(planned))

    def _unless_contradicted(self, planned: Fact[int]) -> Fact[int]:
        """`planned`, unless a validation shows that the data set is another one."""
        whole, world = self.of(planned_validation).value, self.world_size().value
        for item in self.evaluations if planned.known and whole and world else ():
            batch = validation_batch(self.config, item.split)
            low, high = images_of(item.samples or 0, world or 0, batch or 0)
            counted = item.split == "val" and item.samples and batch
            if counted and not low <= (whole or 0) <= high:
                note = f"validation took {item.samples} batches, {low} to {high} images, "
                note += f"of which the whole data set has {whole}"
                return Fact(None, item.source, f"{note}; no file says how many images there were")
        return planned

    def classes(self) -> Fact[int]:
        """Of the last decode head, whose scores count."""
        model = ("model",) if self.config is None else model_path(self.config)
        heads = (*model, "decode_head")
        return self._number("classes", (*heads, -1, "num_classes"), (*heads, "num_classes"))

    def loaded_images(self) -> Fact[int]:
        """Training images that the log states: of a test alone it would be others."""
        parts = loaded_parts(self.config)
        stated = self.last.images[:parts]
        if not self.curves or len(stated) < parts:
            return Fact(note="the log does not state how many images were loaded for training")
        note = "" if parts == 1 else " + ".join(str(fact.value) for fact in stated)
        return Fact(sum(fact.value or 0 for fact in stated), stated[0].source, note)

    def epoch_length(self) -> Fact[int]:
        """Batches of one process."""
        length = self.last.loader_length
        return length if length.known else Fact(note="the run was not logged by epoch")

    def crop_size(self) -> Fact[tuple[int, int]]:
        """``(height, width)``."""
        fact: Fact[Any] = self.or_stated("crop_size", self.of(options.crop_size_of))
        size = (fact.value, fact.value) if type(fact.value) is int else fact.value
        if isinstance(size, (list, tuple)) and [type(n) for n in size] == [int, int]:
            return Fact((size[0], size[1]), fact.source, fact.note)
        return Fact(note=fact.note or f"{size!r} is no crop size")

    def iterations(self) -> Fact[int]:
        """Iterations done, by the last logged step, a later evaluation or checkpoint."""
        found: list[Fact[int]] = [
            Fact(int(curve.steps[-1]), curve.source(-1))
            for curve in self.curves.values()
            if len(curve)
        ]
        for scored in self.evaluations:
            if scored.step is not None:
                found.append(Fact(scored.step, scored.source, "by the last evaluation"))
        for item in self.checkpoints:
            if item.kind == "iter" and item.step is not None:
                found.append(Fact(item.step, Source(item.file), "by the name of the checkpoint"))
        known = max(found, key=lambda fact: fact.value or 0, default=None)
        return known or Fact(note="no training was logged")

    def max_iters(self) -> Fact[int]:
        """Iterations planned."""
        paths = (("train_cfg", "max_iters"), ("runner", "max_iters"), ("total_iters",))
        planned = self._number("max_iters", *paths)
        if planned.known:
            return planned
        if self.last.max_iters.known:
            return self.last.max_iters
        epochs = self._number("", ("train_cfg", "max_epochs"), ("runner", "max_epochs"))
        length = self.last.loader_length.value
        if epochs.value and length:
            note = f"{epochs.value} epochs of {length} batches"
            return Fact(epochs.value * length, epochs.source, note)
        return planned

    def world_size(self) -> Fact[int]:
        """Processes that trained together, by the log of the last segment."""
        logged = processes_of(self.config, self.environment)
        stated = self._number("world_size")
        return stated if stated.known and not logged.known else logged

    def samples_per_gpu(self) -> Fact[int]:
        """By the training's loader."""
        return self._number(
            "samples_per_gpu",
            ("train_dataloader", "batch_size"),
            ("data", "samples_per_gpu"),
            ("data", "train_dataloader", "samples_per_gpu"),
            ("data", "imgs_per_gpu"),
        )

    def accumulation(self) -> Fact[int]:
        """Micro-batches per optimizer step; 1 where a config sets none."""
        paths = ("optim_wrapper", "accumulative_counts"), ("optimizer_config", "cumulative_iters")
        fact = self._number("accumulation", *paths)
        if fact.known or fact.source is not None or self.config is None:
            return fact
        return Fact(1, Source(self.config.file), "none set")

    def effective_batch(self) -> Fact[int]:
        """The product of the three, else as stated."""
        parts = (self.world_size(), self.samples_per_gpu(), self.accumulation())
        numbers = [part.value for part in parts]
        if None in numbers and "effective_batch" in self.stated:
            return self._number("effective_batch")
        if None in numbers:
            names = ("world size", "samples per GPU", "accumulation")
            lacking = [n for n, value in zip(names, numbers, strict=True) if value is None]
            return Fact(note=f"{' and '.join(lacking)} not known")
        world, samples, accumulation = (int(number or 0) for number in numbers)
        note = f"{world} x {samples} x {accumulation}"
        return Fact(world * samples * accumulation, parts[1].source, note)

    def passes(self) -> Fact[float]:
        """Over the training set. iterations counts micro-batches, so accumulation adds none."""
        iterations, size = self.iterations(), self.dataset_size()
        world, samples = self.world_size().value, self.samples_per_gpu().value
        if not (iterations.value and size.value and world and samples):
            return Fact(note="iterations, batch or size of the data set not known")
        note = f"{iterations.value} x {world} x {samples} / {size.value}"
        return Fact(iterations.value * world * samples / size.value, iterations.source, note)

    def lr_scaling(self) -> Fact[str]:
        """``scaled`` when the log says so, else ``off`` (mmengine's default)."""
        for segment in reversed(self.segments):
            if LR_SCALED in segment.notices:
                return Fact("scaled", segment.notices[LR_SCALED])
        if self.config is None:
            return Fact(note=NO_CONFIG)
        enabled = self.of(lambda config: config.fact("auto_scale_lr", "enable"))
        if enabled.value:
            return Fact(note="auto_scale_lr is enabled, but the log does not say that it was used")
        if enabled.note:
            return Fact(None, enabled.source, enabled.note)
        return Fact("off", enabled.source or Source(self.config.file), "not enabled")

    def sync_bn_reverted(self) -> Fact[bool]:
        """Whether SyncBN was configured, and turned into plain BN for lack of other processes."""
        norms = self.of(options.norms_of).value
        lines = [s.notices[SYNC_BN] for s in reversed(self.segments) if SYNC_BN in s.notices]
        if norms is None:
            return Fact(note=NO_CONFIG)
        if "SyncBN" not in norms:
            return Fact(False, self.of(options.norms_of).source, "the config has no SyncBN")
        if lines:
            return Fact(True, lines[0])
        stated = self.environment.get("Distributed training", Fact[str]())
        if stated.value == "True":
            return Fact(False, stated.source)
        return Fact(note="the log says neither that SyncBN was reverted nor that it was kept")

    def seed(self) -> Fact[int]:
        """As logged, else as configured."""
        stated = self._logged("seed")
        return stated if stated.known else self._number("seed", ("randomness", "seed"), ("seed",))
