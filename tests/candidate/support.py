"""Small reference traces made by our own steps, for tests that need no mmseg."""

from functools import cache

from parity.candidate.engine import Engine
from parity.candidate.judge import mistake_of
from parity.candidate.run import CheckOptions, check_with
from parity.candidate.runner import InProcess
from parity.candidate.steps import candidate_from
from parity.check.cases import Case, list_root, probe_cases
from parity.compare.trace import run_trace
from parity.fixtures import inputs_root
from parity.pipeline import TrainPipeline, ValPipeline

TRAIN = TrainPipeline(scale=(96, 48), crop_size=(40, 48))
VAL = ValPipeline(scale=(96, 48))


@cache
def pairs(seeds=6, pipeline=TRAIN):
    """Cases with their traces, made by our own steps in the place of the reference."""
    infos = list_root(inputs_root())
    found = []
    for seed in range(seeds):
        info = infos[seed % len(infos)]
        started = pipeline.data_info(info.img_path, info.seg_map_path)
        case = Case("train", f"image {seed}", seed, pipeline.steps, info=started)
        steps = [(step.name, step) for step in case.steps]
        found.append((case, run_trace(steps, case.start(), seed)))
    return tuple(found)


def runner_of(given, **asked):
    """A candidate in this process."""
    return InProcess(candidate_from(given, "given", **asked))


def report_of(given, *only, diagnose=mistake_of, **options):
    """The report on a candidate, or on its runner, beside the recording."""
    runner = given if isinstance(given, InProcess) else runner_of(given)
    options = CheckOptions("given", live=False, only=frozenset(only), **options)
    return check_with(runner, options, diagnose=diagnose)


def check(given, *, seeds=6, replay=False, limit=30.0, runner=None):
    """The check, and by step the results of all cases as ``(isolated, chained)``."""
    runner = runner or InProcess(candidate_from(given, "given"), limit=limit)
    checked = Engine(runner, replay=replay)
    results = {}
    for result in checked.run(pairs(seeds)):
        for step in result.comparison.steps:
            results.setdefault(step.name, []).append((step.isolated, step.chained))
    return checked, results


def verdicts(results, step):
    """The set of isolated and of chained verdicts of a step."""
    isolated = {str(pair[0].verdict) for pair in results[step]}
    return isolated, {str(pair[1].verdict) for pair in results[step]}


def probe_verdicts(given, seeds=12):
    """Verdicts of the probes by step, beside our own steps in the place of the reference."""
    return verdicts_of(Engine(runner_of(given)), probe_cases(range(seeds)))


def verdicts_of(check, cases):
    """Verdicts by step of the cases of one step each, as `probe_verdicts`."""
    found = {}
    for case in cases:
        if len(case.steps) > 1 or not check.part(case.steps[0]):
            continue
        trace = run_trace([(step.name, step) for step in case.steps], case.start(), case.seed)
        [result] = check.run([(case, trace)])
        [step] = result.comparison.steps
        found.setdefault(step.name, set()).add(str(step.isolated.verdict))
    return found
