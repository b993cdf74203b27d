"""``parity steps``: every step with its signature, shapes and a three-line example."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from typer import Argument, Option

from parity.cli.names import complete_steps, known, step_names
from parity.errors import InputError
from parity.text import did_you_mean

# As `parity.probes.natural.describe.Described`, by field.
Described = Mapping[str, str]


def steps(
    names: Annotated[
        list[str] | None,
        Argument(
            metavar="[STEP]...",
            help="Steps, or files of them such as loss; default all.",
            autocompletion=complete_steps,
        ),
    ] = None,
    markdown: Annotated[
        bool, Option("--markdown", help="As it stands in docs/bring-your-own.md.")
    ] = False,
) -> None:
    """List every step that a candidate can give.

    Each as its author would write it.
    """
    try:
        text = (render_steps_markdown if markdown else render_steps)(frozenset(names or ()))
    except KeyError as error:
        name = str(error.args[0])
        near = did_you_mean(name, step_names(), "parity steps lists them all")
        raise InputError(f"no step {name}; {near}") from None
    typer.echo(text, nl=False)


def render_steps(only: frozenset[str] = frozenset()) -> str:
    """Plain text for a terminal. only: names of steps or of their files; none means all."""
    return "\n".join(_text(one) for one in _chosen(only))


def render_steps_markdown(only: frozenset[str] = frozenset()) -> str:
    """The same for the docs."""
    return "\n".join(_markdown(one) for one in _chosen(only))


def _chosen(only: frozenset[str]) -> Sequence[Described]:
    """Raises KeyError for an unknown name."""
    every: Sequence[Described] = known()["described"]
    names = {name for one in every for name in (one["name"], one["step"])}
    for name in sorted(only - names):
        raise KeyError(name)
    return [one for one in every if not only or {one["name"], one["step"]} & only]


def _text(one: Described) -> str:
    shapes = textwrap.wrap(one["shapes"], 76, initial_indent="  ", subsequent_indent="  ")
    example = textwrap.indent(one["example"], "    ")
    return "\n".join([f"{one['step']}: {one['signature']}", *shapes, example])


def _markdown(one: Described) -> str:
    origin, _, rest = one["example"].partition("\n")
    example = f"{origin}\n\n\n{rest}"  # as formatters have it
    told = f"`{one['signature']}` ({one['step']})\n\n{one['shapes']}."
    return f"{told}\n\n```python\n{example}```\n"
