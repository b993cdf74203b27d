"""Whether a training is worth starting, from its config and what it will read; nothing is run."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.causes.catalogue import named_cause
from parity.causes.cause import Finding, RunContext
from parity.causes.examine import SETTING, examine_all
from parity.causes.facts import classes_of, dataset, intended_batch
from parity.errors import InputError, ParityError
from parity.explain.comparable import incomparable
from parity.explain.row import beside_row, choose, terms_of_run
from parity.guard import doctor
from parity.guard.data import SplitReport, labels_alone, look, report_of, split_pairs
from parity.guard.doctor import ERROR, OK, WARNING, Line
from parity.guard.judge import BROKEN, DIFFERENT, planned_run
from parity.guard.ops import NAMES, OPS
from parity.guard.weights import weights_lines, with_weights
from parity.recipe import FoundConfig, find_config
from parity.runs.datasets import KNOWN, planned_images, planned_validation
from parity.runs.facts import Config, Fact
from parity.settings import Terms
from parity.settings.terms import terms_of

SAMPLE = 64  # pairs of each split that are decoded
LITTLE = 5 << 30
_NO_GO = (*BROKEN, *DIFFERENT, "pretrain-absent", "rate-zero", "reduce-zero", "num-classes")
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Flight:
    """What is to be trained. gpus: processes. data: another root. checkpoint: other weights.

    given: the config as the user calls it.
    """

    given: str
    found: FoundConfig
    context: RunContext
    gpus: int
    data: Path | None
    checkpoint: Path | None

    @property
    def config(self) -> Config:
        """The config as it was read."""
        return self.found.config

    @property
    def terms(self) -> Terms:
        """The config in one set of terms."""
        assert self.context.mine is not None
        return self.context.mine


def planned(
    config: str,
    *,
    gpus: int | None = None,
    data: Path | None = None,
    checkpoint: Path | None = None,
) -> Flight:
    """The training of `config`, by default on the GPUs that its name says.

    Raises InputError where it is no config that can be looked at.
    """
    found = find_config(config)
    if terms_of(found.config).legacy:
        raise InputError(f"{config}: is of mmseg 0.x; a training of mmseg 1.x is looked at")
    for part in ("model", "train_dataloader"):
        if not terms_of(found.config).item(part).fields:
            raise InputError(f"{config}: has no {part}, and cannot be trained")
    run = planned_run(found.config, name=found.name, gpus=gpus or 1)
    choice = choose(run, terms=terms_of_run(run))
    context = beside_row(run, terms_of_run(run), choice)
    meant, each = intended_batch(context)[0], run.settings.effective_batch.value
    if gpus is None and meant and each:
        gpus = max(1, meant // each)
        run = planned_run(found.config, name=found.name, gpus=gpus)
        context = beside_row(run, terms_of_run(run), choice)
    return Flight(config, found, context, gpus or 1, data, checkpoint)


def examine(
    flight: Flight, *, accept: Collection[str] = (), elsewhere: bool = False
) -> Iterator[Line]:
    """Every line of the answer. accept: causes that are meant. elsewhere: not in this environment.

    An error is a reason not to start. Raises InputError for a cause that there is not.
    """
    for name in accept:
        named_cause(name)
    yield _config_line(flight)
    lines, weights = weights_lines(flight.config, flight.terms, flight.checkpoint)
    loaded = replace(flight.context, run=with_weights(flight.context.run, weights))
    yield from _finding_lines(loaded, flight, accept)
    for split in ("train", "val"):
        yield from _data_lines(flight, split)
    yield from lines
    yield from _crop_lines(flight.terms)
    yield _disk_line(flight)
    yield _ops_line(flight)
    if not elsewhere:
        yield from _environment_lines()


def _config_line(flight: Flight) -> Line:
    row, notes = flight.context.row, flight.config.notes
    beside = f"beside the zoo's {row.name} ({row.miou:g} mIoU)" if row else "beside no zoo row"
    text = f"{flight.found.name}, {flight.gpus} GPU{'s' * (flight.gpus > 1)}, {beside}"
    reasons = incomparable(flight.context)
    text += f"; not comparable: {reasons[0].reason}" if reasons else ""
    text += f"; {len(notes)} values not known: {notes[0]}" if notes else ""
    return Line("config", WARNING if reasons or notes else OK, text)


def _finding_lines(context: RunContext, flight: Flight, accept: Collection[str]) -> Iterator[Line]:
    settings: list[Finding] = []
    for found in examine_all(context).findings:
        if found.kind == "marker" or found.part_of:
            continue
        if found.id.startswith(SETTING):
            settings.append(found)
            continue
        stops = found.id in _NO_GO and found.id not in accept
        text = ": ".join(filter(None, [found.title, found.detail or found.why]))
        fix = ""
        if stops and found.id in DIFFERENT:
            fix = f"parity derive {flight.given} --gpus {flight.gpus} --out FILE"
        elif stops:
            text += f". {found.fix}"
        yield Line(found.id, ERROR if stops else WARNING, text, fix)
    if settings:
        shown = "; ".join(item.detail for item in settings[:_SHOWN])
        more = f"; {len(settings) - _SHOWN} more" if len(settings) > _SHOWN else ""
        yield Line("settings", WARNING, f"{len(settings)} differ from the zoo's: {shown}{more}")


def _data_lines(flight: Flight, split: str) -> Iterator[Line]:
    given = dataset(flight.terms, split)
    prefix = given.get("data_prefix")
    folders = [prefix.get(key).value for key in ("img_path", "seg_map_path")]
    own = given.get("data_root").value
    name = f"{split} data"
    if not all(isinstance(folder, str) for folder in folders) or given.get("ann_file").value:
        yield Line(name, WARNING, f"not checked: {given.kind or 'no data set'} lists its files "
                   "otherwise than by two folders")  # fmt: skip
        return
    root = flight.data or Path(own if isinstance(own, str) else "")
    images, labels = (root / str(folder) for folder in folders)
    suffixes = {
        key: str(given.get(key).value or default)
        for key, default in (("img_suffix", ".jpg"), ("seg_map_suffix", ".png"))
    }
    try:
        pairs = split_pairs(images, labels, **suffixes)
    except InputError as error:
        yield Line(name, ERROR, str(error), "name the root with --data")
        return
    step = max(1, len(pairs) // SAMPLE)
    alone = labels_alone(pairs, labels, suffixes["seg_map_suffix"])
    found = report_of(split, map(look, pairs[::step][:SAMPLE]), alone)
    missing = [pair.label for pair in pairs if pair.label is None or not pair.label.is_file()]
    yield _count_line(name, flight.config, split, len(pairs), found, len(missing))
    yield _ids_line(name, flight, split, found)


def _count_line(
    name: str, config: Config, split: str, count: int, found: SplitReport, missing: int
) -> Line:
    fact: Fact[int] = planned_images(config) if split == "train" else planned_validation(config)
    small, large = ("x".join(map(str, size)) for size in (found.smallest, found.largest))
    text = f"{count:,} images, {small} to {large} in a sample"
    if found.troubles or missing:
        first = (found.troubles or ("a label map is missing",))[0]
        told = f"{text}; {missing} without a label map; {first}"
        return Line(name, ERROR, told, "parity dataset check ROOT")
    if fact.value is not None and fact.value != count:
        return Line(name, WARNING, f"{text}; the data set has {fact.value:,}")
    return Line(name, OK, text)


def _ids_line(name: str, flight: Flight, split: str, found: SplitReport) -> Line:
    """Whether the ids of the sample are those that the loss takes."""
    name = f"{split} labels"
    ids = [int(at) for at in np.flatnonzero(found.ids) if at != 255]
    classes = classes_of(flight.context.run, flight.terms)
    if not ids or classes is None:
        return Line(name, WARNING, "not checked: no ids, or the number of classes is not known")
    reduces = bool(dataset(flight.terms, split).get("reduce_zero_label").value)
    last = classes.count if reduces else classes.count - 1
    text = f"ids {min(ids)} to {max(ids)}, {len(ids)} in all, 0 in "
    text += f"{found.ids[0] / max(found.ids.sum(), 1):.1%} of the pixels"
    if max(ids) > last:
        how = "reduced by 1" if reduces else "as they are"
        told = f"{text}; {classes.count} classes {how} take none above {last}"
        return Line(name, ERROR, told)
    info = KNOWN.get(dataset(flight.terms, split).kind)
    if info is not None and info.reduces and not reduces:
        return Line(name, ERROR, f"{text}; reduce_zero_label is off, and 0 is no class there")
    return Line(name, OK, text)


def _crop_lines(terms: Terms) -> Iterator[Line]:
    crop = dataset(terms, "train").get("pipeline").get("RandomCrop").get("crop_size")
    size = _pair(crop.parts)
    if size is None:
        yield Line("crop", WARNING, "no RandomCrop of a known size in the training pipeline")
        return
    text = f"{size[0]}x{size[1]}"
    padded = _pair(terms.item("model", "data_preprocessor", "size").parts)
    test = terms.item("model", "test_cfg")
    slide = _pair(test.get("crop_size").parts) if test.get("mode").value == "slide" else None
    if padded is not None and padded != size:
        told = f"{text}, but batches are padded to {padded[0]}x{padded[1]} (data_preprocessor.size)"
        yield Line("crop", WARNING, told)
    elif slide is not None and slide != size:
        yield Line("crop", WARNING, f"{text}, but scored in windows of {slide[0]}x{slide[1]}")
    else:
        mode = "windows of the same size" if slide else "whole images"
        yield Line("crop", OK, f"{text}, scored on {mode}")


def _pair(parts: Sequence[Any]) -> tuple[int, int] | None:
    values = [part.value for part in parts]
    return (values[0], values[1]) if [type(v) for v in values] == [int, int] else None


def _disk_line(flight: Flight) -> Line:
    hook = flight.terms.item("default_hooks", "checkpoint")
    length, every = flight.terms.get("train_cfg", "max_iters"), hook.get("interval").value
    most = hook.get("max_keep_ckpts").value
    free = shutil.disk_usage(Path()).free
    text = f"{free / 2**30:.0f} GB free here"
    if type(length) is int and type(every) is int and every > 0 and not hook.get("by_epoch").value:
        kept = length // every if type(most) is not int or most < 1 else min(most, length // every)
        text += f"; {kept + bool(hook.get('save_best').value)} checkpoints are kept"
    return Line("disk", WARNING if free < LITTLE else OK, text)


def _ops_line(flight: Flight) -> Line:
    method = flight.context.run.settings.method.value
    needed = [op.name for op in OPS if method in map(NAMES.get, op.models)]
    if not needed:
        return Line("ops", OK, f"{method or 'the model'} calls no op of mmcv that the zoo's do")
    compiled = [op.name for op in OPS if op.name in needed and op.compiled]
    text = f"{method} calls {', '.join(needed)}"
    if not compiled:
        return Line("ops", OK, f"{text}, in Python")
    return Line("ops", WARNING, f"{text}; not run here", "parity ops")


def _environment_lines() -> Iterator[Line]:
    try:
        lines = doctor.diagnose(doctor.examine(data=None, gpus=[]))
    except (ParityError, OSError) as error:
        yield Line("environment", WARNING, f"not checked: {error}", "parity doctor")
        return
    yield from (line for line in lines if line.status == ERROR)
    warnings = [line.name for line in lines if line.status == WARNING]
    if warnings:
        yield Line("environment", WARNING, f"see {', '.join(warnings)}", "parity doctor")
