"""``[tool.parity]`` of the user's pyproject.toml: what to check, and what is accepted of it."""

import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.candidate.accepted import Accepted
from parity.candidate.distribution.compare import PARAMETERS
from parity.candidate.load import split_name
from parity.candidate.steps import PIPELINE
from parity.check.cases import all_steps
from parity.check.summary import DISTRIBUTION
from parity.compare.rounding import Rounding
from parity.errors import InputError
from parity.files import open_file, write_atomically
from parity.text import did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "pyproject.toml"
DEFAULT_SEEDS = "0:40"
# Both tables by key, with the type of each value as people call it.
_TABLE: Mapping[str, str] = {
    "candidate": "a string",
    "data": "a string",
    "seeds": "a string",
    "steps": "a list of strings",
    "rounding": "a string",
    "accepted": "a list of tables, [[tool.parity.accepted]]",
}
_ENTRY: Mapping[str, str] = {
    "step": "a string",
    "pipeline": "a string",
    "path": "a string",
    "max_abs": "a number above 0",
    "max_share": "a number above 0",
    "reason": "a string",
}


@dataclass(frozen=True)
class Project:
    """The settings of a project; None and () for what is not set. file: where they stand.

    candidate, data: with paths from the folder of the file.
    """

    file: Path | None = None
    candidate: str | None = None
    data: Path | None = None
    seeds: range | None = None
    steps: tuple[str, ...] = ()
    rounding: Rounding | None = None
    accepted: tuple[Accepted, ...] = ()


def find_project(folder: Path | None = None) -> Project:
    """The settings in the nearest pyproject.toml that has such a table, from `folder` upwards.

    The folder of the file can be imported from. Raises InputError, which names the file
    and the key.
    """
    for file in _files(folder):
        tool = _parsed(file, _text(file)).get("tool")
        if isinstance(tool, dict) and "parity" in tool:
            root = str(file.parent)
            if root not in sys.path:
                sys.path.append(root)
            return _project(file, tool["parity"])
    return Project()


def add_accepted(draft: str, folder: Path | None = None) -> Path | None:
    """Append `draft` to the pyproject.toml that `find_project` reads, else to the nearest.

    None where there is no such file, or where the tables cannot stand at its end.
    """
    files = list(_files(folder))
    file = find_project(folder).file or (files[0] if files else None)
    if file is None:
        return None
    whole = f"{_text(file).rstrip()}\n{draft}\n"
    try:
        tomllib.loads(whole)
    except tomllib.TOMLDecodeError:  # accepted is written as one value there
        return None
    write_atomically(file, whole.encode())
    return file


def parse_seeds(text: str, named: str = "--seeds") -> range:
    """``A:B`` as a range. Raises InputError unless ``0 <= A < B``."""
    match = re.fullmatch(r"(\d+):(\d+)", text.strip())
    if match is None or int(match[1]) >= int(match[2]) or int(match[2]) > 2**32:
        raise InputError(f"{named} {text}: give A:B with 0 <= A < B <= 2**32, such as 0:200")
    return range(int(match[1]), int(match[2]))


def _files(folder: Path | None) -> Iterable[Path]:
    start = Path.cwd() if folder is None else folder.resolve()
    return (one / FILE for one in (start, *start.parents) if (one / FILE).is_file())


def _text(file: Path) -> str:
    try:
        with open_file(file) as stream:
            return stream.read().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file}: is no TOML: {error}") from error


def _project(file: Path, table: Any) -> Project:
    where = f"{file}: [tool.parity]"
    found = _checked(table, _TABLE, where)
    seeds, rounding = found.get("seeds"), found.get("rounding")
    steps = tuple(found.get("steps", ()))
    known = [name for step in all_steps() for name in (step.module, step.name)]
    for step in steps:
        _known(step, known, f"{where} steps: no step is called")
    if rounding is not None:
        _known(rounding, [one.value for one in Rounding], f"{where} rounding: there is no")
    return Project(
        file,
        _from(file, found.get("candidate")),
        None if "data" not in found else file.parent / found["data"],
        None if seeds is None else parse_seeds(seeds, f"{where} seeds:"),
        steps,
        None if rounding is None else Rounding(rounding),
        _entries(found.get("accepted", []), f"{file}: [[tool.parity.accepted]]"),
    )


def _from(file: Path, candidate: str | None) -> str | None:
    """A file of Python code, from the folder of `file`; a module as it is."""
    where, colon, name = split_name(candidate or "")
    return f"{file.parent / where}{colon}{name}" if where.endswith(".py") else candidate


def _entries(tables: list[Any], where: str) -> tuple[Accepted, ...]:
    found: dict[tuple[str, str, str], Accepted] = {}
    for number, table in enumerate(tables, 1):
        entry = _entry(table, f"{where} {number}")
        key = (entry.step, entry.pipeline, entry.path)
        if key in found:
            raise InputError(f"{where} {number}: {entry.step} is accepted twice; keep one")
        found[key] = entry
    return tuple(found.values())


def _entry(table: Any, where: str) -> Accepted:
    found = _checked(table, _ENTRY, where)
    steps, pipelines = _places()
    for key, known in (("step", steps), ("pipeline", pipelines)):
        if key in found:
            _known(found[key], known, f"{where} {key}: no {key} is called")
    if "step" not in found:
        raise InputError(f"{where}: has no step; name the one that differs")
    if not found.get("reason", "").strip():
        raise InputError(f"{where} reason: is empty; say why {found['step']} may differ")
    if not {"max_abs", "max_share", "path"} & set(found):
        raise InputError(f"{where}: has no bound; give max_abs, max_share, or a path of no numbers")
    return Accepted(**found)


def _places() -> tuple[list[str], list[str]]:
    """Steps and pipelines that an entry may name."""
    steps = [PIPELINE, *(step.name for step in all_steps())]
    parameters = [name for some in PARAMETERS.values() for name in some]
    pipelines = ["train", "val", DISTRIBUTION, *(step.module for step in all_steps())]
    return list(dict.fromkeys([*steps, *parameters])), list(dict.fromkeys(pipelines))


def _checked(table: Any, keys: Mapping[str, str], where: str) -> dict[str, Any]:
    """`table`, of known keys and types."""
    if not isinstance(table, dict):
        raise InputError(f"{where}: is no table")
    for key, value in table.items():
        _known(key, keys, f"{where}: unknown key")
        if not _is_a(value, keys[key]):
            raise InputError(f"{where} {key}: is {value!r}; give {keys[key]}")
    return table


def _is_a(value: Any, kind: str) -> bool:
    if kind == "a string":
        return isinstance(value, str)
    if kind.startswith("a list"):
        of = str if kind == "a list of strings" else dict
        return isinstance(value, list) and all(isinstance(item, of) for item in value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def _known(name: str, known: Iterable[str], wrong: str) -> None:
    listed = list(dict.fromkeys(known))
    if name not in listed:
        some = ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "")
        raise InputError(f"{wrong} {name}; {did_you_mean(name, listed, f'there are {some}')}")
