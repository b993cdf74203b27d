"""Every cause tried on one run, and every setting that differs named once.

Nothing here needs a finished run or a score: a config and facts are enough.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from parity.causes.catalogue import all_causes
from parity.causes.catalogue import cause as cause_of
from parity.causes.cause import (
    UNMEASURED,
    Cause,
    Cleared,
    Confidence,
    Effect,
    Evidence,
    Examination,
    Finding,
    Found,
    Kind,
    Open,
    RuledOut,
    RunContext,
    Unchecked,
    Verdict,
)
from parity.causes.parity_results import ParityResults, StepOutcome
from parity.causes.worth import zoo_effects
from parity.errors import RunFormatError
from parity.settings import SettingDifference

_CONFIDENCE: dict[Confidence, int] = {"certain": 0, "likely": 1, "possible": 2}
_KIND: dict[Kind, int] = {"broken": 0, "different": 1, "marker": 2}
SETTING = "setting:"
_NUMBER = re.compile(r"#\d+")
# A finding this severe leads whatever its kind: most of the training, or of its data, is gone.
SEVERE = 0.8


def examine_all(context: RunContext) -> Examination:
    """Try every cause; what differs and no cause claims is a finding of its own."""
    verdicts = [(cause, examine(cause, context)) for cause in all_causes()]
    found = {cause.id: (cause, v) for cause, v in verdicts if isinstance(v, Found)}
    findings = [_finding(cause, v, context, found) for cause, v in found.values()]
    findings = _claimed_once(rank(findings))
    findings += _settings(context, findings)
    return Examination(
        rank(findings),
        tuple(Cleared(c.id, c.title, v.by, v.evidence) for c, v in verdicts if type(v) is RuledOut),
        tuple(
            Open(c.id, c.title, v.why, v.needs, v.silent)
            for c, v in verdicts
            if isinstance(v, Unchecked)
        ),
    )


def examine(cause: Cause, context: RunContext) -> Verdict:
    """What the cause's detector answers, together with the parity results."""
    try:
        verdict = cause.detect(context)
    except RunFormatError as error:  # an odd value in a file must not hide other causes
        verdict = Unchecked(
            f"a file has an unexpected form ({error})", "a config as mmengine dumps it"
        )
    told = from_parity(cause, context.parity)
    if told is None or (isinstance(told, RuledOut) and not isinstance(verdict, Unchecked)):
        return verdict
    if isinstance(verdict, Found) and isinstance(told, Found):
        return replace(verdict, evidence=verdict.evidence + told.evidence)
    return told


def rank(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What spoils most first; then most certain; what broke before what was set; by effect."""

    def key(item: Finding) -> tuple[bool, bool, bool, int, int, float, float, str]:
        size = max(map(abs, item.effect_range)) if item.effect_range else 0.0
        confidence, kind = _CONFIDENCE[item.confidence], _KIND[item.kind]
        severe = item.severity >= SEVERE and item.confidence == "certain"
        marker, part = item.kind == "marker", bool(item.part_of)
        return marker, part, not severe, confidence, kind, -item.severity, -size, item.id

    return tuple(sorted(findings, key=key))


def _claimed_once(findings: Sequence[Finding]) -> list[Finding]:
    """Each setting left to the first finding that claims it, and those left out that lost all."""
    taken: set[str] = set()
    kept = []
    for item in findings:
        own = tuple(path for path in item.paths if path not in taken)
        taken.update(own)
        if own or not item.paths or not cause_of(item.id).is_setting:
            kept.append(replace(item, paths=own))
    return kept


def _finding(
    cause: Cause, found: Found, context: RunContext, beside: dict[str, tuple[Cause, Found]]
) -> Finding:
    effects = (*zoo_effects(cause.id, context), *(found.effects or cause.effects))
    return Finding(
        cause.id,
        found.title or cause.title,
        found.mechanism or cause.mechanism,
        found.kind or cause.kind,
        found.confidence,
        found.why,
        found.detail,
        found.evidence,
        effects,
        effect_range(effects),
        found.fix or cause.fix,
        found.part_of if found.part_of in beside else "",
        found.severity,
        paths=tuple(item.path for item in context.differing(*cause.paths)),
        test=found.test or cause.test,
    )


def effect_range(effects: Sequence[Effect]) -> tuple[float, float] | None:
    """The smallest and the largest change in points of mIoU that a source gives."""
    known = [(e.low, e.high) for e in effects if e.metric == "mIoU"]
    lows = [low for low, _ in known if low is not None]
    highs = [high for _, high in known if high is not None]
    return (min(lows), max(highs)) if lows and highs else None


def _settings(context: RunContext, findings: Sequence[Finding]) -> list[Finding]:
    claimed = {path for finding in findings for path in finding.paths}
    same: dict[tuple[str, str, str], list[SettingDifference]] = {}
    for item in context.differences:
        if item.path not in claimed:
            key = (_NUMBER.sub("", item.path), item.here, item.there)
            same.setdefault(key, []).append(item)
    return [_setting(context, items) for items in same.values()]


def _setting(context: RunContext, items: list[SettingDifference]) -> Finding:
    """A difference that no cause claims; the same one in several elements of a list is one."""
    item = items[0]
    path = item.path if len(items) == 1 else _NUMBER.sub("", item.path)
    times = f" ({len(items)} times)" if len(items) > 1 else ""
    harmless = item.is_bookkeeping and not _made_the_score(context, item)
    harmless = harmless or _made_up_for(context, item)
    effect = Effect("no bearing on a score", "", "unmeasured") if harmless else UNMEASURED
    how = {item.here: "is missing", item.there: "is added"}.get("absent", "differs")
    return Finding(
        f"{SETTING}{path}",
        f"{item.group}: {path} {how}{times}",
        f"{item.here} here, {item.there} in {context.expected_name}",
        "marker" if harmless else "different",
        "certain",
        "both configs state it, or the reference's default stands in",
        f"{path}: {item.here} here, {item.there} there{times}",
        tuple(e for each in items for e in context.evidence(each.source, each.here)),
        (effect,),
        None,
        f"set it to {item.there}" if item.there != "absent" else "take it out",
        group=item.group,
        paths=tuple(each.path for each in items),
    )


def _made_the_score(context: RunContext, item: SettingDifference) -> bool:
    """The test's settings count where the test gave the score that is compared."""
    last = context.run.last
    return last is not None and last.split == "test" and item.path.startswith("test_")


def _made_up_for(context: RunContext, item: SettingDifference) -> bool:
    """Samples per GPU differ, but not the samples per step."""
    if item.path != "train_dataloader.batch_size":
        return False
    batch = context.run.settings.effective_batch.value
    meant = context.row.batch if context.row is not None else None
    if context.other is not None:
        meant = context.other.settings.effective_batch.value
    return batch is not None and batch == meant


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
        by = f"the parity check found {', '.join(sorted({o.step for o in outcomes}))} equal"
        return RuledOut(by)
    return None


def _differing(cause: Cause, file: str, step: StepOutcome, *, named: bool) -> Found:
    evidence = (Evidence(file, text=(step.diagnosis or step.first)[:300], value=step.step),)
    sure: Confidence = "likely" if named or not cause.words else "possible"
    why = "the parity check names this mistake" if named else "the step differs from mmseg's"
    return Found(evidence, sure, why, f"step {step.step}: {step.first[:200]}")
