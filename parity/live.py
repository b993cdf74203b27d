"""The one door to the top-level package ``reference``, opened only when it is needed."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def reference_installed() -> bool:
    """Whether live mmsegmentation can be found; imports none of it."""
    return bool(_compat().is_installed())


def reference_header() -> tuple[dict[str, str], tuple[str, ...]]:
    """Versions of the live reference, and notes about how it was imported.

    Raises ReferenceUnavailable without mmseg.
    """
    info = _compat().load_reference()
    notes = []
    if info.widened:
        notes.append(
            f"mmcv {info.versions['mmcv']} is above the version window of mmseg; "
            "the window was widened at import."
        )
    return dict(info.versions), tuple(notes)


def _compat() -> Any:
    return _module("compat")


def installed_metafiles() -> list[Path]:
    """Every ``metafile.yaml`` of the installed mmsegmentation; imports none of it.

    Raises ReferenceUnavailable when there is none.
    """
    found: list[Path] = _module("zoo").metafiles()
    return found


def config_model(model: Mapping[str, Any]) -> Any:
    """The ``model`` of a config, built by mmseg, untrained.

    Raises InputError where it cannot be built, ReferenceUnavailable without mmseg.
    """
    return _module("optim.models").built(model)


def optimizer_options(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Type and options, such as ``betas``, of the optimizer that mmengine makes of a config's."""
    found: dict[str, Any] = _module("optim.groups").options_of(optimizer)
    return found


def reference_module(name: str, *, load: bool = True) -> Any:
    """The module `name` of ``reference``, with the live reference imported unless told otherwise.

    Imported first, since imports draw random numbers. Raises ReferenceUnavailable.
    """
    if load:
        _compat().load_reference()
    return _module(name)


def _module(name: str) -> Any:
    return importlib.import_module(f"reference.{name}")
