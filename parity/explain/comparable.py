"""Whether two scores may be compared at all, and what to keep in mind about them."""

import re
from dataclasses import dataclass

import numpy as np

from parity.causes.cause import RunContext
from parity.causes.facts import Classes, classes_of, dataset
from parity.check.exhibit.curves import curve
from parity.check.exhibit.records import Series
from parity.runs.datasets import KNOWN
from parity.runs.record import Run
from parity.settings.items import bare, plain
from parity.settings.terms import Terms
from parity.zoo.configs import crop_text, model_signature
from parity.zoo.rows import ScoreRow, may_be

_SINGLE = ("none", None)
# How folders and lists of images name the split they hold.
_SPLIT = re.compile(r"(?<![a-z])(train(?:ing|aug|val)?|val(?:idation)?|test(?:ing)?)(?![a-z])")
_SPLITS = {"training": "train", "validation": "val", "testing": "test", "trainaug": "train"}
_MODEL = ("model.backbone.*", "model.decode_head*.type")


@dataclass(frozen=True)
class Incomparable:
    """One reason why two scores say nothing about each other. paths: the settings behind it."""

    reason: str
    paths: tuple[str, ...] = ()


def incomparable(context: RunContext) -> tuple[Incomparable, ...]:
    """Every reason not to compare the run with the row or run of `context`; none if it may be."""
    if context.row is None and context.other is None:
        return ()
    checks = (
        _dataset(context),
        _classes(context),
        _split(context),
        _model(context),
        _kind(context),
    )
    return tuple(item for item in checks if item is not None)


def _there(context: RunContext) -> str:
    return f"the run {context.other.name}" if context.other else f"the row {context.row_name}"


def _dataset(context: RunContext) -> Incomparable | None:
    mine, theirs = _dataset_of(context.run, context.mine), None
    if context.row is not None:
        theirs = context.row.dataset
        same = mine is None or may_be(mine, theirs)
    else:
        assert context.other is not None
        theirs = _dataset_of(context.other, context.expected)
        same = mine is None or theirs is None or mine == theirs
    if same:
        return None
    paths = tuple(d.path for d in context.differing("*_dataloader.dataset.type"))
    return Incomparable(f"the run is on {mine}, {_there(context)} on {theirs}", paths)


def _dataset_of(run: Run, terms: Terms | None) -> str | None:
    """By the class of the validation data, else as stated."""
    kind = "" if terms is None else dataset(terms, "val").kind
    if kind in KNOWN:
        return KNOWN[kind].name
    return kind or run.settings.dataset.value


def _classes(context: RunContext) -> Incomparable | None:
    mine, theirs = classes_of(context.run, context.mine), _classes_there(context)
    if mine is None or theirs is None or mine.count == theirs.count:
        return None
    says = {"metainfo": "its metainfo", "log": "the log's table per class", "head": "its head",
            "data set": "its data set"}[mine.how]  # fmt: skip
    paths = tuple(d.path for d in context.differing("model.*num_classes", "*.metainfo*"))
    reason = f"the run has {mine.count} classes, by {says}; {_there(context)} has {theirs.count}"
    return Incomparable(reason, paths)


def _classes_there(context: RunContext) -> Classes | None:
    if context.other is not None:
        return classes_of(context.other, context.expected)
    if context.expected is None:
        return None
    info = KNOWN.get(dataset(context.expected, "val").kind)
    return None if info is None else Classes(info.classes, "data set")


def _split(context: RunContext) -> Incomparable | None:
    """The images that are scored: validation images, not those that were trained on."""
    if context.mine is None or context.expected is None:
        return None
    last = context.run.last
    name = "test" if last is not None and last.split == "test" else "val"
    mine, theirs = _split_of(context.mine, name), _split_of(context.expected, "val")
    if not mine or not theirs or mine == theirs:
        return None
    owner = f"{name}_dataloader.dataset"
    found = context.differing(f"{owner}.data_prefix*", f"{owner}.ann_file")
    paths = tuple(d.path for d in found)
    reason = f"the run is scored on the {mine} split, {_there(context)} on the {theirs} split"
    return Incomparable(reason, paths)


def _split_of(terms: Terms, name: str) -> str:
    owner = dataset(terms, name)
    for item in (owner.get("ann_file"), owner.get("data_prefix", "img_path")):
        if isinstance(item.value, str) and item.value:
            found = _SPLIT.findall(item.value.lower())
            if found:
                return _SPLITS.get(str(found[-1]), str(found[-1]))
    return ""


