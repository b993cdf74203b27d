"""Facts that several detectors need, with the reason where one is missing."""

import math
import re
from dataclasses import dataclass
from typing import Any

from parity.causes.cause import RunContext, Unchecked
from parity.runs.datasets import KNOWN
from parity.runs.facts import Fact, Source
from parity.runs.record import MIOU, Evaluation, Run
from parity.settings.items import NOTHING, Item
from parity.settings.terms import Terms

# e.g. 8xb2-160k: GPUs times samples per GPU
# A mean over classes printed with two decimals is the mIoU up to this.
SAME_MEAN = 0.05
_BATCH = re.compile(r"(?:^|_)(\d+)xb(\d+)(?:-|_|$)")


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
        # The metafile counts the samples of an iteration, of which a step may take several.
        batch = context.row.batch * (intended_accumulation(context) or 1)
        return batch, f"the zoo's metafile ({context.row.name})"
    name = config_name(context)
    match = _BATCH.search(name)
    if match is None:
        return None, ""
    return int(match[1]) * int(match[2]), f"the config's name, {name}"


def intended_accumulation(context: RunContext) -> int | None:
    """Micro-batches per step of the row's config or the other run."""
    if context.other is not None:
        return context.other.settings.accumulation.value
    if context.expected is None:
        return None
    counts = context.expected.number("optim_wrapper", "accumulative_counts")
    return counts if isinstance(counts, int) else None


def known(fact: Fact[Any], what: str, needs: str) -> Unchecked | None:
    """None when `fact` is known, else the answer that it is not."""
    if fact.known:
        return None
    return Unchecked(f"{what} is not known{': ' + fact.note if fact.note else ''}", needs)


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


def logged_start(context: RunContext) -> bool:
    """Whether a log of the run's start was read, in which a statement would stand."""
    return any(segment.environment for segment in context.run.segments)


def dataset(terms: Terms, split: str) -> Item:
    """The data set of a split; of several, the first."""
    found = terms.item(f"{split}_dataloader", "dataset")
    while found.get("datasets").parts or found.get("dataset").fields:
        found = found.get("datasets", 0) if found.get("datasets").parts else found.get("dataset")
    return found


def steps(terms: Terms, split: str) -> list[Item]:
    """The transforms of a split."""
    return dataset(terms, split).get("pipeline").parts


def _is_whole(item: Evaluation) -> bool:
    """Whether the evaluation lists every class: the mean over them is then the mIoU."""
    mean = item.metrics.get(MIOU)
    listed = [row.iou for row in item.classes if not math.isnan(row.iou)]
    if not listed or mean is None or math.isnan(mean):
        return bool(item.classes)
    return abs(sum(listed) / len(listed) - mean) <= SAME_MEAN


@dataclass(frozen=True)
class Classes:
    """How many classes the data has, and what says so: "metainfo", "log", "data set" or "head"."""

    count: int
    how: str
    source: Source | None = None


def classes_of(run: Run, terms: Terms | None) -> Classes | None:
    """The classes that are scored; None where no file says.

    The head's number counts last: a head of 151 on 150 classes is a mistake,
    one of 47 on what is called ADE20K means other data.
    """
    owner = NOTHING if terms is None else dataset(terms, "val")
    chosen = owner.get("metainfo", "classes")
    if chosen.parts:
        source = terms.source(chosen) if terms is not None else None
        return Classes(len(chosen.parts), "metainfo", source)
    tables = [item for item in run.evaluations if _is_whole(item)]
    if tables:
        return Classes(len(tables[-1].classes), "log", tables[-1].source)
    head = NOTHING if terms is None else terms.item("model", "decode_head", -1).get("num_classes")
    number = head.value if type(head.value) is int else None
    info = KNOWN.get(owner.kind)
    if info is not None and (number is None or abs(number - info.classes) <= 1):
        return Classes(info.classes, "data set")
    if number is None or terms is None:
        return None
    return Classes(number, "head", terms.source(head))
