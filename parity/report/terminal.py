"""An explanation in at most 25 lines of 80 columns: what a person reads first."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import chain

from parity.causes.cause import Evidence, Finding
from parity.explain.explain import Judgement
from parity.report.explanation import evidence_text, headline, noise_line, row_text
from parity.text import visible

WIDTH, LINES = 80, 25
# Lines of one finding below its title.
BODY = 2


def render_text(answer: Judgement) -> str:
    """Plain text for a terminal, ending in a newline; no control character of a file survives."""
    head, tail = _head(answer), _tail(answer)
    room = LINES - len(head) - len(tail)
    body = _causes(answer, room)
    return "\n".join([*head, *body, *tail][:LINES]) + "\n"


def wrapped(text: str, indent: str = "", first: str | None = None, most: int = 99) -> list[str]:
    """`text` in lines of 80 columns, names whole; the last one cut where there are more."""
    found = textwrap.wrap(
        visible(text),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if len(found) <= most:
        return found
    return [*found[: most - 1], _cut(f"{found[most - 1]} {found[most].strip()}")]


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 4].rstrip() + " ..."


def _head(answer: Judgement) -> list[str]:
    lines = wrapped(headline(answer), most=4)
    lines += [line for reason in answer.reasons[1:3] for line in wrapped(f"and {reason}", most=2)]
    if answer.last is not None:
        step = "" if answer.last.step is None else f" at iteration {answer.last.step}"
        against = f"; {_against(answer)}" if answer.row is not None and not answer.reasons else ""
        lines += wrapped(f"score {answer.last.value:.2f} mIoU{step}{against}", most=2)
    if answer.noise is not None:
        lines += wrapped(noise_line(answer), most=2)
    elif answer.row is None and answer.comparison is None:
        lines += wrapped(f"compared with nothing: {answer.row_reason}", most=2)
    for rival in answer.rivals[:1]:
        lines += wrapped(f"nearly chosen: {row_text(rival)}", most=2)
    return lines


def _against(answer: Judgement) -> str:
    assert answer.row is not None
    figure = answer.row.miou if answer.gap is None or answer.last is None else (
        answer.last.value - answer.gap
    )  # fmt: skip
    return f"the zoo's row has {figure:.2f}"


def _causes(answer: Judgement, room: int) -> list[str]:
    """As many findings as there is room for, and the names of the others."""
    shown = [item for item in answer.findings if item.kind != "marker" and not item.part_of]
    blocks = [_block(number, item) for number, item in enumerate(shown, 1)]
    if answer.beside and answer.comparison is not None:
        there = answer.comparison.there
        blocks += [[wrapped(f"in {there}: {f.id}: {f.title}", "   ", "", 2)] for f in answer.beside]
    if not blocks:
        return ["found: nothing"] if room > 0 else []
    lines: list[str] = []
    for index, parts in enumerate(blocks):
        left = room - len(lines) - (0 if index == len(blocks) - 1 else 1)
        # A fix, and then evidence, goes before a finding does.
        block = next((b for b in _shorter(parts) if len(b) <= left), [])
        if not block and lines:
            rest = [item.id for item in shown[index:]]
            return lines + _others(rest, room - len(lines))
        lines += block or chain.from_iterable(parts)
    return lines[:room] if room > 0 else []


def _shorter(parts: list[list[str]]) -> Iterator[list[str]]:
    """The lines of all parts, then without the last, down to the first two."""
    for count in range(len(parts), min(2, len(parts)) - 1, -1):
        yield list(chain.from_iterable(parts[:count]))


def _others(names: Sequence[str], room: int) -> list[str]:
    if room < 1 or not names:
        return []
    return wrapped(f"and {len(names)} more: {', '.join(names)}", "   ", "", max(1, min(room, 2)))


def _block(number: int, finding: Finding) -> list[list[str]]:
    """Title, what is there, the best evidence, the fix."""
    setting = finding.id.startswith("setting:")
    title = f"{number}. {finding.id} ({finding.confidence}): {finding.title}"
    parts = [
        wrapped(f"{number}. {finding.id}" if setting else title, "   ", "", 2),
        wrapped(finding.detail or finding.why, "   ", most=BODY),
    ]
    if finding.evidence:
        parts.append([_evidence(finding.evidence)])
    if not setting:
        parts.append(wrapped(f"fix: {finding.fix}", "   ", most=BODY + 1))
    return parts


def _evidence(items: tuple[Evidence, ...]) -> str:
    more = f" (+{len(items) - 1})" if len(items) > 1 else ""
    text = f"   {evidence_text(items[0])}"
    room = WIDTH - len(more)
    return (text if len(text) <= room else text[: room - 4].rstrip() + " ...") + more


def _tail(answer: Judgement) -> list[str]:
    lines: list[str] = []
    opened = {item.id: item for item in answer.unchecked}
    for name in answer.not_excluded[:2]:
        lines += wrapped(f"not excluded: {name}; needs {opened[name].needs}", "   ", "", 2)
    for item in answer.inseparable[:1]:
        lines += wrapped(f"not separable: {item.text}", "   ", "", 2)
    lines += wrapped(f"next test: {answer.next_test}", "   ", "", 3)
    if answer.signature:
        lines += [_cut(visible(f"signature: {answer.signature}"))]
    harmless = sum(item.kind == "marker" for item in answer.findings)
    parts = [
        f"{len(items)} {what}"
        for items, what in (
            (answer.ruled_out, "ruled out"),
            (answer.unchecked, "not checked"),
            (range(harmless), "without bearing"),
            (answer.unread, "not read"),
        )
        if len(items)
    ]
    return [*lines, *wrapped(f"--all shows the rest: {', '.join(parts)}", "   ", "", 2)]
