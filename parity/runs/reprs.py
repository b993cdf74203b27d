"""Values that were printed into a config as no Python at all, e.g. ``<function f at 0x7f>``."""

from __future__ import annotations

import io
import re
import tokenize

_REPR = re.compile(
    r"<(?:class '[\w.]+'|[\w.]+(?: [^<>\n]{0,200}(?:<[^<>\n]{0,200}>)?)? at 0x[0-9A-Fa-f]+"
    r"|(?:built-in|bound|module)\b[^<>\n]{0,200}(?:<[^<>\n]{0,200}>)?|[\w.]+: [\w'\"]{1,80})>"
)


def without_reprs(source: str) -> str:
    """`source` with each such value replaced by a name that nothing defines, of equal length.

    A value is replaced only where Python's tokenizer sees its ``<`` outside of
    texts and comments; a source that it cannot split stays as it is.
    """
    found = list(_REPR.finditer(source))
    if not found:
        return source
    try:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        signs = {token.start for token in tokens if token.string == "<"}
    except (tokenize.TokenError, SyntaxError):
        return source
    lines = [0, *(match.end() for match in re.finditer("\n", source))]
    parts, last, row = [], 0, 0
    for match in found:
        while row + 1 < len(lines) and lines[row + 1] <= match.start():
            row += 1
        if (row + 1, match.start() - lines[row]) in signs:
            parts += [source[last : match.start()], "_" * len(match[0].encode("utf-8", "replace"))]
            last = match.end()
    return "".join([*parts, source[last:]])
