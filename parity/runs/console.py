"""Known failure lines in captured console output of any size.

Some of them exist nowhere else: mmcv's CUDA code reports with C `printf`, which
no log file records, and goes on. A run that fails so prints the same line
millions of times; each distinct line is searched once and then counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from parity.runs.log_data import LineTally
from parity.runs.record import Message
from parity.runs.text import Block, find_all, quoted

KERNEL_LAUNCH = "kernel-launch"
# How much of a line is looked at on either side of an anchor: lines can be megabytes long.
WINDOW = 240

_AGAIN = re.compile(rb"\[again (\d{1,15})x\] ")

# kind, bytes to look for, and what the text from some place before them must match.
_PATTERNS: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, anchor, re.compile(pattern))
    for kind, anchor, pattern in (
        # mmcv 2.1.0 ops/csrc/pytorch/cuda/ms_deform_attn_cuda.cu and its relatives:
        # printf("error in ms_deformable_im2col_cuda: %s\n", cudaGetErrorString(err)).
        # Several ranks may write into one line.
        (KERNEL_LAUNCH, b"error in ", rb"error in \w*(?:im2col|col2im)\w*: (?:(?!error in).)*"),
        ("no-kernel-image", b"no kernel image", rb".*no kernel image is available.*"),
        ("cuda-out-of-memory", b"out of memory", rb".*(?:CUDA|GPU|HIP).*out of memory.*"),
        ("cuda-error", b"CUDA error", rb".*CUDA error: .*"),
        ("cuda-error", b"cudaCheckError", rb".*cudaCheckError\(\) failed.*"),
        ("cuda-error", b"device-side assert", rb".*device-side assert triggered.*"),
        ("cuda-error", b"illegal memory access", rb".*illegal memory access.*"),
        ("gpu-not-supported", b"with CUDA capability", rb".*with CUDA capability sm_\d+ is not.*"),
        ("cuda-unavailable", b"CUDA initialization", rb".*CUDA initialization: .*"),
        ("nccl-error", b"NCCL", rb".*NCCL (?:error|failure|WARN).*"),
        ("image-damaged", b"Corrupt JPEG", rb".*Corrupt JPEG data.*"),
        ("image-damaged", b"libpng error", rb".*libpng error.*"),
        ("worker-killed", b"is killed by signal", rb".*worker \(pid.*is killed by signal.*"),
        ("exception", b"Traceback (most", rb".*Traceback \(most recent call last\).*"),
        ("exception", b"Error: ", rb"(?:\[\w+\]:\s*)?(?:\w+\.)*\w*Error: .*"),
    )
)


class FailureFinder:
    """Passes blocks on and counts the known failure lines in them."""

    def __init__(self, file: str) -> None:
        self._tally = LineTally(file)

    def watch(self, source: Iterable[Block]) -> Iterator[Block]:
        """`source` unchanged; each block is searched when it comes by."""
        for block in source:
            self._search(block)
            yield block

    def findings(self) -> tuple[Message, ...]:
        """What was found so far, by kind and text."""
        return self._tally.messages()

    def _search(self, block: Block) -> None:
        found: dict[bytes, tuple[str, list[bytes]]] = {}
        counts: Counter[bytes] = Counter()
        for kind, anchor, pattern in _PATTERNS:
            lines = Counter(_lines_with(block.distinct, anchor))
            for line in lines:
                # A line counts for its first pattern only.
                texts = [] if line in found else _texts(kind, line, anchor, pattern)
                if texts:
                    found[line] = (kind, texts)
                    counts[line] = lines[line] * block.count(line) * _times(line)
        places = block.places(found.keys())
        for line, (kind, texts) in found.items():
            first, last = places[line]
            for text in texts:
                shown = quoted(text)
                self._tally.add(kind, first, shown, count=counts[line], last_line=last)


def _times(line: bytes) -> int:
    """How many lines this one stands for in a console that `parity watch` kept."""
    again = _AGAIN.match(line)
    return int(again[1]) if again is not None else 1


def _lines_with(data: bytes, anchor: bytes) -> Iterator[bytes]:
    """Each line of `data` in which `anchor` occurs, once."""
    at = data.find(anchor)
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(anchor, end)


def _texts(kind: str, line: bytes, anchor: bytes, pattern: re.Pattern[bytes]) -> list[bytes]:
    """What `line` says of this kind: failed launches each, of the others the first."""
    if kind == KERNEL_LAUNCH:
        found = [pattern.match(line, at, _end(line, at)) for at in find_all(line, anchor)]
    else:
        at = line.find(anchor)
        start = max(line.rfind(b"\r", 0, at) + 1, at - WINDOW)
        found = [pattern.match(line, start, _end(line, at))]
    return [match[0] for match in found if match is not None]


def _end(line: bytes, at: int) -> int:
    """How far to look behind `at`: to the end, or to where a progress bar writes over the line."""
    over = line.find(b"\r", at, at + WINDOW)
    return over if over >= 0 else at + WINDOW
