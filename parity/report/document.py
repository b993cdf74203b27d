"""The report: what every renderer is given, and what report.json holds.

A report says what was compared (`steps`, `cases`, `exhibits`) and may hold
further `sections` of plots, findings and tables, in the order they are shown.
Everything that depends on when and where it was made is in `run`, and nowhere
else: the same inputs and seeds give the same report apart from it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from parity.check.exhibit.records import Facts, PictureKind, Series
from parity.check.summary import ACCEPTED
from parity.check.summary import Likeness as Likeness

# Raised whenever a field changes its name, type or meaning, or is taken away.
FORMAT = 2

BASE64 = "[A-Za-z0-9+/]*={0,2}"
Base64 = Annotated[str, StringConstraints(pattern=f"^{BASE64}$")]
# Nothing but addresses of pages may become a link: no scripts, no files.
WebAddress = Annotated[str, StringConstraints(pattern="^(https?://.*)?$")]

Word = Literal["equal", "within tolerance", "different", "not compared"]


@dataclass(frozen=True)
class CheckRun:
    """When, where and how: the only part that may differ between two equal checks.

    command: what to type to repeat it. started: UTC, ISO 8601; "" when not
    recorded. roots: what stands for which folder in the paths of this report.
    minimal: folders of minimal examples by ``pipeline/step``.
    """

    command: str = ""
    started: str = ""
    seconds: float | None = None
    roots: dict[str, str] = field(default_factory=dict)
    minimal: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InputFile:
    """A file that was read, below one of the run's roots."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Strip:
    """Steps that belong together. kind: "pipeline", one after the other, or "single" steps.

    steps: positions in the report's `steps`, in order.
    """

    name: str
    kind: Literal["pipeline", "single"]
    steps: tuple[int, ...]
    isolated: Word
    chained: Word
    sentence: str


@dataclass(frozen=True)
class StepEntry:
    """One step over all cases.

    cases: compared; failed: of these, different; skipped: not compared;
    unstable: the reference differs from itself; rounded: different by rounding alone,
    counted in failed unless that passes; accepted: different only as somebody has
    accepted. enters: whether a difference enters here, the step differing although it
    was fed the reference's own input. worst: the largest difference in words. first,
    why_skipped, why_unstable, why_rounded, why_accepted: the first case of each. exhibits:
    positions in the report's `exhibits`. manner: what is odd about an output and makes no
    difference.
    """

    pipeline: str
    step: str
    cases: int
    failed: int
    skipped: int
    unstable: int
    isolated: Word
    chained: Word
    enters: bool
    max_abs: float
    max_ulp: int
    worst: str
    first: str
    why_skipped: str
    why_unstable: str
    diagnosis: Likeness = field(default_factory=Likeness)
    exhibits: tuple[int, ...] = ()
    rounded: int = 0
    why_rounded: str = ""
    manner: str = ""
    accepted: int = 0
    why_accepted: str = ""


def word(step: StepEntry, verdict: Word) -> str:
    """`verdict`, on either side of `step`; what passes only as accepted is called so."""
    return ACCEPTED if verdict == "within tolerance" and step.accepted else verdict


@dataclass(frozen=True)
class CaseEntry:
    """One case. strip: position in the report's `strips`.

    steps: positions in the report's `steps`. isolated, chained: one character
    per step, ``=`` equal, ``~`` within tolerance, ``x`` different, ``-`` not
    compared, ``u`` unstable reference, ``.`` not asked for. note: what differs
    first, or why nothing was compared; kept for cases that are not equal.
    """

    name: str
    strip: int
    verdict: Word
    steps: tuple[int, ...]
    isolated: str
    chained: str
    note: str = ""
    broken: bool = False
    exhibits: tuple[int, ...] = ()


@dataclass(frozen=True)
class Image:
    """A picture as a base64 PNG, height x width pixels."""

    png: Base64
    height: int
    width: int


@dataclass(frozen=True)
class ViewEntry:
    """As `parity.check.exhibit.View`, with pictures instead of arrays."""

    name: str
    top: int
    left: int
    stride: int
    actual: Image
    expected: Image
    difference: Image | None
    box: tuple[int, int, int, int] | None
    worst: tuple[int, int] | None


@dataclass(frozen=True)
class PictureEntry:
    """As `parity.check.exhibit.Picture`."""

    path: str
    kind: PictureKind
    caption: str
    gain: str
    worst: str
    views: tuple[ViewEntry, ...]


@dataclass(frozen=True)
class ExhibitEntry:
    """One step of one failing case. left_out: why it has no pictures, or ""."""

    facts: Facts
    pictures: tuple[PictureEntry, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class PlotSection:
    """Series on both sides, overlaid, their difference below."""

    title: str
    text: str
    curves: tuple[Series, ...]
    kind: Literal["plots"] = "plots"


@dataclass(frozen=True)
class TableSection:
    """A table of text. folded: whether a page shows its title alone until it is opened."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class EvidenceLine:
    """Where a finding was seen: a file, a line number (0 for none) and its text."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class FindingEntry:
    """One cause that was found. effect: documented size, or "none documented".

    effects: further ones, each with its source. details: what else is to be said of
    it, a sentence each.
    """

    title: str
    text: str
    effect: str = ""
    fix: str = ""
    link: WebAddress = ""
    evidence: tuple[EvidenceLine, ...] = ()
    effects: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingSection:
    """Causes, most likely first."""

    title: str
    text: str
    findings: tuple[FindingEntry, ...]
    kind: Literal["findings"] = "findings"


Section = Annotated[PlotSection | TableSection | FindingSection, Field(discriminator="kind")]


@dataclass(frozen=True)
class Report:
    """One report. sentence: the verdict as a sentence.

    title, label: what a report is about, and its verdict in the words of its kind; both
    "" for a check of steps that came to its end. failed: whether a gate is to stay shut.
    candidate, reference: what the two sides are, in words. versions: of what
    computed both sides. failing cases come first in `cases`. advice: what to do now, beside
    the verdict.
    """

    verdict: Word
    sentence: str
    candidate: str
    reference: str
    title: str = ""
    label: str = ""
    advice: tuple[str, ...] = ()
    failed: bool = False
    compared: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    seeds: tuple[int, int] | None = None
    inputs: tuple[InputFile, ...] = ()
    cases_total: int = 0
    cases_failed: int = 0
    broken: tuple[str, ...] = ()
    strips: tuple[Strip, ...] = ()
    steps: tuple[StepEntry, ...] = ()
    cases: tuple[CaseEntry, ...] = ()
    exhibits: tuple[ExhibitEntry, ...] = ()
    sections: tuple[Section, ...] = ()
    run: CheckRun = field(default_factory=CheckRun)
    format: Literal[2] = 2
