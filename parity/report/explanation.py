"""An explanation as text with everything in it, and as JSON with every field of the answer."""

import json
import math
from dataclasses import asdict
from typing import Any

from parity.causes.cause import Effect, Evidence, Finding
from parity.explain.compare_runs import Overlap, RunComparison
from parity.explain.explain import Judgement
from parity.runs.facts import Unread
from parity.text import visible
from parity.zoo.rows import ScoreRow

MAX_SETTINGS = 40  # per group, in text; JSON holds all


def headline(answer: Judgement) -> str:
    """One sentence: what is broken, the gap, and what it comes from."""
    lead = f"{answer.lead.title}; " if answer.lead is not None else ""
    if answer.reasons:
        return f"{answer.run}: not comparable: {answer.reasons[0]}"
    if answer.gap is None:
        found = ", ".join(answer.cause_ids) or "no cause"
        return f"{answer.run}: {lead}no gap is known; found {found}"
    beside = answer.comparison.there if answer.comparison is not None else "the other run"
    against = answer.row.name if answer.row is not None else beside
    return f"{answer.run}: {lead}{answer.gap:+.2f} points against {against}, {answer.verdict}"


def gap_lines(answer: Judgement) -> list[str]:
    """The score, what it is compared with and why, and the judgement against noise."""
    lines = []
    if answer.last is not None:
        lines.append(_score("last score", answer.last.value, answer.last.step))
    if answer.best is not None and answer.best != answer.last:
        lines.append(_score("best score", answer.best.value, answer.best.step))
    if answer.row is not None:
        lines.append(f"compared with {row_text(answer.row)}: {answer.row_reason}")
    else:
        lines.append(f"compared with: {answer.row_reason}")
    if answer.rivals:
        lines.append("nearly chosen: " + "; ".join(map(row_text, answer.rivals)))
    lines += [f"not comparable: {reason}" for reason in answer.reasons]
    return lines + noise_lines(answer)


def noise_lines(answer: Judgement) -> list[str]:
    """Whether the gap is outside seed noise, with the spread and its source."""
    noise = answer.noise
    if noise is None:
        return []
    lines = [
        noise_line(answer),
        f"between two single runs {noise.limit:.2f} (95 %): standard deviation "
        f"{noise.noise.std:.2f}, {noise.noise.degrees} degrees of freedom, from "
        f"{noise.noise.source}",
    ]
    if noise.shift:
        lines.append(
            f"and {noise.shift:.2f} below the zoo's figure: it is no plain draw; in M#2191 five "
            f"repeats average {noise.shift:.2f} points below it, so the band is "
            f"-{noise.limit:.2f} - {noise.shift:.2f} to +{noise.limit:.2f}"
        )
    lines.append(f"assumed: {'; '.join(noise.assumptions)}")
    if noise.runs_needed is not None:
        lines.append(
            f"to tell a true difference of this size from noise: {noise.runs_needed} trainings "
            "on each side (95 %, power 80 %)"
        )
    return lines


def noise_line(answer: Judgement) -> str:
    """The gap beside seed noise in one line; "" without a gap."""
    noise = answer.noise
    if noise is None:
        return ""
    side = "outside" if noise.outside else "within"
    return (
        f"gap {noise.gap:+.2f} points: {side} seed noise, {noise.low:+.2f} to {noise.high:+.2f} "
        f"(p = {noise.p_value:.2g})"
    )


def row_text(row: ScoreRow) -> str:
    """A zoo result in one phrase."""
    return f"{row.name} ({row.miou:.2f})"


def _score(what: str, value: float, step: int | None) -> str:
    return f"{what} {value:.2f} mIoU" + ("" if step is None else f" at iteration {step}")


def effect_lines(finding: Finding) -> list[str]:
    """Every published effect with its source; the range of those in points of mIoU."""
    lines = [effect_text(effect) for effect in finding.effects]
    if finding.effect_range is not None and len(finding.effects) > 1:
        low, high = finding.effect_range
        lines.insert(0, f"documented range {low:+.2f} to {high:+.2f} points, of other models")
    return lines


def effect_text(effect: Effect) -> str:
    """Status, figure and source."""
    source = f" [{effect.source}]" if effect.source else ""
    return f"{effect.status}: {effect.text}{source}"


def evidence_text(evidence: Evidence) -> str:
    """File, line and quoted text; or file, tensor and value."""
    place = evidence.file + (f":{evidence.line}" if evidence.line else "")
    return visible(f"{place} {evidence_place(evidence)}".rstrip())


