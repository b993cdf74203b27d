"""Reports to render: one with every kind of evidence, one whose every text is hostile."""

import functools
import types
import typing
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np

from parity.candidate.engine import Engine
from parity.candidate.own import check_case
from parity.candidate.sides import OwnSteps
from parity.check.cases import Case, list_root
from parity.check.exhibit import Collector
from parity.check.summary import candidate_steps, summarise
from parity.compare.rounding import Rounding
from parity.compare.trace import run_trace
from parity.explain.explain import explain
from parity.fixtures import fixtures_root, inputs_root
from parity.pipeline import TrainPipeline, ValPipeline
from parity.probes.catalogue import val_tail
from parity.probes.natural import step_of
from parity.probes.schedule import make_schedule
from parity.report import document
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.explained import report_of_explanation
from parity.report.html import render_html
from parity.report.json import canonical
from parity.report.palette import CLASSES
from parity.runs.read import read_run
from parity.steps.flip import flip_sample
from parity.steps.load import load_sample
from parity.steps.resize import resize_sample
from parity.steps.schedule import lr_table

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
TRAIN = TrainPipeline(scale=(96, 48), crop_size=(40, 48))
VAL = ValPipeline(scale=(96, 48))


def load_rgb(info, rng):
    sample = load_sample(info)
    return sample.replace(image=sample.image[..., ::-1].copy())


def flip_wrong_draws(sample, rng, *, prob):
    rng.random_sample()
    return flip_sample(sample, rng, prob=prob)


def resize_all_pillow(sample, rng, *, scale, keep_ratio):
    return resize_sample(sample, scale=scale, keep_ratio=keep_ratio, backend="pillow")


def resize_other_size(sample, rng, *, scale, keep_ratio):
    return resize_sample(sample, scale=(scale[0], scale[1] - 2), keep_ratio=keep_ratio)


def photometric_that_raises(sample, rng):
    raise ValueError("<b>no</b>\x1b[31m")


def schedule_half(**value):
    return lr_table(**value) * np.float64(0.5)


SCHEDULE = step_of("schedule", lr_table)
# pipeline, defect by step, seeds
PLANS = (
    ("train", {"load": load_rgb, "flip": flip_wrong_draws}, range(3)),
    ("raises", {"photometric": photometric_that_raises}, range(2)),
    ("val", {"resize": resize_all_pillow}, range(2)),
    ("shape", {"resize": resize_other_size}, range(1)),
    ("schedule", {"schedule": schedule_half}, range(3)),
)


def cases():
    infos = list_root(inputs_root())
    for pipeline, defects, seeds in PLANS:
        for seed in seeds:
            val = pipeline in ("val", "shape")
            chosen = infos[seed + (4 if val else 1)]  # inference at 512 x 512 takes seconds
            info = VAL.data_info(chosen.img_path, chosen.seg_map_path)
            if pipeline == "schedule":
                probe = types.SimpleNamespace(make=make_schedule, step=SCHEDULE)
                yield Case(pipeline, "schedule", seed, (SCHEDULE,), probe=probe), defects
                continue
            steps = VAL.steps + val_tail() if val else TRAIN.steps
            name = Path(info.img_path).name
            yield Case(pipeline, name, seed, steps, info=info), defects


