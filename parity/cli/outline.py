"""The commands without what they run: to be listed by ``--help`` and completed in a shell.

To import what they run takes seconds. So their help, their options, the names of steps and
causes, and the steps in words stand in known.json, written by ``python scripts/make_known.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

import typer

from parity.cli.names import COMPLETE, beginning

_TYPES: Mapping[str, Any] = {
    "flag": bool,
    "path": Path,
    "paths": list[Path],
    "text": str,
    "texts": list[str],
}


def register(app: typer.Typer, commands: Mapping[str, Any]) -> None:
    """Add the outline of `commands` to `app`: their help and options, not what they do."""
    for name, facts in commands.items():
        if "commands" in facts:
            group = typer.Typer(help=facts["help"])
            register(group, facts["commands"])
            app.add_typer(group, name=name)
        else:
            app.command(name, help=facts["help"])(_outline(facts["parameters"]))


def _outline(parameters: Mapping[str, Any]) -> Callable[..., None]:
    """A function of the same options that does nothing."""

    def outline(**given: Any) -> None:
        pass

    made = [_parameter(name, facts) for name, facts in parameters.items()]
    outline.__signature__ = Signature(made)  # type: ignore[attr-defined]
    outline.__annotations__ = {one.name: one.annotation for one in made}
    return outline


def _parameter(name: str, facts: Mapping[str, Any]) -> Parameter:
    """facts: its kind, spellings unless it is an argument, and the names it takes, if these."""
    completion = _completion(facts["names"]) if "names" in facts else None
    if "spellings" in facts:
        default = typer.Option(None, *facts["spellings"], autocompletion=completion)
    else:
        default = typer.Argument(None, autocompletion=completion)
    kind = _TYPES[facts["kind"]]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _completion(names: str | Sequence[str]) -> Callable[[str], list[str]]:
    """Of names as they stand, or of all of a kind."""

    def complete(incomplete: str) -> list[str]:
        return beginning(incomplete, names)

    return COMPLETE[names] if isinstance(names, str) else complete
