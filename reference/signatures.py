"""Defaults of everything a config can name by type, read off the installed reference."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from reference.compat import load_reference

PLAIN = (str, int, float, bool, type(None))
_REGISTRIES = (
    "HOOKS",
    "LOOPS",
    "DATASETS",
    "DATA_SAMPLERS",
    "TRANSFORMS",
    "MODELS",
    "OPTIMIZERS",
    "OPTIM_WRAPPERS",
    "OPTIM_WRAPPER_CONSTRUCTORS",
    "PARAM_SCHEDULERS",
    "METRICS",
    "TASK_UTILS",
)


def signatures() -> dict[str, dict[str, dict[str, Any]]]:
    """Scope ("mmseg", "mmdet", "mmengine") -> type -> option -> default, plain values only.

    Options that a class takes as ``**kwargs`` are those of its bases. mmcv's
    transforms are registered in mmengine's scope.
    """
    load_reference()
    found: dict[str, dict[str, dict[str, Any]]] = {"mmengine": {}, "mmseg": {}, "mmdet": {}}
    for name in _REGISTRIES:
        for scope, kind, built in _registered(name):
            options = dict(_options(built))
            if options:
                found.setdefault(scope, {}).setdefault(kind, options)
    return {scope: dict(sorted(kinds.items())) for scope, kinds in sorted(found.items())}


def _registered(name: str) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    import mmdet.registry
    import mmengine.registry
    import mmseg.registry
    from mmdet.utils import register_all_modules as register_mmdet
    from mmseg.utils import register_all_modules as register_mmseg

    register_mmdet(init_default_scope=False)
    register_mmseg(init_default_scope=False)
    for package in (mmseg.registry, mmdet.registry, mmengine.registry):
        registry = getattr(package, name, None)
        for kind, built in () if registry is None else registry.module_dict.items():
            yield package.__name__.partition(".")[0], kind, built


def _options(built: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Options with plain defaults; the innermost class that names one decides."""
    seen: set[str] = set()
    for function in _constructors(built):
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # written in C
            return
        for item in parameters:
            if item.kind is item.VAR_KEYWORD or item.kind is item.VAR_POSITIONAL:
                continue
            if item.name not in seen and item.default is not item.empty and _is_plain(item.default):
                yield item.name, item.default
            seen.add(item.name)
        if not any(item.kind is item.VAR_KEYWORD for item in parameters):
            return


def _constructors(built: Callable[..., Any]) -> list[Callable[..., Any]]:
    if not inspect.isclass(built):
        return [built]
    return [vars(base)["__init__"] for base in built.__mro__ if "__init__" in vars(base)]


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    finite = not isinstance(value, float) or abs(value) != float("inf")
    return type(value) in PLAIN and finite
