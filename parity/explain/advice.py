"""What findings make of a gap, which cannot be told apart, and what to try first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from parity.causes.catalogue import cause
from parity.causes.cause import Finding, Open
from parity.causes.examine import SETTING, SEVERE
from parity.zoo.noise import NoiseVerdict
from parity.zoo.rows import ScoreRow

DEAD = "dead-kernel"


@dataclass(frozen=True)
class Inseparable:
    """Causes whose shares of the gap are not known. separable_by: what tells them apart."""

    ids: tuple[str, ...]
    text: str
    separable_by: str


def inseparable(
    found: tuple[str, ...], silent: tuple[str, ...], *, by_checkpoint: bool
) -> tuple[Inseparable, ...]:
    """What to say when several causes were found, or one could not be excluded.

    silent: not checked, and as likely as what was found.
    """
    suspects = (*found, *((DEAD,) if DEAD in silent and found else ()))
    if len(suspects) < 2:
        return ()
    if DEAD in suspects and not by_checkpoint:
        others = tuple(name for name in suspects if name != DEAD)
        text = f"from the log alone, {DEAD} and {', '.join(others)} cannot be separated"
        decides = (
            "a checkpoint of the run: it shows whether the kernel was dead throughout; "
            "how many points each costs, it does not show"
        )
        return (Inseparable((DEAD, *others), text, decides),)
    text = f"{', '.join(found)} are all in the run; how many points each costs is in no file"
    if DEAD in found:
        text += "; the checkpoint decides that the kernel was dead"
    return (Inseparable(found, text, f"a training with only {found[0]} put right"),)


def next_test(
    findings: tuple[Finding, ...],
    found: tuple[str, ...],
    silent: tuple[Open, ...],
    *,
    by_checkpoint: bool,
    row: ScoreRow | None,
    beside_run: bool = False,
) -> str:
    """The cheapest test that tells most."""
    open_ids = [item.id for item in silent]
    if (DEAD in found or DEAD in open_ids) and not by_checkpoint and _leads(found):
        return (
            "put a checkpoint (iter_*.pth) of the run beside its log and explain again: "
            "its tensors show in seconds whether deformable attention ever ran"
        )
    by_id = {item.id: item for item in findings}
    for name in found:
        if by_id[name].test:
            return by_id[name].test
    if found:
        fix = by_id[found[0]].fix
        return f"retrain, or score again, with only {found[0]} put right: {fix}"
    if silent:
        return f"to decide {silent[0].id}: {silent[0].needs}"
    if row is not None:
        return (
            f"evaluate the zoo's checkpoint ({row.weights or row.name}) in the same environment: "
            f"if it does not give {row.miou:.2f}, the evaluation or the data differ"
        )
    if beside_run:
        return (
            "train the other run's config again with another seed: the difference between the two "
            "says how much of the gap is chance"
        )
    return "name the zoo's result to compare with (--against NAME)"


def _leads(found: tuple[str, ...]) -> bool:
    """Nothing that was found makes the question of the kernel an idle one."""
    setting = bool(found) and found[0].startswith(SETTING)
    return not found or found[0] == DEAD or setting or cause(found[0]).kind != "broken"


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
    counted = [f for f in findings if f.kind != "marker" and not f.part_of]
    return tuple(f.id for f in counted if not above or _raises(f))


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
