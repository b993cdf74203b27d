"""Text from anywhere as text that can be shown on one line, and numbers as text."""

import difflib
import math
from collections.abc import Iterable, Mapping

# Longer texts are cut; far above any message, it bounds the size of a report.
MAX_TEXT = 20_000
TELLING_ULP = 1_000_000


def visible(text: str) -> str:
    """`text` with every character that does not print written as its escape.

    So a line break reads ``\\n``, an ANSI escape ``\\x1b``, a mirrored-text mark
    ``\\u202e``, and a byte of a file name that is no UTF-8 ``\\udcff``.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """`text`, or its first `limit` characters with the number of those left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} ... ({len(text) - limit} more characters)"


def with_marks(text: str, roots: Mapping[str, str]) -> str:
    """`text` with each folder in `roots`, before a slash, replaced by its mark, ``{inputs}``."""
    for mark, folder in sorted(roots.items(), key=lambda item: -len(item[1])):
        text = text.replace(f"{folder}/", f"{mark}/") if folder.strip("/") else text
    return text


def number(value: float | None) -> str:
    """A number in few characters: whole numbers in full, others with six digits."""
    if value is None:
        return "none"
    if math.isfinite(value) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}"


def ulp(amount: int | None) -> str:
    """A distance in representable numbers; across zero it is vast and says nothing."""
    if not amount:
        return ""
    return f"{amount:,}" if amount <= TELLING_ULP else f"over {TELLING_ULP:,}"


def count(amount: int, what: str) -> str:
    """``1 case``, ``2 cases``, ``1,000 cases``."""
    return f"{amount:,} {what}" if amount == 1 else f"{amount:,} {what}s"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean crop?``, or `otherwise` where nothing in `known` is near."""
    near = difflib.get_close_matches(name, dict.fromkeys(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else otherwise


def names(items: list[str], limit: int = 4) -> str:
    """``a, b and 3 others``."""
    if len(items) <= 1:
        return "".join(items)
    if len(items) <= limit:
        return f"{', '.join(items[:-1])} and {items[-1]}"
    return f"{', '.join(items[: limit - 1])} and {len(items) - limit + 1} others"
