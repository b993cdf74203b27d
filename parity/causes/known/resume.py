"""A resumption that lost the learning rate, the iteration or the best score."""

from __future__ import annotations

import re
from itertools import pairwise

from parity.causes.cause import Cause, Effect, Evidence, Found, RuledOut, RunContext, Verdict
from parity.runs.record import Segment

_OWN = re.compile(r"(?:iter|epoch)_\d+\.pth$|latest\.pth$")
# A rate that rises by more than this between two logged values of one run is a jump.
JUMP = 1.5


def _detect(context: RunContext) -> Verdict:
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
    restarted = bool(loads) and not (after.resumed_at.value or 0)
    if not (jumped or restarted):
        return None
    rates = f"lr {old.values[-1]:g} at iteration {old.steps[-1]}, then {new.values[0]:g} at {start}"
    evidence: tuple[Evidence, ...] = (
        *(item for load in loads[:1] for item in context.evidence(load.source)),
        *context.evidence(old.source(len(old) - 1), f"lr {old.values[-1]:g}"),
        *context.evidence(new.source(0), f"lr {new.values[0]:g}"),
    )
    why = "its own checkpoint was given as load_from, which takes the weights alone, "
    why += "so iterations and schedule began again" if restarted else ""
    return Found(evidence, "certain", why if restarted else "both rates are logged", rates)


CAUSE = Cause(
    id="resume",
    title="A resumption lost the learning rate or the iteration",
    mechanism=(
        "load_from takes the weights alone: optimizer state, iteration and schedule start again. "
        "A resumed run may also lose the rate or the best score."
    ),
    effects=(
        Effect("the rate went from 1.1e-4 to 4.6e-3; no score given", "M#1800", "unmeasured"),
        Effect("the best score was lost; no score given", "M#2428", "unmeasured"),
    ),
    fix="Resume with --resume (resume=True), not with load_from.",
    detect=_detect,
    kind="broken",
)
