"""How long a report of 10,000 cases takes to render, how large it is, how it feels in a browser.

    python -m benchmarks.report [--cases 10000] [--failing 0.1]

The cases are made up; the exhibits are those of a real defect on a photograph at
512 x 512, repeated until the report's limit for pictures is reached. In the
browser (Chromium, if installed) it measures opening and every filter, until the
next frame is drawn, and lists the tasks that blocked for over 50 ms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.candidate.engine import Engine
from parity.candidate.given import OwnSteps
from parity.candidate.own import check_case
from parity.check.cases import Case, list_root
from parity.check.exhibit import Collector, Exhibit
from parity.check.summary import CaseResult, candidate_steps, summarise
from parity.compare.compare import Comparison, Verdict
from parity.compare.trace import StepComparison, StepResult, TraceComparison, run_trace
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline
from parity.report.assemble import CheckDetails, report_of_check
from parity.report.document import CheckRun, Report
from parity.report.palette import CLASSES
from parity.report.write import FORMATS

STEPS = ("load", "resize", "crop", "flip", "photometric", "collate", "logits", "loss")
EQUAL = StepResult(Verdict.EQUAL, {"image": Comparison(Verdict.EQUAL, count=786432)})
DETAIL = "10438 of 786432 elements differ, by up to 255; at (301, 222, 1): actual 255, expected 0"
LEAF = Comparison(Verdict.DIFFERENT, "values", DETAIL, 786432, 10438, 255)
OTHER = StepResult(Verdict.DIFFERENT, {"image": LEAF})


def result(number: int, failing: bool) -> CaseResult:
    """A case of five or eight steps; a failing one differs from crop on."""
    steps = STEPS if number % 10 == 0 else STEPS[:5]
    compared = tuple(
        StepComparison(
            name,
            OTHER if failing and name == "crop" else EQUAL,
            OTHER if failing and place >= 2 else EQUAL,
        )
        for place, name in enumerate(steps)
    )
    name = f"train/ADE_train_{number:08d}.jpg/seed {number}"
    return CaseResult(name, "train", TraceComparison(number, compared))


def load_rgb(info: Any, rng: Any) -> Any:
    sample = TrainPipeline().steps[0](info, rng)
    return sample.replace(image=np.ascontiguousarray(sample.image[..., ::-1]))


def exhibits() -> list[Exhibit]:
    """Of a defect in the first step, on two photographs."""
    pipeline = TrainPipeline()
    engine = Engine(OwnSteps({"load": load_rgb}), shown=6, class_names=CLASSES)
    for info in list_root(inputs_root())[1:3]:
        case = Case(
            "train",
            "x",
            0,
            pipeline.steps,
            info=pipeline.data_info(info.img_path, info.seg_map_path),
        )
        check_case(case, run_trace(candidate_steps(case.steps), case.start(), 0), engine)
    return [
        replace(one, facts=replace(one.facts, step=STEPS[place % len(STEPS)]))
        for place, one in enumerate(engine.shown() * 6)
    ]


def made_up(cases: int, failing: float, shown: list[Exhibit]) -> Report:
    every = round(1 / failing) if failing else cases + 1
    collector = Collector()
    check = summarise(
        collector.watch(result(number, number % every == 0) for number in range(cases)),
        mode="live",
        versions={"mmseg": "1.2.2"},
        notes=(),
        seeds=(0, cases),
        inputs={f"ADE_train_{number:08d}.jpg": "ab" * 32 for number in range(100)},
    )
    return report_of_check(check, CheckDetails(collector.outcomes, shown), CheckRun("benchmark"))


def timed(what: str, function: Any, *arguments: Any) -> Any:
    start = time.perf_counter()
    value = function(*arguments)
    print(f"{what:<28} {time.perf_counter() - start:7.2f} s")
    return value


FILTERS = """
const done = arguments[0];
const act = (selector, value, event) => new Promise((resolve) => {
  const input = document.querySelector(selector);
  input.value = value;
  const start = performance.now();
  input.dispatchEvent(new Event(event));
  const handled = performance.now() - start;
  requestAnimationFrame(() => setTimeout(() => resolve([handled, performance.now() - start])));
});
const tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({type: "longtask", buffered: true});
(async () => {
  const loading = performance.getEntriesByType("navigation")[0].loadEventEnd;
  const found = {loaded: loading};
  found.step = await act("#filter-step", "2", "change");
  found.verdict = await act("#filter-verdict", "3", "change");
  document.getElementById("cases-rest").open = true;
  found.verdict_any = await act("#filter-verdict", "", "change");
  for (const word of ["0", "00001", "seed 99", "", "no such text"]) {
    document.querySelector("#filter-text").value = word;
    const start = performance.now();
    document.querySelector(".filters").dispatchEvent(new Event("submit", {cancelable: true}));
    const handled = performance.now() - start;
    await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
    found[`text "${word}"`] = [handled, performance.now() - start];
  }
  await new Promise((r) => setTimeout(r, 200));
  done([found, tasks]);
})();
"""


def in_browser(path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.report.chromium import chromium, why_not  # noqa: PLC0415 needs selenium

    if why_not():
        print(f"no browser: {why_not()}")
        return
    with chromium() as browser:
        browser.set_script_timeout(120)
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.get(path.as_uri())
        print(f"{'opened, processor time':<28} {thread_time(browser):7.2f} s")
        found, tasks = browser.execute_async_script(FILTERS)
        for name, value in found.items():
            shown = (
                f"{value:7.0f} ms"
                if name == "loaded"
                else "{:7.0f} ms, drawn {:.0f} ms".format(*value)
            )
            print(f"{name:<28} {shown}")
        print(f"{'tasks over 50 ms':<28} {[round(task) for task in tasks]} ms")


def thread_time(browser: Any) -> float:
    """Seconds the page's main thread has computed; other processes do not count."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {item["name"]: item["value"] for item in metrics}["ThreadTime"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--failing", type=float, default=0.1)
    options = parser.parse_args()
    shown = timed("exhibits (part of the check)", exhibits)
    report = timed("assemble", made_up, options.cases, options.failing, shown)
    print(f"{len(report.cases)} cases, {report.cases_failed} different, {len(shown)} exhibits")
    with tempfile.TemporaryDirectory() as folder:
        for file, render in FORMATS.values():
            text = timed(file, render, report)
            (Path(folder) / file).write_text(text, "utf-8")
            print(f"{'':<28} {len(text.encode()) / 1e6:7.2f} MB")
        in_browser(Path(folder) / "report.html")


if __name__ == "__main__":
    main()
