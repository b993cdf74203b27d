"""Writes parity/cli/known.json: what a TAB and ``--help`` need of the commands and the steps."""

import inspect
import json
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from parity.causes.catalogue import all_causes
from parity.check.cases import all_steps
from parity.cli import COMMANDS, found
from parity.cli.names import COMPLETE, FILE
from parity.libraries import NAMES
from parity.probes.natural.describe import described


def known() -> dict[str, Any]:
    """All of the file."""
    steps = all_steps()
    names = {
        "steps": list(dict.fromkeys([*(s.module for s in steps), *(s.name for s in steps)])),
        "causes": [cause.id for cause in all_causes()],
        "libraries": list(NAMES),
    }
    return {
        "commands": {name: outlined(found(name)) for name in COMMANDS},
        "names": names,
        "described": [asdict(one) for one in described()],
    }


def outlined(command: Any) -> dict[str, Any]:
    """A command: its help and options; or several under one name."""
    if isinstance(command, typer.Typer):
        inner = [one.callback for one in command.registered_commands]
        commands = {one.__name__: outlined(one) for one in inner}
        return {"help": command.info.help, "commands": commands}
    parameters = inspect.signature(command, eval_str=True).parameters
    told = inspect.getdoc(command).partition("\n\n")[0].replace("\n", " ")
    return {"help": told, "parameters": {name: _facts(one) for name, one in parameters.items()}}


def _facts(parameter: inspect.Parameter) -> dict[str, Any]:
    kind, given = parameter.annotation, parameter.default
    if get_origin(kind) is Annotated:
        kind, given = get_args(kind)
    kinds = set(get_args(kind)) if type(None) in get_args(kind) else {kind}
    [kind] = kinds - {type(None)}
    facts: dict[str, Any] = {"kind": _kind(kind)}
    if not isinstance(given, typer.models.ArgumentInfo):
        # Inside of Annotated, what stands first is no default.
        given_so = (getattr(given, "default", None), *(getattr(given, "param_decls", None) or ()))
        facts["spellings"] = [one for one in given_so if isinstance(one, str)]
    completion = getattr(given, "autocompletion", None)
    if completion is not None:
        facts["names"] = next(name for name, one in COMPLETE.items() if one is completion)
    elif inspect.isclass(kind) and issubclass(kind, Enum):
        facts["names"] = [one.value for one in kind]
    return facts


def _kind(kind: Any) -> str:
    if kind is bool or kind is Path:
        return "flag" if kind is bool else "path"
    if get_origin(kind) is list:
        return "paths" if get_args(kind) == (Path,) else "texts"
    return "text"


def render() -> str:
    """One command, kind of names, or step a line."""
    parts = []
    for title, facts in known().items():
        if isinstance(facts, dict):
            rows = [f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in facts.items()]
            parts.append(f" {json.dumps(title)}: {{\n" + ",\n".join(rows) + "\n }")
        else:
            rows = [f"  {json.dumps(one)}" for one in facts]
            parts.append(f" {json.dumps(title)}: [\n" + ",\n".join(rows) + "\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(render(), "utf-8")
