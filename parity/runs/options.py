"""What a config says about training and scoring.

The crop, schedule, precision, weights to start from and norms; and how a score was obtained, as one
line; scores of unlike signatures are not comparable.

``mIoU|ss|whole|ignore=255|reduce0=y|orig-size``: metric; single scale or test-time
augmentation; whole image or sliding window; ignored label; whether label 0 was
ignored; whether the annotation kept its original size. "?" where no file says.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from parity.errors import RunFormatError
from parity.runs.datasets import KNOWN, dataset_path
from parity.runs.facts import Config, Fact, Unknown, integer, mapping, sequence, text
from parity.runs.families import model_path, type_of

Path = tuple[str | int, ...]
# Optimizer wrappers (mmengine) and hooks (mmcv 0.x) that compute in reduced precision.
_AMP = {"AmpOptimWrapper", "Fp16OptimizerHook", "GradientCumulativeFp16OptimizerHook"}


def first_of(config: Config, *paths: Path) -> Fact[Any]:
    """The first of `paths` that `config` gives; not known where only running could tell it."""
    for path in paths:
        fact = config.fact(*path)
        if fact.known or fact.note:
            return fact
    return Fact(note=f"{config.file} gives no {_name(paths[0])}")


def crop_size_of(config: Config) -> Fact[Any]:
    """Size of the random crop, else of the model's input, as the config writes it."""
    path = (*dataset_path(config), "pipeline")
    steps = enumerate(sequence(config.get(*path), _name(path)))
    crops = [(*path, i, "crop_size") for i, step in steps if type_of(step) == "RandomCrop"]
    model = (*model_path(config), "data_preprocessor", "size")
    return first_of(config, *crops, model, ("crop_size",))


def _name(path: Path) -> str:
    return ".".join(map(str, path))


def mapping_at(*paths: Path) -> Callable[[Config], Fact[Mapping[str, Any]]]:
    """What reads the first of `paths` that a config gives: a dict, else RunFormatError."""

    def mapping_of(config: Config) -> Fact[Mapping[str, Any]]:
        fact = first_of(config, *paths)
        if fact.known:
            mapping(fact.value, _name(paths[0]))
        return fact

    return mapping_of


def schedule_of(config: Config) -> Fact[tuple[Mapping[str, Any], ...]]:
    """The stages of the learning rate schedule, in order."""
    fact = first_of(config, ("param_scheduler",), ("lr_config",))
    given = fact.value if isinstance(fact.value, (list, tuple)) else [fact.value]
    stages = tuple(item for item in given if isinstance(item, Mapping))
    return Fact(stages or None, fact.source, fact.note)


def precision_of(config: Config) -> Fact[str]:
    """``float32``, or ``amp`` and the reduced type."""
    for key in ("optim_wrapper", "optimizer_config"):
        given = mapping(config.get(key), key)
        text(given.get("type"), f"{key}.type")
        if type_of(given) in _AMP:
            dtype = text(config.get(key, "dtype"), f"{key}.dtype") or "float16"
            return Fact(f"amp {dtype}", config.source(key, "type"))
    if config.get("fp16") is not None:
        return Fact("amp float16", config.source("fp16"))
    return Fact("float32", config.source("optim_wrapper", "type"))


def pretrained_of(config: Config) -> Fact[str]:
    """The weights to start from; ``none`` where the config names none."""
    model = model_path(config)
    fact = first_of(
        config,
        ("load_from",),
        (*model, "backbone", "init_cfg", "checkpoint"),
        (*model, "init_cfg", "checkpoint"),
        (*model, "pretrained"),
        (*model, "backbone", "pretrained"),
    )
    if isinstance(fact.value, str) or (fact.source and not fact.known):
        return fact
    return Fact("none", config.source(*model, "backbone"), "the config names no weights")


def norms_of(config: Config) -> Fact[tuple[str, ...]]:
    """Every kind of normalisation that a `norm_cfg` of the model names, sorted."""
    path = model_path(config)
    found = sorted(set(_norm_types(config.get(*path))))
    where = config.source(*path, "backbone", "norm_cfg")
    return Fact(tuple(found), where, "" if found else "the model's config names none")


