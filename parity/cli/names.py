"""Names that are typed: completed in the shell, and guessed at where they are misspelt."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from parity.errors import ReferenceUnavailable

FILE = Path(__file__).with_name("known.json")


@cache
def known() -> Mapping[str, Any]:
    """What stands in known.json; written by ``python scripts/make_known.py``.

    ``names`` of steps, causes and libraries; ``commands`` with their options; ``described``
    steps.
    """
    found: Mapping[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def step_names() -> tuple[str, ...]:
    """Files of steps, which stand for all steps in them, then the steps, each once."""
    return tuple(known()["names"]["steps"])


def complete_steps(incomplete: str) -> list[str]:
    """Steps that begin so."""
    return beginning(incomplete, step_names())


def complete_zoo(incomplete: str) -> list[str]:
    """Results of the zoo that begin so; none without mmsegmentation."""
    try:
        rows = resolve_name("parity.zoo.places:all_rows")()  # which not every TAB waits for
    except ReferenceUnavailable:
        return []
    return beginning(incomplete, (row.name for row in rows))


def complete_causes(incomplete: str) -> list[str]:
    """Causes that begin so."""
    return beginning(incomplete, known()["names"]["causes"])


def complete_libraries(incomplete: str) -> list[str]:
    """Libraries with an adapter that begin so."""
    return beginning(incomplete, known()["names"]["libraries"])


def beginning(text: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that begin with `text`."""
    return [name for name in names if name.startswith(text)]


COMPLETE: Mapping[str, Callable[[str], list[str]]] = {
    "steps": complete_steps,
    "zoo": complete_zoo,
    "causes": complete_causes,
    "libraries": complete_libraries,
}
