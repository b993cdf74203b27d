"""What mmengine fills into the text of a config before it parses it."""

from __future__ import annotations

import re
from pathlib import Path

from parity.errors import RunFormatError

_BASE_VARIABLE = re.compile(r"\{\{\s*_base_\.([\w.]+)\s*\}\}")
_FILE_VARIABLE = re.compile(r"\{\{\s*(fileDirname|fileBasename(?:NoExtension)?|fileExtname)\s*\}\}")
# The value may be missing as a whole, so that blanks are matched in one way only.
_ENVIRONMENT = re.compile(
    r"\{\{['\"]?\s*\$(?P<name>\w+)\s*:\s*(?:(?P<value>\S{1,500}?)\s*)?['\"]?\}\}"
)
_MARK = "\N{LEFT WHITE SQUARE BRACKET}base:%s\N{RIGHT WHITE SQUARE BRACKET}"
MARKED = re.compile(_MARK.replace("%s", r"([\w.]+)"))
MAX_NOTES = 100


def substitute(source: str, name: str, path: Path, notes: list[str]) -> str:
    """`source`, which lies at `path`, with its variables filled in; those of bases are marked.

    What only the run knew is noted. Raises RunFormatError for a variable of the
    environment without a default. name: of the file in messages.
    """
    known = {
        "fileBasename": path.name,
        "fileBasenameNoExtension": path.stem,
        "fileExtname": path.suffix,
    }

    def note(match: re.Match[str], what: str) -> None:
        if len(notes) < MAX_NOTES:
            notes.append(f"{name}:{_line(source, match)}: {match[0]} {what}")

    def of_file(match: re.Match[str]) -> str:
        if match[1] in known:
            return known[match[1]]
        note(match, "is not resolvable: it depends on where the run was")
        return match[1]

    def of_environment(match: re.Match[str]) -> str:
        if not match["value"]:
            raise RunFormatError(
                f"{name}:{_line(source, match)}: needs execution: the environment variable "
                f"{match['name']} of the run; give the config that mmengine dumped into the run "
                "directory instead"
            )
        note(match, "taken at its default; the run may have had another")
        return match["value"]

    source = _FILE_VARIABLE.sub(of_file, source)
    source = _ENVIRONMENT.sub(of_environment, source)
    return _BASE_VARIABLE.sub(lambda match: f'"{_MARK % match[1]}"', source)


def _line(source: str, match: re.Match[str]) -> int:
    return source.count("\n", 0, match.start()) + 1
