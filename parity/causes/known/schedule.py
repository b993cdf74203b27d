"""How long a run trained, and with which learning rates."""

import re
from itertools import pairwise

import numpy as np

from parity.causes.cause import (
    NO_CONFIG,
    Cause,
    Effect,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.facts import known
from parity.causes.rates import scheduled
from parity.runs.record import Segment
from parity.settings.items import Item
from parity.settings.terms import Terms

_DECAYS = ("PolyLR", "PolyLRRatio", "CosineAnnealingLR")
_OWN = re.compile(r"(?:iter|epoch)_\d+\.pth$|latest\.pth$")
_BY_ITERATION = "IterBasedTrainLoop"
# A rate that rises by more than this between two logged values of one run is a jump.
JUMP = 1.5
# A schedule moves when its largest rate is so many times its smallest.
MOVES = 2.0
FEW = 5


@Cause(
    id="truncated-run",
    seen="the last logged iteration against the planned ones",
    title="The training stopped early",
    mechanism="The last iterations, at the smallest learning rates, are missing.",
    fix="Resume the run (--resume) and let it finish.",
    kind="broken",
    test="finish the run: start it again with --resume, and explain it then",
)
def _truncated(context: RunContext) -> Verdict:
    settings = context.run.settings
    missing = known(settings.iterations, "the number of iterations done", "the log") or known(
        settings.max_iters, "the number of iterations planned", "the config"
    )
    if missing:
        return missing
    if not any(map(len, context.run.curves.values())):
        # A test of a checkpoint, or the checkpoint alone, says how far it got at least.
        return Unchecked("the training itself was not logged", "the training's log")
    done, planned = settings.iterations.value or 0, settings.max_iters.value or 0
    # The last log line comes up to one logging interval before the end.
    if done + _interval(context) >= planned:
        return RuledOut(f"{done} of {planned} iterations are done")
    evidence = context.of_facts(settings.iterations, settings.max_iters)
    detail = f"{done} of {planned} iterations"
    return Found(evidence, "certain", "the log ends there", detail, 1 - done / planned)


def _interval(context: RunContext) -> int:
    curve = context.run.curves.get("loss")
    if curve is None or len(curve) < 2:
        return 1
    return int(curve.steps[-1] - curve.steps[-2])


@Cause(
    id="schedule-end",
    seen="the schedule's end against max_iters; by_epoch in a loop that counts iterations",
    title="The learning rate schedule does not end with the training",
    mechanism="max_iters was changed without the schedule's end, or the schedule counts "
    "epochs, so the rate never gets small, or stands at its floor for long.",
    fix="Let max_iters and the schedule's end agree, and by_epoch be False.",
    paths=("param_scheduler.*.end", "param_scheduler.*.by_epoch"),
    step="schedule",
    needs_config=True,
)
def _schedule_end(context: RunContext, terms: Terms) -> Verdict:
    planned = context.run.settings.max_iters.value
    stages = terms.item("param_scheduler").parts
    never = _counts_epochs(terms, stages)
    if never is not None:
        return _never_decays(context, never)
    ends = [s for s in stages if s.kind in _DECAYS and type(s.get("end").value) is int]
    ends = [s for s in ends if s.get("by_epoch").value is False and s.get("end").place is not None]
    if not ends:
        return RuledOut("no schedule in the config decays to an end of its own")
    if planned is None:
        return Unchecked("the planned iterations are not known", "the run's config or log")
    last = max(ends, key=lambda stage: int(stage.get("end").value))
    end = int(last.get("end").value)
    if abs(end - planned) <= max(1, planned // 1000):
        return RuledOut(f"the schedule ends at {end} of {planned} iterations")
    if _ends_so(context.expected, end, planned):
        return RuledOut(f"end {end}, max_iters {planned}, as in {context.expected_name}")
    evidence = (
        *context.evidence(terms.source(last.get("end")), end),
        *context.of_fact(context.run.settings.max_iters),
        *_final_rate(context),
    )
    return Found(evidence, "certain", "the config states both", f"end {end}, max_iters {planned}")


def _ends_so(terms: Terms | None, end: int, planned: int) -> bool:
    """Whether the config that it is compared with does not end with its schedule either."""
    if terms is None or terms.number("train_cfg", "max_iters") != planned:
        return False
    return any(stage.get("end").value == end for stage in terms.item("param_scheduler").parts)


def _counts_epochs(terms: Terms, stages: list[Item]) -> Item | None:
    """A stage that counts epochs in a training that has none."""
    if terms.item("train_cfg").kind != _BY_ITERATION:
        return None
    for stage in stages:
        by_epoch = stage.get("by_epoch").value is True
        if by_epoch and stage.get("convert_to_iter_based").value is not True:
            return stage
    return None


def _never_decays(context: RunContext, stage: Item) -> Found:
    assert context.mine is not None
    given = stage.get("by_epoch")
    place = given if given.place is not None else stage
    evidence = (*context.evidence(context.mine.source(place), "by_epoch=True"),)
    rate = context.run.curves.get("base_lr", context.run.curves.get("lr"))
    detail = f"{stage.kind} counts epochs (by_epoch is True), and the loop counts iterations alone"
    if rate is not None and len(rate) > 1 and float(np.ptp(rate.values)) == 0:
        evidence += context.evidence(rate.source(len(rate) - 1), f"lr {rate.values[-1]:g}")
        detail += f"; the logged rate stays {rate.values[-1]:g} to iteration {rate.steps[-1]}"
    why = "mmengine's iteration loop has one epoch, so a schedule by epochs never moves"
    return Found(evidence, "certain", why, detail)


def _final_rate(context: RunContext) -> tuple[Evidence, ...]:
    curve = context.run.curves.get("lr")
    if curve is None or not len(curve):
        return ()
    return context.evidence(curve.source(len(curve) - 1), f"last logged lr {curve.values[-1]:g}")


@Cause(
    id="rate-zero",
    seen="a logged rate that is 0 throughout, lr or an lr_mult of 0 in the config",
    title="A learning rate is 0",
    mechanism="Parameters whose rate is 0 keep the values they started from.",
    fix="Give these parameters a rate, unless they are meant to be frozen.",
    kind="broken",
)
def _rate_zero(context: RunContext) -> Verdict:
    terms = context.mine
    for name in ("base_lr", "lr"):
        curve = context.run.curves.get(name)
        if curve is None or not len(curve) or np.any(curve.values):
            continue
        # mmcv 0.x rounds to five decimals in its JSON: a small rate reads 0 there.
        if not any(file.endswith(".log.json") for file in curve.files):
            evidence = context.evidence(curve.source(0), f"{name} 0")
            detail = f"{name} is 0 at all {len(curve)} logged iterations"
            return Found(evidence, "certain", "the log states it", detail, 1.0)
    if terms is None:
        return NO_CONFIG
    if terms.number("optim_wrapper", "optimizer", "lr") == 0:
        evidence = context.of_setting("optim_wrapper", "optimizer", "lr")
        return Found(evidence, "certain", "the config states it", "lr is 0", 1.0)
    zero = [name for name in _zero_keys(terms) if name not in _zero_keys(context.expected)]
    if zero:
        at = ("optim_wrapper", "paramwise_cfg", "custom_keys")
        evidence = tuple(item for name in zero for item in context.of_setting(*at, name))
        detail = f"lr_mult is 0 for parameters with {', '.join(zero)} in their names"
        return Found(evidence, "certain", "the config states it", detail, part_of="paramwise")
    return RuledOut("no rate in the config or the log is 0 throughout")


def _zero_keys(terms: Terms | None) -> list[str]:
    if terms is None:
        return []
    keys = terms.item("optim_wrapper", "paramwise_cfg", "custom_keys").fields
    return [name for name, item in keys.items() if item.get("lr_mult").value == 0]


@Cause(
    id="rate-off-schedule",
    seen="the config's schedule computed, and a logged rate that never moves",
    title="The learning rate does not follow the config's schedule",
    mechanism="The rate stood still: what moves it (ParamSchedulerHook) was not there.",
    fix="Put ParamSchedulerHook back into default_hooks; look at scripts that set the rate.",
    kind="broken",
    needs_config=True,
)
def _rate_off(context: RunContext, terms: Terms) -> Verdict:
    """Whether the rate stood still although the config's schedule moves."""
    curve = context.run.curves.get("base_lr", context.run.curves.get("lr"))
    if curve is None or len(curve) < FEW or curve.steps[0] < 1:
        return Unchecked("the log has too few learning rates", "the log of the training")
    if any(s.get("by_epoch").value is True for s in terms.item("param_scheduler").parts):
        return Unchecked("the schedule counts epochs", "the length of an epoch")
    planned = scheduled(context.run, terms, int(curve.steps[-1]))
    if not planned:
        return Unchecked("the config's schedule is not one that is computed here", "mmengine's own")
    meant = planned[0][0][curve.steps - 1]
    moves = float(meant.max()) > MOVES * float(meant.min())
    if not moves or np.ptp(curve.values) > 0 or not np.any(curve.values):
        return RuledOut("the logged rate moves when the config's schedule does")
    evidence = (
        *context.evidence(curve.source(0), f"{curve.values[0]:g}"),
        *context.evidence(curve.source(len(curve) - 1), f"{curve.values[-1]:g}"),
        *context.evidence(terms.source(terms.item("param_scheduler"))),
    )
    detail = (
        f"the rate is {curve.values[0]:g} at all {len(curve)} logged iterations; by the config it "
        f"goes from {meant.max():.3g} to {meant.min():.3g}"
    )
    return Found(evidence, "certain", "the config's schedule was computed and held against the "
                 "log", detail, 0.7)  # fmt: skip


@Cause(
    id="resume",
    seen="the rate before and after a start; its own checkpoint as load_from",
    title="A resumption lost the learning rate or the iteration",
    mechanism="load_from takes the weights alone: optimizer state, iteration and schedule start "
    "again. A resumed run may also lose the rate or the best score.",
    effects=(
        Effect("the rate went from 1.1e-4 to 4.6e-3; no score given", "M#1800", "unmeasured"),
        Effect("the best score was lost; no score given", "M#2428", "unmeasured"),
    ),
    fix="Resume with --resume (resume=True), not with load_from.",
    kind="broken",
)
def _resume(context: RunContext) -> Verdict:
    trained = [segment for segment in context.run.segments if segment.steps is not None]
    if len(trained) < 2:
        return RuledOut("the run was started once")
    for before, after in pairwise(trained):
        found = _lost(context, before, after)
        if found is not None:
            return found
    return RuledOut(f"{len(trained)} starts, and the learning rate goes on where it was")


def _lost(context: RunContext, before: Segment, after: Segment) -> Found | None:
    old, new = before.curves.get("lr"), after.curves.get("lr")
    if old is None or new is None or not len(old) or not len(new):
        return None
    start = int(new.steps[0])
    at = max(int((old.steps <= start).sum()) - 1, 0)
    jumped = new.values[0] > JUMP * old.values[-1] and new.values[0] > JUMP * old.values[at]
    loads = [w for w in after.weights if w.purpose == "load" and _OWN.search(w.path)]
    resumed = after.resumed_at.value or 0
    restarted = bool(loads) and not resumed
    # Without either it is another training in the same folder.
    if not (restarted or (jumped and resumed)):
        return None
    rates = f"lr {old.values[-1]:g} at iteration {old.steps[-1]}, then {new.values[0]:g} at {start}"
    evidence: tuple[Evidence, ...] = (
        *(item for load in loads[:1] for item in context.evidence(load.source)),
        *context.evidence(old.source(len(old) - 1), f"lr {old.values[-1]:g}"),
        *context.evidence(new.source(0), f"lr {new.values[0]:g}"),
    )
    why = "both rates are logged"
    if restarted:
        why = (
            "its own checkpoint was given as load_from, which takes the weights alone, "
            "so iterations and schedule began again"
        )
    return Found(evidence, "certain", why, rates)
