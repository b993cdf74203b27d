"""Import mmsegmentation on any machine: without a compiler, without edited files.

Everything that uses mmseg, mmcv, mmengine or mmdet calls :func:`load_reference` first.
"""

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from parity.errors import ReferenceUnavailable

INSTALL_HINT = (
    "install it with, in a clone of mmseg-parity: pip install -c constraints.txt -e '.[reference]'"
)
EXTENSION = "mmcv._ext"
# mmseg 1.2.2 and mmdet 3.3.0 assert mmcv < 2.2.0 at import, though 2.2.x works.
# https://github.com/open-mmlab/mmsegmentation/blob/v1.2.2/mmseg/__init__.py
ACCEPTED_MMCV = "2.1.0"
FIRST_WIDENED, FIRST_REFUSED = (2, 2), (2, 3)


@dataclass(frozen=True)
class ReferenceInfo:
    """What was imported. widened: mmcv is newer than mmseg's own upper bound."""

    versions: dict[str, str]
    compiled_ops: bool
    widened: bool


class _MissingOps(ModuleType):
    """Stand-in for mmcv's compiled extension: every op exists and raises when called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> Any:
            raise ReferenceUnavailable(
                f"mmcv op {name!r} is compiled code, and this mmcv has none (mmcv-lite); "
                f"build the full package: pip uninstall mmcv-lite, then "
                f"pip install --no-binary mmcv 'mmcv>=2.1,<2.3'"
            )

        missing.__name__ = name
        return missing


def is_installed() -> bool:
    """Whether mmseg and what it needs can be found; imports nothing."""
    return not _missing_packages()


def _missing_packages() -> list[str]:
    return [
        name
        for name in ("mmseg", "mmcv", "mmengine", "mmdet")
        if importlib.util.find_spec(name) is None
    ]


@cache
def load_reference() -> ReferenceInfo:
    """Import mmseg, mmcv, mmengine and mmdet and register mmseg's modules.

    Raises ReferenceUnavailable when one is missing, or does not import.
    """
    absent = _missing_packages()
    if absent:
        raise ReferenceUnavailable(f"{', '.join(absent)} not installed; {INSTALL_HINT}")
    try:
        with _quiet_imports():
            return _import_all()
    except ReferenceUnavailable:
        raise
    except Exception as error:  # an ABI mismatch, an assert on versions, a missing dependency
        raise ReferenceUnavailable(
            f"the installed reference does not import ({type(error).__name__}: {error}); "
            f"{INSTALL_HINT}"
        ) from error


def _import_all() -> ReferenceInfo:
    compiled = _ensure_extension()
    mmcv = importlib.import_module("mmcv")
    with _widened_window(mmcv) as widened, _hidden("transformers"):
        mmseg_utils = importlib.import_module("mmseg.utils")
        importlib.import_module("mmdet")
        importlib.import_module("mmdet.models")
    importlib.import_module("mmcv.ops")
    # The registry scope of every mmseg config (default_scope = 'mmseg').
    mmseg_utils.register_all_modules(init_default_scope=True)
    from reference.dino import register_dino

    register_dino()
    return ReferenceInfo(_versions(compiled), compiled, widened)


def _ensure_extension() -> bool:
    """Put the stand-in in place when mmcv has no compiled extension; say whether it has one."""
    importlib.import_module("mmcv")
    if EXTENSION in sys.modules:
        return not isinstance(sys.modules[EXTENSION], _MissingOps)
    if importlib.util.find_spec(EXTENSION) is not None:
        return True
    stand_in = _MissingOps(EXTENSION)
    # A spec without a loader: mmengine's pkgutil.find_loader then finds "no compiled ops".
    stand_in.__spec__ = importlib.machinery.ModuleSpec(EXTENSION, None)
    sys.modules[EXTENSION] = stand_in
    return False


@contextmanager
def _widened_window(mmcv: ModuleType) -> Iterator[bool]:
    """Let mmseg and mmdet see an accepted mmcv version while they import, if 2.2.x is there."""
    real = str(mmcv.__version__)
    parts = tuple(int(part) for part in real.split(".")[:2])
    widen = FIRST_WIDENED <= parts < FIRST_REFUSED
    if widen:
        mmcv.__version__ = ACCEPTED_MMCV  # type: ignore[attr-defined]
    try:
        yield widen
    finally:
        mmcv.__version__ = real  # type: ignore[attr-defined]


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """mmdet takes what it finds of `package`, for models that are not used here, in 1.5 s."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # so that it is not found
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def _quiet_imports() -> Iterator[None]:
    """OpenMMLab warns about its own dependencies at import; users can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _versions(compiled: bool) -> dict[str, str]:
    mmcv = sys.modules["mmcv"].__version__
    found = {
        "mmseg": importlib.metadata.version("mmsegmentation"),
        "mmcv": f"{mmcv} ({'full' if compiled else 'lite'})",
        "mmengine": importlib.metadata.version("mmengine"),
        "mmdet": importlib.metadata.version("mmdet"),
    }
    with suppress(importlib.metadata.PackageNotFoundError):  # an extra, for DINOv2
        found["transformers"] = importlib.metadata.version("transformers")
    return found
