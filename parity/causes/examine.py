"""One cause tried on one run: its detector's answer, together with a parity check's."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from parity.causes.cause import (
    Cause,
    Confidence,
    Evidence,
    Found,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.parity_results import ParityResults, StepOutcome
from parity.errors import InputError


def examine(cause: Cause, context: RunContext) -> Verdict:
    """What the cause's detector answers, together with the parity results."""
    try:
        verdict = cause.detect(context)
    except (InputError, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        # Values of a config may be of any type; one that does not fit must not hide other causes.
        why = f"a file has an unexpected form ({type(error).__name__}: {error})"
        verdict = Unchecked(why, "a config as mmengine dumps it")
    told = from_parity(cause, context.parity)
    if told is None or (isinstance(told, RuledOut) and not isinstance(verdict, Unchecked)):
        return verdict
    if isinstance(verdict, Found) and isinstance(told, Found):
        return replace(verdict, evidence=verdict.evidence + told.evidence)
    return told


def from_parity(cause: Cause, parity: ParityResults | None) -> Verdict | None:
    """What a parity report says about `cause`; None when nothing."""
    if parity is None or not cause.step:
        return None
    outcomes = [
        o for name, rows in parity.steps.items() if fnmatchcase(name, cause.step) for o in rows
    ]
    wrong = [o for o in outcomes if o.differs]
    named = [o for o in wrong if any(word in o.diagnosis.lower() for word in cause.words)]
    # A difference without a diagnosis may be any of the mistakes that a step is known for.
    vague = [o for o in wrong if not o.diagnosis or not cause.words]
    if named or vague:
        return _differing(cause, parity.file, (named or vague)[0], named=bool(named))
    equal = bool(outcomes) and not wrong and all(o.compared for o in outcomes)
    if equal and not cause.on_machine:
        return RuledOut(
            f"the parity check found {', '.join(sorted({o.step for o in outcomes}))} equal"
        )
    return None


def _differing(cause: Cause, file: str, step: StepOutcome, *, named: bool) -> Found:
    evidence = (Evidence(file, text=(step.diagnosis or step.first)[:300], value=step.step),)
    sure: Confidence = "likely" if named or not cause.words else "possible"
    why = "the parity check names this mistake" if named else "the step differs from mmseg's"
    return Found(evidence, sure, why, f"step {step.step}: {step.first[:200]}")
