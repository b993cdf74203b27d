"""The settings in which rows of the zoo differ: which terms each owns, and its value in a row.

The terms are a config reduced to what trains and scores, as one flat mapping. What is
bookkeeping (how often a checkpoint is written or an evaluation is made, workers, folders) is left
out; what follows from another term is written as following from it, so that two configs that
differ in one setting differ in the terms of that setting only.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parity.runs.facts import Config
from parity.zoo.configs import crop_text, schedule_text
from parity.zoo.rows import ScoreRow

FlatTerms = Mapping[str, Any]

ITERATIONS = "train_cfg.max_iters"
BATCH = "batch"
WEIGHTS = "pretraining.file"
PRETRAINING = "pretraining.data"
MODE = "model.test_cfg.mode"
_SECTIONS = (
    "model",
    "train_dataloader",
    "test_dataloader",
    "test_evaluator",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "load_from",
)
_BOOKKEEPING = re.compile(
    r"train_cfg\.(val_interval|val_begin|dynamic_intervals)"
    r"|(train|test)_dataloader\.(num_workers|persistent_workers|pin_memory|sampler|batch_size)\b.*"
    r"|(train|test)_dataloader\.dataset\.data_root"
    r"|test_evaluator\.(output_dir|format_only)"
    # Said again by the terms of pretraining.
    r"|model\.pretrained|model\.backbone\.pretrained"
    r"|model\.backbone(\.backbone_cfg)?\.init_cfg(\..*)?"
)
_LAST_STEP = re.compile(r"param_scheduler\.(\d+\.)?(end|T_max)")
_DATA = (
    (re.compile(r"(?<![a-z0-9])(in)?2[12]k(?![a-z0-9])"), "ImageNet-22k"),
    (re.compile(r"(?<![a-z0-9])in1k(?![a-z0-9])|^(torchvision|open-mmlab)://"), "ImageNet-1k"),
)


def terms_of(row: ScoreRow, config: Config) -> FlatTerms:
    """What `config` says of training and scoring, and the batch, which only the row says."""
    iterations = config.get("train_cfg", "max_iters")
    terms: dict[str, Any] = {}
    for section in _SECTIONS:
        for path, value in _leaves(config.get(section), section):
            if _BOOKKEEPING.fullmatch(path):
                continue
            ends = _LAST_STEP.fullmatch(path) and value == iterations
            terms[path] = "the last iteration" if ends else value
    file = _weights_file(config)
    return terms | {BATCH: row.batch, WEIGHTS: file, PRETRAINING: pretraining_data(row.name, file)}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    elif value is not None:
        yield path, repr(value) if isinstance(value, (list, tuple, float)) else value


def _weights_file(config: Config) -> str:
    """The file that the backbone starts from; "" for none."""
    places = (
        ("model", "pretrained"),
        ("model", "backbone", "pretrained"),
        ("model", "backbone", "init_cfg", "checkpoint"),
        ("model", "backbone", "backbone_cfg", "init_cfg", "checkpoint"),
    )
    found = (config.get(*place) for place in places)
    return next((str(value) for value in found if value), "")


def pretraining_data(name: str, file: str) -> str:
    """The images that `file` was trained on, by its name or the config's; "" where neither says."""
    if not file:
        return "none"
    said = [data for pattern, data in _DATA if pattern.search(file.lower())]
    said += [data for pattern, data in _DATA if pattern.search(name.lower())]
    return said[0] if said else ""


SCALES = "ms+flip"
SINGLE = "single scale"
HEAD = "head"
WINDOW = "whole or slide"
_CROP = (
    r"model\.data_preprocessor\.size|model\.test_cfg\.(crop_size|stride)"
    r"|train_dataloader\.dataset\.pipeline\.\d+\.(scale|crop_size)"
    r"|test_dataloader\.dataset\.pipeline\.\d+\.scale"
)
_RANDOM_CROP = re.compile(r"train_dataloader\.dataset\.pipeline\.\d+\.crop_size")
_PRETRAINING = ("", "none", "ImageNet-1k", "ImageNet-22k")