def _norm_types(value: Any) -> Iterator[str]:
    if isinstance(value, Unknown):
        raise RunFormatError(value.note)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "norm_cfg" and type_of(item):
                yield type_of(item)
            elif key == "norm_cfg" or not isinstance(item, Unknown):
                yield from _norm_types(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from () if isinstance(item, Unknown) else _norm_types(item)


UNKNOWN = "?"
_TTA = ("TestTimeAug", "MultiScaleFlipAug")


def test_mode_of(config: Config) -> Fact[str]:
    """``whole``, or ``slide 512x512 stride 341x341`` (height x width)."""
    path = (*model_path(config), "test_cfg")
    given = config.get(*path)
    if not isinstance(given, Mapping) or "mode" not in given:
        return Fact(note=f"{config.file} gives no test_cfg.mode")
    sizes = [given.get(key) for key in ("crop_size", "stride")]
    shown = [f"{s[0]}x{s[1]}" for s in sizes if isinstance(s, (list, tuple)) and len(s) == 2]
    mode = f"{text(given['mode'], 'test_cfg.mode')} {' stride '.join(shown)}".strip()
    return Fact(mode, config.source(*path, "mode"))


def augmentation_of(config: Config) -> Fact[str]:
    """Test-time augmentation: ``none``, ``ms``, ``flip`` or ``ms+flip``.

    A dumped config has a `tta_pipeline` in any case; it was used where the
    model is wrapped, or where the test pipeline itself augments (mmcv 0.x).
    """
    wrapped = type_of(config.get("model")) == "SegTTAModel"
    path = (*dataset_path(config, "test"), "pipeline") if wrapped else _val_pipeline(config)
    for index, step in enumerate(sequence(config.get(*path), "the test pipeline")):
        if type_of(step) in _TTA:
            return Fact(_augmentation(step), config.source(*path, index, "type"))
    if config.get(*path) is None:
        return Fact(note=f"{config.file} gives no test pipeline")
    return Fact("none", config.source(*path))


def _augmentation(step: Mapping[str, Any]) -> str:
    if type_of(step) == "MultiScaleFlipAug":
        ratios = step.get("img_ratios") or ()
        scales, flips = len(ratios) if isinstance(ratios, (list, tuple)) else 1, step.get("flip")
    else:
        branches = sequence(step.get("transforms"), "transforms")
        scales = max((len(b) for b in branches if _all(b, "Resize")), default=1)
        flips = any(item.get("prob") for b in branches if _all(b, "RandomFlip") for item in b)
    return "+".join(name for name, on in (("ms", scales > 1), ("flip", flips)) if on) or "none"


def _all(branch: Any, kind: str) -> bool:
    return isinstance(branch, (list, tuple)) and all(type_of(item) == kind for item in branch)


def signature_of(config: Config) -> Fact[str]:
    """The signature of the validation scores."""
    augmentation, mode = augmentation_of(config).value, test_mode_of(config).value
    parts = [
        "mIoU",
        {None: UNKNOWN, "none": "ss"}.get(augmentation, augmentation or UNKNOWN),
        (mode or UNKNOWN).partition(" ")[0],
        f"ignore={_ignored(config)}",
        f"reduce0={_reduction(config)}",
        _label_size(config),
    ]
    if config.get(*dataset_path(config, "val"), "indices"):
        parts.append("subset")
    note = "" if UNKNOWN not in "|".join(parts) else f"{config.file} leaves the rest open"
    return Fact("|".join(parts), config.source(*_val_pipeline(config)), note)


def _val_pipeline(config: Config) -> tuple[str | int, ...]:
    return (*dataset_path(config, "val"), "pipeline")


def _steps(config: Config) -> Iterator[Mapping[str, Any]]:
    """The steps of the validation pipeline, those inside augmentation wrappers included."""
    pending = list(sequence(config.get(*_val_pipeline(config)), "the validation pipeline"))[::-1]
    while pending:
        step = pending.pop()
        if isinstance(step, Mapping):
            yield step
            nested = step.get("transforms")
            pending += reversed(nested) if isinstance(nested, (list, tuple)) else ()
        elif isinstance(step, (list, tuple)):
            pending += reversed(step)


def _ignored(config: Config) -> str:
    evaluator = config.get("val_evaluator")
    for item in evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]:
        if type_of(item) == "IoUMetric":
            return _label(item)
    legacy = config.get(*dataset_path(config, "val"))
    if evaluator is None and isinstance(legacy, Mapping):
        return _label(legacy)
    return UNKNOWN


def _label(given: Mapping[str, Any]) -> str:
    return str(integer(given.get("ignore_index", 255), "ignore_index"))


def _reduction(config: Config) -> str:
    dataset = config.get(*dataset_path(config, "val"))
    stated = [dataset.get("reduce_zero_label")] if isinstance(dataset, Mapping) else []
    stated += [
        s.get("reduce_zero_label") for s in _steps(config) if type_of(s) == "LoadAnnotations"
    ]
    known = KNOWN.get(type_of(dataset))
    stated += [known.reduces] if known else []
    for value in stated:
        if isinstance(value, int):
            return "y" if value else "n"
        if value is not None:
            break
    return UNKNOWN


def _label_size(config: Config) -> str:
    kinds = [type_of(step) for step in _steps(config)]
    if not kinds:
        return UNKNOWN
    resizes = [index for index, kind in enumerate(kinds) if "Resize" in kind]
    loads = [index for index, kind in enumerate(kinds) if kind == "LoadAnnotations"]
    # mmcv 0.x compares with the annotation as read from its file, in no pipeline.
    before = bool(loads and resizes and loads[0] < resizes[0])
    return "resized" if before else "orig-size"
