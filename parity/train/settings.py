"""A config as both sides train it: read without executing it, with every change told."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from parity.errors import InputError
from parity.recipe import find_config
from parity.runs.facts import Config
from parity.runs.merge import unknown_in
from parity.settings.terms import READ, terms_of
from parity.train.roots import LOADERS, with_roots

SMALL_FACTOR = 8
SMALL_BATCH = 2
_KEPT = (*READ, "env_cfg")
_NEEDED = (
    ("model",),
    ("train_dataloader", "dataset"),
    ("train_dataloader", "sampler"),
    ("optim_wrapper", "optimizer"),
    ("train_cfg",),
)
# What the loop of neither side needs; validation is taken in where it is asked for.
_VALIDATION = frozenset({"val_dataloader", "val_cfg", "val_evaluator"})
_DROPPED = frozenset(
    {"test_dataloader", "test_cfg", "test_evaluator", "tta_model", "tta_pipeline"}
    | {"load_from", "resume"}
)
_TOLD = ("custom_imports", "auto_scale_lr")
_SIZES = frozenset({"crop_size", "scale", "scales", "img_scale", "max_size", "stride"})

Values = dict[str, Any]


@dataclass(frozen=True)
class TrainingSettings:
    """What is trained. values: the config in plain values. changes: in words, for the report.

    spare: the root of the built-in images, where they stand in for the data; else "".
    """

    name: str
    values: Values
    changes: tuple[str, ...] = ()
    spare: str = ""

    @property
    def config(self) -> Config:
        """The same as a config that was read."""
        return Config(self.values, self.name)

    def having(self, told: str = "", **values: Any) -> TrainingSettings:
        """With other top-level values, and `told` added to the changes."""
        changes = (*self.changes, told) if told and told not in self.changes else self.changes
        return replace(self, values={**self.values, **values}, changes=changes)


def read_settings(
    config: str,
    *,
    data: Path | None = None,
    spare: Path | None = None,
    small: bool = False,
    workers: int | None = None,
    batch_size: int | None = None,
    options: Sequence[str] = (),
    validated: bool = False,
) -> TrainingSettings:
    """The config called `config` with what both sides leave out of it or have otherwise.

    data: the root of the data set; without it the config's own, and where that is missing
    `spare`, which holds the built-in images. small: sizes divided by SMALL_FACTOR, batches
    of SMALL_BATCH, no workers. options: ``key.key=value`` with a literal, as
    ``--cfg-options`` of mmseg. validated: with the validation of the config, if it has one.
    Raises InputError where there is no such config, or one that
    cannot be trained here.
    """
    made = _read(config, options)
    made = _without_hooks(made, frozenset() if validated else _VALIDATION)
    for item in unknown_in(made.values):
        raise InputError(f"{config}: {item.note}")
    for keys in _NEEDED:
        if not isinstance(made.config.get(*keys), Mapping):
            raise InputError(f"{config}: has no {'.'.join(keys)}, and cannot be trained")
    made = _without_weights(made)
    made = with_roots(made, data, spare)
    made = _smaller(made) if small else made
    batch_size = SMALL_BATCH if small and batch_size is None else batch_size
    return _with_loader(made, 0 if small and workers is None else workers, batch_size)


def read_model(config: str, options: Sequence[str] = ()) -> Values:
    """The ``model`` of a config, without the files of pretrained weights. Raises InputError."""
    made = _read(config, options)
    if not isinstance(made.values.get("model"), Mapping):
        raise InputError(f"{config}: has no model")
    found: Values = _without_weights(made).values["model"]
    return found


def _read(config: str, options: Sequence[str]) -> TrainingSettings:
    found = find_config(config).config
    if terms_of(found).legacy:
        raise InputError(f"{config}: is of mmseg 0.x; mmengine's Runner trains configs of 1.x")
    made = TrainingSettings(
        config, {key: found.values[key] for key in _KEPT if key in found.values}
    )
    for option in options:
        made = _with_option(made, option)
    return made


def _without_hooks(given: TrainingSettings, dropped: frozenset[str]) -> TrainingSettings:
    kept = {key: value for key, value in given.values.items() if key not in _DROPPED | dropped}
    told = [f"{key} left out" for key in _TOLD if kept.pop(key, None)]
    hooks = kept.pop("custom_hooks", None) or []
    kept["custom_hooks"] = [hook for hook in hooks if hook.get("type") == "EMAHook"]
    others = [str(hook.get("type")) for hook in hooks if hook not in kept["custom_hooks"]]
    told += [f"custom_hooks left out: {', '.join(others)}"] if others else []
    # Which of its algorithms cuDNN then picks would depend on what else the GPU does.
    environment = dict(kept.get("env_cfg") or {})
    told += ["cudnn_benchmark off"] if environment.get("cudnn_benchmark") else []
    kept["env_cfg"] = {**environment, "cudnn_benchmark": False}
    return replace(given, values=kept, changes=(*given.changes, *told))


def _with_option(given: TrainingSettings, option: str) -> TrainingSettings:
    path, equals, text = option.partition("=")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if not equals or not path:
        raise InputError(f"option {option!r}: give key.key=value")
    if path.partition(".")[0] not in _KEPT:
        raise InputError(f"option {option!r}: nothing reads a {path.partition('.')[0]!r}")
    values = _replaced(given.values, path.split("."), value, option)
    return replace(given, values=values, changes=(*given.changes, f"{path} = {value!r}"))


def _replaced(tree: Any, path: Sequence[str], value: Any, option: str) -> Any:
    if not path:
        return value
    if not isinstance(tree, Mapping):
        raise InputError(f"option {option!r}: there is no dict for {path[0]!r} to be in")
    inner = _replaced(tree.get(path[0], {}), path[1:], value, option)
    return {**tree, path[0]: inner}


def _without_weights(given: TrainingSettings) -> TrainingSettings:
    told = "pretrained weights left out; weights are drawn from the seed"
    model = _mapped(given.values["model"], _unpretrained)
    changed = model != given.values["model"]
    return given.having(told if changed else "", model=model)


def _unpretrained(value: Values) -> Values:
    def is_file(key: str, part: Any) -> bool:
        kind = str(part.get("type", "")) if isinstance(part, Mapping) else ""
        return (key == "pretrained" and isinstance(part, str)) or (
            key == "init_cfg" and kind.endswith("Pretrained")
        )

    return {key: None if is_file(key, part) else part for key, part in value.items()}


def _mapped(value: Any, change: Callable[[Values], Values]) -> Any:
    """`value` with `change` made to every dict in it."""
    if isinstance(value, Mapping):
        return change({key: _mapped(part, change) for key, part in value.items()})
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(part, change) for part in value)
    return value


def _smaller(given: TrainingSettings) -> TrainingSettings:
    def smaller(value: Values) -> Values:
        return {key: _divided(part) if key in _SIZES else part for key, part in value.items()}

    def with_smaller(value: Values) -> Values:
        piped = "pipeline" in value
        return {**value, "pipeline": _mapped(value["pipeline"], smaller)} if piped else value

    changed: Values = {}
    for key in LOADERS:
        loader = given.values.get(key)
        if loader:
            changed[key] = {**loader, "dataset": _mapped(loader["dataset"], with_smaller)}
    model = given.values["model"]
    before = dict(model.get("data_preprocessor") or {})
    if before.get("size") is not None:
        before["size"] = _divided(before["size"])
    tested = smaller(model.get("test_cfg") or {})
    return given.having(
        f"small: sizes of crop and resize divided by {SMALL_FACTOR}",
        **changed,
        model={**model, "data_preprocessor": before, "test_cfg": tested},
    )


def _divided(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_divided(part) for part in value)
    return max(value // SMALL_FACTOR, 1) if type(value) is int else value


def _with_loader(
    given: TrainingSettings, workers: int | None, batch_size: int | None
) -> TrainingSettings:
    loader = dict(given.values["train_dataloader"])
    told = []
    for key, value in (("num_workers", workers), ("batch_size", batch_size)):
        if value is not None and loader.get(key) != value:
            told.append(f"{key} {value} instead of {loader.get(key)}")
            loader[key] = value
    loaders = {"train_dataloader": loader}
    if given.values.get("val_dataloader"):
        count = {} if workers is None else {"num_workers": workers}
        loaders["val_dataloader"] = {**given.values["val_dataloader"], **count}
    for key, one in loaders.items():
        some, kept = bool(one.get("num_workers")), one.get("persistent_workers", False)
        if some and not kept and key != "train_dataloader":
            told.append(f"{key}.persistent_workers on")
        # Without workers torch refuses it.
        one["persistent_workers"] = some and (kept or key != "train_dataloader")
    return given.having(", ".join(told), **loaders)
