"""Configs that are JSON or YAML, loaded without what makes YAML dangerous to read.

And what mmengine fills into the text of a config before it parses it.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from parity.errors import RunFormatError

# PyYAML takes a second for so much.
MAX_YAML = 1 << 17
MAX_MERGED = 10_000
MAX_SCALAR = 64


def document(source: str, suffix: str) -> dict[str, Any]:
    """The mapping in `source`. Raises ValueError, or RecursionError where it is nested absurdly."""
    loaded = json.loads(source) if suffix == ".json" else _yaml(source)
    if not isinstance(loaded, dict):
        raise ValueError(f"holds a {type(loaded).__name__}, not a mapping")
    return loaded


def _yaml(source: str) -> Any:
    if len(source) > MAX_YAML:
        raise ValueError(f"longer than {MAX_YAML} characters of YAML")
    try:
        return yaml.load(source, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error
    except (AttributeError, LookupError, TypeError) as error:
        # PyYAML's constructors do not check what a tag such as `!!bool maybe` is put on.
        raise ValueError(f"not YAML: a value does not fit its tag ({error!r})") from error


class _Loader(yaml.SafeLoader):
    """Bounds what merge keys unfold to, and the length of numbers."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Carry out ``<<``, each level of which may double the last."""
        before = len(node.value)
        super().flatten_mapping(node)
        self._merged += max(0, len(node.value) - before)
        if self._merged > MAX_MERGED:
            raise ValueError(f"its merge keys unfold to more than {MAX_MERGED} keys")

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """A number, of any base; those with colons take quadratic time."""
        if len(node.value) > MAX_SCALAR:
            raise ValueError(f"a number of {len(node.value)} characters")
        integer = node.tag.endswith(":int")
        return self.construct_yaml_int(node) if integer else self.construct_yaml_float(node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


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
