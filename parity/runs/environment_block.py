"""The block about the machine at the start of a log: a name and a value per line."""

from __future__ import annotations

import re
from dataclasses import replace

from parity.runs.facts import Fact, Source

# Between the lines of a block, CUDA code may print its failures (see console.py).
_VALUE = re.compile(r" {0,4}(?! )(?!error in )([A-Za-z_][\w .,/()-]*?): (.*)")


def environment_of(
    text: str, file: str, line: int, *, own_lines: bool = True
) -> dict[str, Fact[str]]:
    """The values in `text`, whose first line is number `line` of `file`.

    own_lines: whether its lines are lines of the file. JSON holds a block in one.
    """
    found: dict[str, Fact[str]] = {}
    name = ""
    for offset, written in enumerate(text.split("\n")):
        if written.startswith("-----") and found:
            break
        match = _VALUE.fullmatch(written)
        if match is not None:
            name = match[1]
            quote = written.strip()[:300]
            source = Source(file, line + offset, quote) if own_lines else Source(file, line)
            found[name] = Fact(match[2].strip(), source)
        elif written.startswith("  - ") and name:  # how torch was built
            found[name] = replace(found[name], value=f"{found[name].value}\n{written.strip()}")
    return found
