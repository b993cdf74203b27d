"""Configs that are JSON or YAML, loaded without what makes YAML dangerous to read."""

from __future__ import annotations

import json
from typing import Any

import yaml

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
