"""The words of a minimal example: its script, its Markdown, and arrays as text."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity.candidate.shrink import FailingCase
from parity.compare.trace import StepRecord, StepResult
from parity.compare.tree import children
from parity.report.markup import cell
from parity.sample import Meta
from parity.text import visible

# Arrays up to this many numbers are printed whole.
MOST_NUMBERS = 300

_SCRIPT = '''\
"""{step} beside {reference}: prints the input, both outputs and the difference."""

import sys
from pathlib import Path

from parity.candidate.example import Example

candidate = sys.argv[1] if len(sys.argv) > 1 else {text!r}
Example.load(Path(__file__).parent).show(candidate)
'''


def script(text: str, step: str, versions: Mapping[str, str]) -> str:
    """The script; it needs the candidate and this package, not mmsegmentation."""
    return _SCRIPT.format(step=step, text=text, reference=reference_name(versions))


def reference_name(versions: Mapping[str, str]) -> str:
    """What the expected output comes from."""
    live = versions.get("mmseg") or versions.get("recorded mmseg")
    return f"mmsegmentation {live}" if live else "the steps of mmseg-parity"


def markdown(
    small: FailingCase,
    expected: StepRecord,
    actual: StepRecord,
    result: StepResult,
    text: str,
    versions: Mapping[str, str],
) -> str:
    """A page to paste into an issue, ending in a newline."""
    seed = "a later state of a stream" if small.seed is None else f"`RandomState({small.seed})`"
    name = visible(text).replace("`", "'")
    parts = [
        f"# `{small.step.name}` of `{name}` differs from {reference_name(versions)}",
        cell(result.explain()),
        f"Options: `{options_text(small.step.options)}`. Random stream: {seed}. "
        f"Run `python reproduce.py` in this folder to see it again.",
        _block("Input", shown(expected.input)),
        _block("Actual", actual.error or shown(actual.output)),
        _block("Expected", expected.error or shown(expected.output)),
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def options_text(options: Mapping[str, Any]) -> str:
    """Options on one line; those of a whole pipeline by step."""
    steps = options.get("steps")
    if steps is None:
        return repr(dict(options))
    return ", ".join(f"{step.name} {dict(step.options)}" for step in steps)


def shown(value: Any, path: str = "") -> str:
    """Every array and value by path; large arrays as shape, dtype, range."""
    parts = children(value)
    if isinstance(value, Meta):
        return f"{path}: {dict(value)}"
    if path and isinstance(value, dict) and not value:  # such as the further maps of a sample
        return ""
    if parts is not None and not _is_plain(parts):
        items = (shown(part, f"{path}.{key}" if path else key) for key, part in parts.items())
        return "\n".join(item for item in items if item)
    kind = ""
    if hasattr(value, "detach"):
        kind = str(value.dtype).removeprefix("torch.")
        value = as_array(value)
    title = f"{path}: " if path else ""
    if not isinstance(value, np.ndarray):
        return f"{title}{value!r}"
    head = f"{title}{kind or value.dtype} {value.shape}"
    if value.size > MOST_NUMBERS or value.size == 0:
        span = f" from {value.min()} to {value.max()}" if value.size else ""
        return head + span
    body = np.array2string(value, threshold=MOST_NUMBERS + 1, separator=", ", max_line_width=110)
    return f"{head}\n{body}"


def as_array(tensor: Any) -> Any:
    """A tensor as an array; what NumPy has no dtype for as float32, or as it is."""
    plain = tensor.detach().cpu()
    try:
        return plain.numpy()
    except TypeError:
        return plain.float().numpy() if plain.is_floating_point() else plain


def _is_plain(parts: Mapping[str, Any]) -> bool:
    return all(isinstance(part, (int, float, str, bool, type(None))) for part in parts.values())


def _block(title: str, text: str) -> str:
    """Text in a fence that it cannot close, with what does not print made visible."""
    body = lines(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
    return f"## {title}\n\n{fence}\n{body}\n{fence}"


def lines(text: str) -> str:
    """`text` with its lines kept and everything else that does not print made visible."""
    return "\n".join(map(visible, text.split("\n")))
