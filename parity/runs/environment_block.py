"""The block about the machine at the start of a log: a name and a value per line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from parity.runs.facts import Config, Fact, Source

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


_GPUS = re.compile(r"GPU (\d{1,3}(?:,\d{1,3})*)")


def processes_of(config: Config | None, environment: Mapping[str, Fact[str]]) -> Fact[int]:
    """As mmengine logs it, as mmseg 0.x writes it into its config, or as follows from the log.

    mmseg 0.x logs no number; its config is printed with ``gpu_ids`` of all processes.
    """
    stated = environment.get("GPU number", Fact[str]())
    if re.fullmatch(r"[0-9]{1,6}", stated.value or ""):
        return Fact(int(stated.value or 0), stated.source)
    gpus = Fact[object]() if config is None else config.fact("gpu_ids")
    if isinstance(gpus.value, (list, tuple, range)) and len(gpus.value):
        return Fact(len(gpus.value), gpus.source, "length of gpu_ids")
    return _by_log(environment)


def _by_log(environment: Mapping[str, Fact[str]]) -> Fact[int]:
    distributed = environment.get("Distributed training", Fact[str]())
    if distributed.value == "False":
        return Fact(1, distributed.source, "the log says that the training was not distributed")
    visible = [match[1] for name in environment if (match := _GPUS.fullmatch(name))]
    if distributed.value == "True" and visible:
        count = sum(len(names.split(",")) for names in visible)
        note = f"{count} GPUs were visible to a distributed training; the log does not say how "
        return Fact(count, environment[f"GPU {visible[0]}"].source, f"{note}many of them took part")
    return Fact(note="neither the log nor a config says how many processes trained")
