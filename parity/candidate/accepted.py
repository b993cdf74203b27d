"""Differences that a project has accepted: each with its bound and its reason."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from parity.check.summary import ACCEPTED, DISTRIBUTION, StepKey, StepSummary
from parity.compare import rounding
from parity.compare.compare import Comparison, Verdict
from parity.compare.rng import DrawDifference
from parity.compare.rounding import ROUNDING
from parity.compare.tolerance import Tolerance
from parity.compare.trace import StepResult
from parity.text import count, number

# Bounds are drafted with this many digits of a share, rounded up.
_DIGITS = 6


@dataclass(frozen=True)
class Accepted:
    """One accepted difference. pipeline, path: "" for any; max_abs, max_share: None for any.

    max_abs: the largest absolute difference; max_share: of the elements of an array. By
    its path alone, what is no number is accepted there: a text, a type, a shape, an
    entry too many or missing.
    """

    step: str
    reason: str
    pipeline: str = ""
    path: str = ""
    max_abs: float | None = None
    max_share: float | None = None

    def covers(self, pipeline: str, step: str) -> bool:
        """Whether it is about this step. A distribution is meant only where it is named."""
        named = self.pipeline or ("" if pipeline == DISTRIBUTION else pipeline)
        return (named, self.step) == (pipeline, step)

    def allows(self, path: str, leaf: Comparison) -> bool:
        """Whether what differs at `path` is within the bound."""
        if self.path and not f"{path}.".startswith((f"{self.path}.", f"{self.path}[")):
            return False
        if _is_number(leaf):
            near = self.max_abs is None or leaf.max_abs <= self.max_abs
            few = self.max_share is None or leaf.differing <= self.max_share * leaf.count
            return self._is_bounded and near and few
        return bool(self.path) and not self._is_bounded

    @property
    def _is_bounded(self) -> bool:
        return self.max_abs is not None or self.max_share is not None

    @property
    def bound(self) -> str:
        """In words: ``image: by at most 1, at most 2% of the elements``."""
        parts = [] if self.max_abs is None else [f"by at most {number(self.max_abs)}"]
        if self.max_share is not None:
            parts.append(f"at most {number(100 * self.max_share)}% of the elements")
        where = [self.path] if self.path else []
        return ": ".join([*where, ", ".join(parts) or "what is no number"])

    def __str__(self) -> str:
        return f"{self.bound}; {self.reason}"


def _is_number(leaf: Comparison) -> bool:
    return leaf.reason in ("values", ROUNDING) and leaf.worst_index is not None


@dataclass
class _Seen:
    """What differs in a step over all cases. share: of elements; others: paths of no numbers."""

    max_abs: float = 0.0
    share: float = 0.0
    others: dict[str, None] = field(default_factory=dict)
    unacceptable: str = ""


class Acceptance:
    """Accepted differences while a check runs: which are needed, and what is beyond them."""

    def __init__(self, entries: Sequence[Accepted] = (), *, rounding_passes: bool = True) -> None:
        self._entries = entries
        self._rounding_passes = rounding_passes
        self._needed: set[Accepted] = set()
        self._seen: dict[StepKey, _Seen] = {}

    def judge(
        self, pipeline: str, step: str, result: StepResult, *, chained: bool = False
    ) -> StepResult:
        """`result`, within tolerance where all that differs is accepted."""
        if result.verdict is not Verdict.DIFFERENT:
            return result
        leaves = rounding.accepted(result.leaves) if self._rounding_passes else result.leaves
        wrong = {path: one for path, one in leaves.items() if one.verdict is Verdict.DIFFERENT}
        other = _unacceptable(result)
        if not chained:
            self._note((pipeline, step), wrong, other)
        mine = [entry for entry in self._entries if entry.covers(pipeline, step)]
        if not mine:
            return result
        found = {path: _first(mine, path, leaf) for path, leaf in wrong.items()}
        used = dict.fromkeys(entry for entry in found.values() if entry is not None)
        self._needed.update(used)
        if other or None in found.values():
            bounds = "; ".join(entry.bound for entry in mine)
            return replace(result, accepted=f"beyond what is accepted ({bounds})")
        within = {path: _within(leaves[path], entry) for path, entry in found.items() if entry}
        told = "; ".join(f"{ACCEPTED}: {entry}" for entry in used)
        leaves = {**leaves, **within}
        return replace(result, verdict=Verdict.WITHIN, leaves=leaves, draw=None, accepted=told)

    def judge_rows(self, rows: Iterable[StepSummary]) -> list[StepSummary]:
        """Rows that are tests over many results, those within an accepted bound passed."""
        return [self._row(row) for row in rows]

    def _row(self, row: StepSummary) -> StepSummary:
        if not row.failed:
            return row
        self._note((row.pipeline, row.step), {}, "" if row.max_abs else row.first)
        self._seen[row.pipeline, row.step].max_abs = row.max_abs
        mine = [one for one in self._entries if one.covers(row.pipeline, row.step)]
        near = [one for one in mine if row.max_abs <= (one.max_abs or 0) and not one.path]
        if not near:
            bounds = f"; beyond what is accepted ({mine[0].bound})" if mine else ""
            return replace(row, first=row.first + bounds)
        self._needed.add(near[0])
        told = f"{row.first}; {ACCEPTED}: {near[0]}"
        within = Verdict.WITHIN
        return replace(row, isolated=within, failed=0, first="", accepted=1, why_accepted=told)

    def unneeded(self, rows: Sequence[StepSummary]) -> list[StepSummary]:
        """A failed row for every entry that nothing needs, though its step was compared."""
        found = []
        for entry in self._entries:
            mine = [row for row in rows if entry.covers(row.pipeline, row.step) and row.cases]
            if mine and entry not in self._needed and not any(row.failed for row in mine):
                amount = count(sum(row.cases for row in mine), "case")
                told = f"no longer needed: accepted is {entry}; nothing such differs in {amount}"
                first = f"{told}; take the entry out of [[tool.parity.accepted]]"
                row = StepSummary(ACCEPTED, entry.step, 1, Verdict.DIFFERENT, failed=1, first=first)
                found.append(row)
        return found

    def untested(self, rows: Sequence[StepSummary], only: frozenset[str]) -> list[str]:
        """Notes of the entries whose step was to be compared, and was not."""
        compared = [row for row in rows if row.cases]
        return [
            f"The accepted difference of {entry.step} ({entry.bound}) was not put to the test: "
            "the step was not compared."
            for entry in self._entries
            if (not only or entry.step in only)
            and not any(entry.covers(row.pipeline, row.step) for row in compared)
        ]

    def draft(self, rows: Sequence[StepSummary]) -> str:
        """TOML that accepts what enters at the steps that differ, its reasons to be filled in."""
        keys = [(row.pipeline, row.step) for row in rows if row.isolated is Verdict.DIFFERENT]
        drafted = [_toml(*key, self._seen[key]) for key in keys if key in self._seen]
        return "\n".join(line for lines in drafted for line in lines)

    def _note(self, key: StepKey, wrong: dict[str, Comparison], other: str) -> None:
        seen = self._seen.setdefault(key, _Seen())
        seen.unacceptable = seen.unacceptable or other
        for path, leaf in wrong.items():
            if _is_number(leaf):
                seen.max_abs = max(seen.max_abs, leaf.max_abs)
                seen.share = max(seen.share, leaf.differing / leaf.count)
            elif path and leaf.reason != "non-finite":
                seen.others[path] = None
            else:
                seen.unacceptable = seen.unacceptable or str(leaf)


def _first(entries: Sequence[Accepted], path: str, leaf: Comparison) -> Accepted | None:
    return next((entry for entry in entries if entry.allows(path, leaf)), None)


def _within(leaf: Comparison, entry: Accepted) -> Comparison:
    told = Tolerance(name=ACCEPTED, atol=entry.max_abs or 0.0, reason=entry.reason)
    return replace(leaf, verdict=Verdict.WITHIN, tolerance=told)


def _unacceptable(result: StepResult) -> str:
    """What differs besides the output, which no entry covers, or ""."""
    if result.error:
        return result.error
    if result.generator != "equal":
        return f"generator state: {result.generator}"
    return str(result.draw) if result.draw and _other_range(result.draw) else ""


def _other_range(draw: DrawDifference) -> bool:
    """Whether the same method was called with other arguments, not the like by another name."""
    return draw.actual.partition("(")[0] == draw.expected.partition("(")[0]


def _toml(pipeline: str, step: str, seen: _Seen) -> list[str]:
    """One entry for the numbers, one for every path of something else."""
    bounds: list[list[str]] = []
    if seen.max_abs or seen.share:
        bounds.append([f"max_abs = {seen.max_abs!r}"])
    if seen.share:
        share = math.ceil(seen.share * 10**_DIGITS) / 10**_DIGITS
        bounds[0].append(f"max_share = {share!r}")
    bounds += [[f"path = {json.dumps(path)}"] for path in seen.others]
    lines: list[str] = []
    if seen.unacceptable:
        return ["", f"# {pipeline}/{step} cannot be accepted: {ascii(seen.unacceptable)[1:-1]}"]
    for bound in bounds:
        head = [f"step = {json.dumps(step)}", f"pipeline = {json.dumps(pipeline)}"]
        lines += ["", "[[tool.parity.accepted]]", *head, *bound, 'reason = ""']
    return lines
