"""Facts that several detectors need, with the reason where one is missing."""

from __future__ import annotations

import re
from typing import Any

from parity.causes.cause import Evidence, RunContext, Unchecked
from parity.runs.facts import Fact

# e.g. 8xb2-160k: GPUs times samples per GPU
_BATCH = re.compile(r"(?:^|_)(\d+)xb(\d+)(?:-|_|$)")
# Training images; ADE20K: SceneParse150. Validation images beside it.
KNOWN_SIZES = {"ADE20KDataset": (20210, 2000), "CityscapesDataset": (2975, 500)}


def config_name(context: RunContext) -> str:
    """The config's name, e.g. ``fcn_r50-d8_4xb4-80k_ade20k-512x512``, else the run's own."""
    run = context.run
    files = [f[:-3] for f in run.files if "/" not in f and f.endswith(".py")]
    stated = run.settings.config_name.value
    names = [name for name in (*files, stated, run.name) if name and _BATCH.search(name)]
    return names[0] if names else stated or run.name


def intended_batch(context: RunContext) -> tuple[int | None, str]:
    """Samples per step the config is meant for, and what says so."""
    if context.other is not None:
        return context.other.settings.effective_batch.value, f"the other run, {context.other.name},"
    if context.row is not None and context.row.batch is not None:
        return context.row.batch, f"the zoo's metafile ({context.row.name})"
    name = config_name(context)
    match = _BATCH.search(name)
    if match is None:
        return None, ""
    return int(match[1]) * int(match[2]), f"the config's name, {name}"


def known(fact: Fact[Any], what: str, needs: str) -> Unchecked | None:
    """None when `fact` is known, else the answer that it is not."""
    if fact.known:
        return None
    return Unchecked(f"{what} is not known{': ' + fact.note if fact.note else ''}", needs)


def facts_evidence(context: RunContext, *facts: Fact[Any]) -> tuple[Evidence, ...]:
    """The places of `facts`, none twice."""
    found = [item for fact in facts for item in context.of_fact(fact)]
    return tuple(dict.fromkeys(found))


def environment(context: RunContext, *names: str) -> Fact[str]:
    """The first of these entries of the log's environment block."""
    for name in names:
        fact = context.run.environment.get(name)
        if fact is not None and fact.known:
            return fact
    return Fact(note=f"the log's environment block has no {names[0]}")


def gpu_names(context: RunContext) -> Fact[str]:
    """The GPUs of the log, e.g. ``GPU 0,1: NVIDIA GeForce RTX 3090``."""
    for name, fact in context.run.environment.items():
        if re.fullmatch(r"GPU [\d,]+", name) and fact.known:
            return fact
    return Fact(note="the log names no GPU")


def without_cuda(context: RunContext) -> bool:
    """The log says that no CUDA device was there."""
    return environment(context, "CUDA available").value == "False"