@dataclass(frozen=True, order=True)
class Value:
    """What a setting is in one row. order: the lower first; values of equal order are no pair."""

    order: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class VariedSetting:
    """owns: the terms in which rows that differ in it may differ. value: of one row."""

    name: str
    owns: re.Pattern[str]
    value: Callable[[ScoreRow, FlatTerms], Value]


def value_text(value: object) -> str:
    """A value as pairs write it: 80000 is ``80k``, (512, 1024) ``512x1024``."""
    if isinstance(value, (list, tuple)):
        return crop_text(value)
    return schedule_text(value) if isinstance(value, int) and value >= 1000 else str(value)


def _number(path: str) -> Callable[[ScoreRow, FlatTerms], Value]:
    def value(_: ScoreRow, terms: FlatTerms) -> Value:
        found = terms.get(path)
        return Value((found,), value_text(found)) if isinstance(found, int) else Value((), "")

    return value


def _numbers(values: Iterable[object]) -> tuple[int, ...]:
    return tuple(int(number) for value in values for number in re.findall(r"\d+", str(value)))


def _crop(_: ScoreRow, terms: FlatTerms) -> Value:
    """What training crops to; the larger area is the higher value."""
    sides = _numbers(terms[path] for path in terms if _RANDOM_CROP.fullmatch(path))
    return Value((math.prod(sides),), "x".join(map(str, sides)))


def _mode(_: ScoreRow, terms: FlatTerms) -> Value:
    mode = str(terms.get(MODE, ""))
    return Value((int(mode == "slide"),), mode)


def _crop_and_mode(row: ScoreRow, terms: FlatTerms) -> Value:
    crop, mode = _crop(row, terms), _mode(row, terms)
    return Value(crop.order + mode.order, f"{crop.text} {mode.text}")


def _pretraining(_: ScoreRow, terms: FlatTerms) -> Value:
    data = terms[PRETRAINING]
    return Value((_PRETRAINING.index(data),), data)


def _depth(row: ScoreRow, terms: FlatTerms) -> Value:
    """A ResNet by its layers, any other backbone by its name in the metafile."""
    layers = _numbers(value for path, value in terms.items() if _LAYERS.fullmatch(path))
    depth = terms.get("model.backbone.depth")
    return Value((sum(layers),), f"ResNet-{depth}" if isinstance(depth, int) else row.backbone)


def _precision(_: ScoreRow, terms: FlatTerms) -> Value:
    mixed = terms.get("optim_wrapper.type") == "AmpOptimWrapper"
    return Value((int(mixed),), "AMP" if mixed else "float32")


def _head(row: ScoreRow, _: FlatTerms) -> Value:
    """By the method's name; FCN, the plainest, comes first."""
    return Value((int(row.method != "FCN"), *map(ord, row.method.lower())), row.method)


_LAYERS = re.compile(r"model\.backbone\.(depth|depths|num_layers)")
_WEIGHTS = re.escape(WEIGHTS)


def _setting(name: str, owns: str, value: Callable[[ScoreRow, FlatTerms], Value]) -> VariedSetting:
    return VariedSetting(name, re.compile(owns), value)


# A pair belongs to the first setting that explains it.
SETTINGS: tuple[VariedSetting, ...] = (
    _setting("iterations", re.escape(ITERATIONS), _number(ITERATIONS)),
    _setting("batch", BATCH, _number(BATCH)),
    _setting("crop", _CROP, _crop),
    _setting(
        "crop, whole or slide, align_corners",
        rf"{_CROP}|{re.escape(MODE)}|model\.(decode|auxiliary)_head(\.\d+)?\.align_corners",
        _crop_and_mode,
    ),
    _setting(WINDOW, r"model\.test_cfg\..*", _mode),
    _setting("pretraining data", rf"{re.escape(PRETRAINING)}|{_WEIGHTS}", _pretraining),
    _setting("backbone depth", rf"{_LAYERS.pattern}|{_WEIGHTS}", _depth),
    _setting("precision", r"optim_wrapper\.(type|loss_scale|dtype)", _precision),
    _setting(HEAD, r"model\.(decode_head|auxiliary_head|neck)(\..*)?", _head),
)
