"""One operation of a library, callable like the step's pure function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LibraryOperation:
    """What stands in the library matrix.

    row: the row it belongs to, see `parity.candidate.matrix.rows`. call: how the
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