@functools.cache
def rich_report() -> document.Report:
    """Our own steps on both sides, the actual one with many defects; needs no mmseg."""
    every = {case.name: (case, defects) for case, defects in cases()}
    traces = {
        name: run_trace(candidate_steps(case.steps), case.start(), case.seed)
        for name, (case, _) in every.items()
    }

    def results():
        for name, (case, defects) in every.items():
            engine.runner = OwnSteps(defects)
            yield check_case(case, traces[name], engine)

    engine = Engine(OwnSteps(), shown=2, class_names=CLASSES, rounding=Rounding.FAIL)
    collector = Collector()
    check = summarise(
        collector.watch(results()),
        mode="recorded",
        versions={"recorded mmseg": "1.2.2", "torch": "2"},
        notes=("a note",),
        seeds=(0, 3),
        inputs={str(inputs_root() / "a.jpg"): "ab" * 32},
    )
    told = document.Likeness("red and blue are exchanged", ("reproduced exactly",))
    rows = [
        replace(row, diagnosis=told) if (row.pipeline, row.step) == ("train", "load") else row
        for row in check.summaries
    ]
    check = replace(check, summaries=tuple(rows))
    exhibits = engine.shown()
    evidence = CheckDetails(collector.outcomes, exhibits, sections(exhibits))
    run = document.CheckRun(
        "parity check",
        "2026-01-01T00:00:00Z",
        1.5,
        {"{inputs}": str(inputs_root())},
        {"train/load": "/tmp/minimal"},
    )
    return report_of_check(check, evidence, run)


def sections(exhibits):
    curve = next(curve for exhibit in exhibits for curve in exhibit.facts.curves)
    return (
        document.PlotSection("Curves", "a text", (curve,)),
        document.TableSection("Table", "a text", ("one", "two"), (("1", "2"), ("3", "4"))),
        document.FindingSection(
            "Causes",
            "a text",
            (
                document.FindingEntry(
                    "dead kernel",
                    "the op failed",
                    "none documented",
                    "rebuild mmcv",
                    "https://example.org/a?b=1&c=2",
                    (document.EvidenceLine("run.log", 12, "error in ms_deformable_im2col_cuda"),),
                ),
            ),
        ),
    )


@functools.cache
def explained_report() -> document.Report:
    """A training whose op was dead, explained beside a healthy one."""
    runs = fixtures_root() / "runs"
    dead, healthy = (read_run(runs / name) for name in ("dead-kernel-both", "healthy"))
    return report_of_explanation(explain(dead, against=healthy))


HOSTILE = (
    "<script>window.pwned=1</script>\"'><img src=x onerror=window.pwned=1>"
    "<svg/onload=window.pwned=1></style></title></textarea>--></script>"
    "\x1b[31mred\x1b[0m\nsecond line\r\n\x00\x07\u202egpj.exe\u2028](javascript:window.pwned=1) "
    "| `code` *b* {{7*7}} {% raw %} ${7*7} &lt;&#60; ]]> \\x1b \U0001f600 \x85"
)
LONG = HOSTILE + "A" * 10_000
# Texts that are a code, not a message.
_CODES = {"png", "isolated", "chained", "link", "mark", "color"}


def poisoned(value, text=HOSTILE):
    """`value` with every text in every record replaced; choices of a few words stay."""
    if is_dataclass(value):
        hints = typing.get_type_hints(type(value))
        changes = {}
        for item in fields(value):
            old = getattr(value, item.name)
            if isinstance(old, str):
                changes[item.name] = (
                    text if hints[item.name] is str and item.name not in _CODES else old
                )
            else:
                changes[item.name] = poisoned(old, text)
        return replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(text if isinstance(item, str) else poisoned(item, text) for item in value)
    if isinstance(value, dict):
        return {f"{place}{text}": text for place in range(len(value))}
    return value


def make_pages(folder: Path) -> dict[str, Path]:
    """Pages to open in a browser, by name."""
    report = rich_report()
    hostile = poisoned(report)
    long = replace(
        hostile,
        cases=(replace(hostile.cases[0], name=LONG, note=LONG), *hostile.cases[1:]),
        steps=(replace(hostile.steps[0], step=LONG, first=LONG), *hostile.steps[1:]),
    )
    pages = {"sample": SAMPLE / "report.html"}
    explained = explained_report()
    contents = {
        "rich": report,
        "hostile": long,
        "explained": explained,
        "explained-hostile": poisoned(explained, LONG),
    }
    for name, content in contents.items():
        pages[name] = folder / f"{name}.html"
        pages[name].write_text(render_html(canonical(content)), "utf-8")
    return pages
