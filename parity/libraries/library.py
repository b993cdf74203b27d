"""An optional library, imported when used, and one operation of it."""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from parity.errors import InputError

Size = tuple[int, int]
Floats = tuple[float, ...]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Library:
    """title: as people call it. module: what is imported. distribution: what pip installs."""

    title: str
    module: str
    distribution: str

    @property
    def is_installed(self) -> bool:
        """Whether it can be found; imports nothing."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Version of the installed distribution, or ""."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return ""

    @property
    def hint(self) -> str:
        """What to do when it is missing."""
        return f"not installed; pip install {self.distribution}"

    def load(self, submodule: str = "") -> Any:
        """The module, or its `submodule`. Raises InputError when missing or broken."""
        if not self.is_installed:
            raise InputError(f"{self.title} is {self.hint}")
        name = f"{self.module}.{submodule}" if submodule else self.module
        try:
            return importlib.import_module(name)
        except Exception as error:  # e.g. compiled for another torch
            raise InputError(
                f"{self.title} is installed but does not import ({type(error).__name__}: {error}); "
                f"reinstall it for this torch: pip install --force-reinstall {self.distribution}"
            ) from error


@dataclass(frozen=True)
class LibraryOperation:
    """What stands in the library matrix.

    row: the row it belongs to, see `parity.libraries.matrix.rows`. call: how the
    library is called, for the table. reason: why it differs where it differs.
    model: the reference's operation with just that change, which must give what
    the library gives; `model_name` says what the change is. remark: what to know
    when it is equal.
    """

    row: str
    call: str
    function: Callable[..., Any]
    reason: str = ""
    model: Callable[..., Any] | None = None
    model_name: str = ""
    remark: str = ""


class Operations(list[LibraryOperation]):
    """What stands in the library matrix of one library."""

    def of(
        self,
        row: str,
        call: str,
        reason: str = "",
        model: Callable[..., Any] | None = None,
        model_name: str = "",
        *,
        remark: str = "",
        **fixed: Any,
    ) -> Callable[[Function], Function]:
        """Adds the function below, with `fixed` options; of several, the lowest comes first."""

        def add(function: Function) -> Function:
            called = partial(function, **fixed) if fixed else function
            self.append(LibraryOperation(row, call, called, reason, model, model_name, remark))
            return function

        return add
