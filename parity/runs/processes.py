"""How many processes trained together."""

from __future__ import annotations

import re
from collections.abc import Mapping

from parity.runs.facts import Config, Fact

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