def _model(context: RunContext) -> Incomparable | None:
    mine, expected = context.run.config, context.expected
    if mine is None or expected is None or expected.config is None:
        return _stated_model(context)
    here, there = model_signature(mine), model_signature(expected.config)
    if here == there:
        return None
    parts = []
    for what, left, right in zip(("decode head", "backbone"), here, there, strict=False):
        if left != right:
            parts.append(f"{what} {_shown(left)} here, {_shown(right)} there")
    sizes = dict(here[2]), dict(there[2])
    parts += [
        f"backbone {key} {sizes[0].get(key)} here, {sizes[1].get(key)} there"
        for key in sorted(sizes[0].keys() | sizes[1].keys())
        if here[1] == there[1] and sizes[0].get(key) != sizes[1].get(key)
    ]
    keys = tuple(f"model.backbone.{key}" for key in ("type", *sizes[0], *sizes[1]))
    paths = tuple(d.path for d in context.differing(*keys, "model.decode_head*type"))
    return Incomparable(f"another model than that of {_there(context)}: {'; '.join(parts)}", paths)


def _stated_model(context: RunContext) -> Incomparable | None:
    """Of a run without config: what its table states."""
    mine = context.run.settings.method.value
    theirs = context.row.method if context.row is not None else None
    if context.other is not None:
        theirs = context.other.settings.method.value
    if mine is None or theirs is None or _plain(mine) == _plain(theirs):
        return None
    return Incomparable(
        f"another model than that of {_there(context)}: {mine} here, {theirs} there"
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else bare(value) or str(value)


def _kind(context: RunContext) -> Incomparable | None:
    """Single scale, or several views of each image."""
    mine = context.run.settings.test_time_augmentation.value
    if context.other is not None:
        theirs = context.other.settings.test_time_augmentation.value
        if mine is None or theirs is None or mine == theirs:
            return None
        return Incomparable(f"scored with test-time augmentation {mine} here, {theirs} there")
    if mine in _SINGLE or (context.row is not None and context.row.miou_ms is not None):
        return None
    reason = f"scored with test-time augmentation ({mine}); the row has a single-scale figure alone"
    return Incomparable(reason)


def figure(run: Run, row: ScoreRow) -> float:
    """The row's figure that is of the run's kind: single scale, or ms+flip."""
    augmented = run.settings.test_time_augmentation.value not in (*_SINGLE, "")
    return row.miou_ms if augmented and row.miou_ms is not None else row.miou


def score_curve(run: Run, row: ScoreRow | None) -> Series | None:
    """Every score beside the final one of `row`; None where that would be no curve."""
    scores = [score for score in run.scores if score.step is not None]
    if row is None or len(scores) < 2:
        return None
    steps = np.array([score.step for score in scores])
    values = np.array([score.value for score in scores])
    return curve("mIoU", "iteration", steps, values, np.full(len(steps), row.miou))


def notes_of(context: RunContext) -> tuple[str, ...]:
    """What to keep in mind about the scores that are compared."""
    run = context.run
    notes = list(run.notes)
    if run.last is not None and run.best is not None and run.best.value > run.last.value:
        notes.append(
            f"the gap is of the last score, {run.last.value:.2f}; the best is "
            f"{run.best.value:.2f} at iteration {run.best.step}, a maximum over several"
        )
    if run.last is None:
        notes.append("the run has no score")
    notes += _other_length(context)
    if context.row is not None:
        notes += [f"zoo row: {note}" for note in context.row.notes]
        notes += _row_crop(context.row, context.expected)
    return tuple(notes)


def _other_length(context: RunContext) -> list[str]:
    """Scores of trainings of unequal length are no like for like."""
    here, there = context.run.last, context.other.last if context.other else None
    if here is None or there is None or None in (here.step, there.step) or here.step == there.step:
        return []
    return [f"the scores compared are of iteration {here.step} here and {there.step} there"]


def _row_crop(row: ScoreRow, terms: Terms | None) -> list[str]:
    """Where a released config crops otherwise than its name says (K-Net Swin-L 640 does)."""
    crop = ""
    if terms is not None:
        size = dataset(terms, "train").get("pipeline", "RandomCrop", "crop_size")
        crop = crop_text(plain(size))
    if not crop or not row.crop or crop == row.crop:
        return []
    return [f"zoo row: {row.config} as released crops {crop}, not {row.crop} as its name says"]
