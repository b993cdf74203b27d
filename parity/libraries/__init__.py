"""Libraries that people use instead of mmseg's transforms and metrics.

Each file offers ``LIBRARY``, ``OPERATIONS`` for the library matrix and, where
the library has objects that stand for a pipeline or a metric, ``adapt(object,
name)``. No library is imported before one of these is used.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from parity.check.candidate import Candidate
from parity.libraries import (
    albumentations,
    dataset,
    huggingface,
    kornia,
    pillow,
    pytorch,
    sklearn,
    torchmetrics,
    torchvision,
)

# Top-level module of an object's class -> adapter file.
_BY_MODULE = {
    **{name: name for name in ("albumentations", "torchvision", "kornia")},
    **{name: name for name in ("torchmetrics", "sklearn")},
    "transformers": "huggingface",
}
_FILES = (
    *(albumentations, pillow, pytorch, torchvision),
    *(kornia, huggingface, torchmetrics, sklearn),
)
_ADAPTERS: Mapping[str, ModuleType] = {one.__name__.rpartition(".")[2]: one for one in _FILES}
NAMES = tuple(_ADAPTERS)


def adapter(name: str) -> ModuleType:
    """The adapter file called `name`."""
    return _ADAPTERS[name]


def adapt(given: Any, name: str) -> Candidate | None:
    """`given` as a Candidate when it is an object of a known library, else None.

    Raises InputError for an object of such a library that cannot be used.
    """
    found = [_BY_MODULE[root] for root in _roots(given) if root in _BY_MODULE]
    if not found:
        return dataset.adapt(given, name)
    candidate: Candidate = adapter(found[0]).adapt(given, name)
    return candidate


def _roots(given: Any) -> list[str]:
    """Top-level modules of the object's class and its bases, or of a function."""
    if isinstance(given, (type, ModuleType)):
        return []
    own = [given.__module__] if getattr(given, "__module__", None) and callable(given) else []
    modules = own + [base.__module__ for base in type(given).__mro__]
    return list(dict.fromkeys(str(module).partition(".")[0] for module in modules))