def evidence_place(evidence: Evidence) -> str:
    """What is there: the quoted text, or the tensor with its value."""
    parts = [evidence.tensor] if evidence.tensor else []
    parts += [f'"{evidence.text}"'] if evidence.text else []
    parts += [f"= {evidence.value}"] if evidence.value and not evidence.text else []
    return " ".join(parts)


def render_all(answer: Judgement) -> str:
    """Everything, as plain text; no control character of a file survives."""
    lines = [headline(answer), "", *gap_lines(answer)]
    for number, finding in enumerate(answer.findings, 1):
        lines += ["", f"{number}. {finding_title(finding)}"]
        lines += [f"   {line}" for line in _body(finding)]
        lines += [f"   evidence: {evidence_text(item)}" for item in finding.evidence]
    for finding in answer.beside:
        lines += ["", f"in the other run: {finding_title(finding)}"]
        lines += [f"   evidence: {evidence_text(item)}" for item in finding.evidence]
    for item in answer.inseparable:
        lines += ["", f"not separable: {item.text}", f"   separable by {item.separable_by}"]
    lines += ["", f"next test: {answer.next_test}"]
    if answer.signature:
        lines += ["", f"signature: {answer.signature}"]
    lines += _listed("ruled out", [f"{c.id}: {c.by}" for c in answer.ruled_out])
    lines += _listed("not checked", [f"{o.id}: {o.why}; needs {o.needs}" for o in answer.unchecked])
    lines += _listed("not read", [unread_text(item) for item in answer.unread])
    lines += _listed("notes", list(answer.notes))
    if answer.comparison is not None:
        lines += ["", *comparison_lines(answer.comparison)]
    return "\n".join(visible(line) for line in lines) + "\n"


def finding_title(finding: Finding) -> str:
    """Name, confidence and what it is."""
    part = f", part of {finding.part_of}" if finding.part_of else ""
    marker = ", a marker" if finding.kind == "marker" else ""
    return f"{finding.id} ({finding.confidence}{part}{marker}): {finding.title}"


def _body(finding: Finding) -> list[str]:
    detail = [finding.detail] if finding.detail else []
    effects = [f"effect, {line}" for line in effect_lines(finding)]
    why = f"{finding.confidence}, because {finding.why}"
    return [*detail, why, finding.mechanism, *effects, f"fix: {finding.fix}"]


def _listed(title: str, items: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"   {item}" for item in items)] if items else []


def unread_text(item: Unread) -> str:
    """What could not be read, where, and why."""
    place = item.file + (f":{item.line}" if item.line else "")
    times = f" ({item.count} times)" if item.count > 1 else ""
    return f"{place}: {item.reason}{times}"


def comparison_lines(found: RunComparison) -> list[str]:
    """Settings by group, where the curves part, and scores at equal iterations."""
    lines = [f"{found.here} beside {found.there}"]
    for group, items in found.settings.items():
        lines += [
            f"{group}: {len(items) or 'no'} setting{'s differ' if len(items) != 1 else ' differs'}"
        ]
        lines += [f"   {d.path}: {d.here} here, {d.there} there" for d in items[:MAX_SETTINGS]]
        if len(items) > MAX_SETTINGS:
            lines.append(f"   and {len(items) - MAX_SETTINGS} more")
    for curve in found.curves:
        lines.append(f"curve {curve.name}: {curve_text(curve)}")
    lines += [
        f"mIoU at {step}: {here:.2f} here, {there:.2f} there" for step, here, there in found.scores
    ]
    return lines


def curve_text(curve: Overlap) -> str:
    """Where a curve parts, in words."""
    if not curve.shared:
        return "no iteration was logged by both"
    if curve.parts_at is None:
        return f"equal at all {curve.shared} shared iterations"
    return (
        f"parts at iteration {curve.parts_at} ({curve.here:g} here, {curve.there:g} there; "
        f"logged to {curve.precision:g}); {curve.shared} shared iterations, "
        f"largest difference {curve.largest:g}"
    )


def as_document(answer: Judgement) -> dict[str, Any]:
    """The answer as plain values with a format number; NaN and infinities as strings."""
    document: dict[str, Any] = _plain(asdict(answer))
    # For pictures only; the curves themselves are in the run's own files.
    document.pop("curve")
    if answer.comparison is not None:
        document["comparison"].pop("plots")
    return {"format": answer.format, "verdict": answer.verdict, **document}


def render_json(answer: Judgement) -> str:
    """`as_document` as text; the same answer gives the same bytes."""
    return json.dumps(as_document(answer), indent=1, allow_nan=False, ensure_ascii=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
