"""What the findings make of a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from parity.causes.cause import Finding, Open
from parity.causes.examine import SEVERE
from parity.zoo.noise import NoiseVerdict

Status = Literal[
    "within noise", "explained", "not settled", "unexplained", "not comparable", "no gap"
]
# Published effects are of other models: one may be so many times as large here.
LEEWAY = 4.0


def causes_among(
    findings: Sequence[Finding], gap: float | None, *, twin: bool = False
) -> tuple[str, ...]:
    """Findings that may explain `gap`: no markers, no parts; of a run above, only what raises."""
    above = gap is not None and gap > 0 and not twin
    return tuple(f.id for f in findings if _counts(f) and not (above and not _raises(f)))


def _counts(finding: Finding) -> bool:
    return finding.kind != "marker" and not finding.part_of


def _raises(finding: Finding) -> bool:
    if finding.effect_range is not None:
        return finding.effect_range[1] > 0
    return finding.kind == "different"


def leading(findings: Sequence[Finding]) -> Finding | None:
    """The first thing that is certainly broken."""
    for item in findings:
        if item.kind == "broken" and item.confidence == "certain" and not item.part_of:
            return item
    return None


def judged(
    noise: NoiseVerdict | None,
    findings: Sequence[Finding],
    silent: Sequence[Open],
    beside: Sequence[Finding],
    *,
    comparable: bool,
    twin: bool,
) -> Status:
    """``explained`` claims that what was found can do it, and that nothing likelier is open."""
    if not comparable:
        return "not comparable"
    if noise is None:
        return "no gap"
    if not noise.outside:
        return "within noise"
    ids = causes_among(findings, noise.gap, twin=twin)
    counted = [f for f in findings if f.id in ids and f.confidence != "possible"]
    able = [f for f in counted if twin or _reaches(f, noise)]
    if not ids and not beside:
        return "not settled" if silent else "unexplained"
    if not able and not beside:
        return "not settled"
    overwhelming = any(f.kind == "broken" and f.severity >= SEVERE for f in able)
    return "not settled" if silent and not overwhelming else "explained"


def _reaches(finding: Finding, noise: NoiseVerdict) -> bool:
    """Whether a finding can move a score as far, by what is published; unmeasured ones may."""
    if finding.effect_range is None or finding.kind == "broken":
        return True
    low, high = finding.effect_range
    most = -low if noise.gap < 0 else high
    return most > 0 and LEEWAY * most >= abs(noise.gap)
