"""What a config asks for, as our own steps with its options; nothing of it is executed.

The config is read in the terms of `parity.settings.terms`, with the defaults of the
reference's own signatures, so that mmseg 0.x and 1.x are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.errors import InputError, NotExercised
from parity.pipeline import Entry, Step
from parity.runs.config import installed_configs, read_config
from parity.runs.facts import Source, Unknown
from parity.settings.items import Item, plain
from parity.settings.terms import Terms, terms_of
from parity.steps.collate import collate_sample
from parity.steps.crop import crop_sample
from parity.steps.flip import flip_sample
from parity.steps.infer import infer_batch
from parity.steps.load import load_annotation_sample, load_image_sample
from parity.steps.multiscale import (
    random_choice_resize_sample,
    resize_shortest_edge_sample,
    resize_to_multiple_sample,
)
from parity.steps.photometric import photometric_sample
from parity.steps.resize import random_resize_sample, resize_sample

Function = Callable[..., Any]


def absent(value: Any, rng: Any) -> Any:
    """The place of a step that is not reimplemented; the reference takes it."""
    raise NotExercised("has no such step")


@dataclass(frozen=True)
class Form:
    """How an entry of a config becomes a step of ours.

    name: of the step. renamed: options that ours calls otherwise. fixed: options that
    ours has not, with the one value that it does. ignored: options that change no result.
    """

    name: str
    function: Function
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()


_FILES = frozenset({"file_client_args", "backend_args"})
FORMS: Mapping[str, Form] = {
    "LoadImageFromFile": Form(
        "load_image",
        load_image_sample,
        fixed={"to_float32": False, "color_type": "color", "imdecode_backend": "cv2"},
        ignored=_FILES,
    ),
    "LoadAnnotations": Form(
        "load_annotation",
        load_annotation_sample,
        fixed={"imdecode_backend": "pillow", "reduce_zero_label": None},
        ignored=_FILES,
    ),
    "RandomResize": Form("resize", random_resize_sample, fixed={"resize_type": "Resize"}),
    "Resize": Form("resize", resize_sample, ignored=frozenset({"clip_object_border"})),
    "RandomChoiceResize": Form("resize", random_choice_resize_sample),
    "ResizeShortestEdge": Form("resize", resize_shortest_edge_sample),
    "ResizeToMultiple": Form("resize_to_multiple", resize_to_multiple_sample),
    "RandomCrop": Form("crop", crop_sample),
    "RandomFlip": Form("flip", flip_sample),
    "PhotoMetricDistortion": Form("photometric", photometric_sample),
    "SegDataPreProcessor": Form(
        "collate",
        collate_sample,
        renamed={"pad_val": "pad_value", "seg_pad_val": "seg_pad_value"},
        fixed={"rgb_to_bgr": False, "batch_augments": None},
    ),
}
# What PackSegInputs leaves out unless its config says otherwise is left out by collate.
_PACK = "PackSegInputs"
_TEST_CFG = {"size": "test_size", "size_divisor": "test_size_divisor"}


@dataclass(frozen=True)
class Uncompared:
    """What of a config has no step here. source: where it is written, if anywhere."""

    what: str
    why: str
    source: Source | None = None

    def __str__(self) -> str:
        place = self.source and f" ({self.source.file}:{self.source.line})"
        return f"{self.what}{place or ''}: {self.why}"


@dataclass(frozen=True, eq=False)
class Recipe:
    """The steps of a config, in order, with its options.

    train, val: from the file on, to the batch. reduces: label 0, per split. infer: from a
    batch to logits. uncompared: what no step here does; the steps before it are compared,
    and those after it where they do not need it.
    """

    name: str
    terms: Terms
    train: tuple[Step, ...]
    val: tuple[Step, ...]
    num_classes: int
    reduces: Mapping[str, bool]
    uncompared: tuple[Uncompared, ...] = ()


def read(config: str | Path) -> Recipe:
    """The recipe of `config`: a name of the zoo, a path, or a work directory.

    Raises InputError where there is no such config, RunFormatError where it cannot be read.
    """
    path, tree = find_config(config)
    return recipe_of(terms_of(read_config(path, tree=tree)), str(config))


def find_config(config: str | Path) -> tuple[Path, Path | None]:
    """The file that `config` means, and the directory that its bases may not leave.

    Raises InputError.
    """
    path = Path(config)
    if path.is_file():
        return path, None
    if path.is_dir():
        found = sorted(path.glob("*.py")) or sorted(path.glob("*/vis_data/config.py"))
        if len(found) != 1:
            raise InputError(f"{path}: holds {len(found)} configs; name one of them")
        return found[0], None
    root = installed_configs()
    names = [] if root is None else sorted(root.glob(f"*/{path.name.removesuffix('.py')}.py"))
    if root is None or not names:
        raise InputError(f"{config}: is no file, no work directory and no config of the zoo")
    return names[0], root


def recipe_of(terms: Terms, name: str) -> Recipe:
    """The recipe of a config in the terms of `parity.settings.terms`."""
    reader = _Reader(terms)
    train, val = (reader.pipeline(split) for split in ("train", "val"))
    preprocessor = terms.item("model", "data_preprocessor")
    heads = terms.item("model", "decode_head").parts
    classes = heads[-1].get("num_classes").value if heads else None
    reduces = {
        split: bool(reader.datasets(split)[0].get("reduce_zero_label").value)
        for split in ("train", "val")
    }
    return Recipe(
        name,
        terms,
        (*train, *reader.collate(preprocessor, training=True)),
        (*val, *reader.collate(preprocessor, training=False)),
        classes if isinstance(classes, int) else 0,
        reduces,
        tuple(reader.uncompared),
    )


class _Reader:
    """Turns entries of a config into steps, and notes what it cannot."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.uncompared: list[Uncompared] = []

    def pipeline(self, split: str) -> list[Step]:
        """The steps of the data set of `split`; of several joined ones, those of the first."""
        first, *others = self.datasets(split)
        entries = first.get("pipeline").parts
        for other in others:
            if plain(other.get("pipeline")) != plain(first.get("pipeline")):
                self._note(other, f"{split} pipeline", "differs from that of the first data set")
        if not entries:
            self._note(first, f"{split} pipeline", "the config gives none")
        return [step for entry in entries for step in self._steps(entry, split)]

    def datasets(self, split: str) -> list[Item]:
        """The data set of `split`, or the ones that it joins."""
        dataset = self.terms.item(f"{split}_dataloader", "dataset")
        return dataset.get("datasets").parts or [dataset]

    def collate(self, entry: Item, *, training: bool) -> list[Step]:
        """``SegDataPreProcessor`` as the step after a pipeline."""
        return [
            replace(
                step,
                options=_for_testing(dict(step.options), training=training),
                entry=Entry("preprocess", self._entry(entry), {"training": training}),
            )
            for step in self._steps(entry, "model")
        ]

    def _steps(self, entry: Item, where: str) -> list[Step]:
        kind = entry.kind
        if kind == _PACK:
            return []
        given = Entry("transform", self._entry(entry))
        form = FORMS.get(kind)
        options = None if form is None else self._options(entry, form, where)
        if form is None:
            self._note(entry, f"{kind or 'an entry'} in {where}", "no step here does it")
        if form is None or options is None:
            return [Step(kind or "unknown", absent, {}, given)]
        return [Step(form.name, form.function, options, given)]

    def _options(self, entry: Item, form: Form, where: str) -> dict[str, Any] | None:
        """Those of ours; None, and a note, where ours cannot do what the entry asks for."""
        options = {}
        for key, item in entry.fields.items():
            value = self._value(item)
            if key == "type" or key in form.ignored:
                continue
            if isinstance(value, Unknown):
                self._note(item, f"{entry.kind}.{key} in {where}", value.note)
                return None
            if key not in form.fixed:
                options[form.renamed.get(key, key)] = value
            elif value != form.fixed[key]:
                told = f"{value!r}, and only {form.fixed[key]!r} is done here"
                self._note(item, f"{entry.kind}.{key} in {where}", told)
                return None
        return options

    def _entry(self, item: Item) -> dict[str, Any]:
        """What the reference builds: as the config writes it, or in the words of mmseg 1.x."""
        written = self._value(item)
        return dict(written) if isinstance(written, Mapping) else {}

    def _value(self, item: Item) -> Any:
        """As the config writes it; a default with tuples, as the reference has it."""
        if item.place is None or self.terms.config is None or self.terms.legacy:
            return _tuples(plain(item))
        written = self.terms.config.get(*item.place)
        return _tuples(plain(item)) if written is None else written

    def _note(self, item: Item, what: str, why: str) -> None:
        self.uncompared.append(Uncompared(what, why, self.terms.source(item)))


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(part) for part in value)
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return value


def _for_testing(options: dict[str, Any], *, training: bool) -> dict[str, Any]:
    given = options.pop("test_cfg", None) or {}
    renamed = {_TEST_CFG.get(key, key): value for key, value in given.items()}
    return {**options, **renamed, "training": training}
