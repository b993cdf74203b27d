"""A command that prints much, with and without ``parity watch``: ``python benchmarks/watch.py``.

Bytes that arrive are compared by their SHA-256; CPU time is that of watch alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from parity.guard.judging import python

WATCH = "from parity.guard.watch import main; main()"
PRINTED = {
    "the same line": "b'loss: 0.5 lr: 0.01' + b'\\n'",
    "lines that differ": "b'Iter(train) [%d/160000] loss: 0.5\\n' % number",
    "progress bars": "b'\\r%3d%%|####     | %d it' % (number % 100, number)",
    "one line": "b'.' * 40",
}
COMMAND = """
import os, sys
left, number = {size}, 0
while left > 0:
    block = b"".join([{text} for number in range(number, number + 2000)])
    number += 2000
    block = memoryview(block)[:left]
    left -= len(block)
    while block: block = block[os.write(1, block):]
"""


def run(command: list[str]) -> tuple[str, float, int]:
    """The digest of what came, seconds, and the largest memory of the process in kB."""
    started, digest, most = time.perf_counter(), hashlib.sha256(), 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    status = Path(f"/proc/{process.pid}/status")
    while data := os.read(process.stdout.fileno(), 1 << 20):
        digest.update(data)
        with_memory = [line for line in status.read_text().splitlines() if "VmHWM" in line]
        most = max([most, *(int(line.split()[1]) for line in with_memory)])
    assert process.wait() == 0
    return digest.hexdigest(), time.perf_counter() - started, most


def cost(text: str, size: int) -> str:
    """A row: seconds without and with, CPU seconds of watch, its memory, and what is kept."""
    command = [sys.executable, "-S", "-c", COMMAND.format(size=size, text=text)]
    before = _children()
    alone, seconds, _ = run(command)
    child = _children() - before
    with tempfile.TemporaryDirectory() as folder:
        watched, beside, memory = run([*python(WATCH, f"--work-dir={folder}"), *command])
        kept = sum(file.stat().st_size for file in Path(folder).iterdir())
    spent = _children() - before - 2 * child
    same = "the same" if alone == watched else "OTHER BYTES"
    return (
        f"{seconds:.1f} s, {beside:.1f} s, {spent:.1f} s of CPU, {memory / 1024:.0f} MB, "
        f"kept {kept / 2**20:.1f} MB, {same}"
    )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    size = parser.parse_args().megabytes * 10**6
    for name, text in PRINTED.items():
        print(f"{name}: {cost(text, size)}", flush=True)


if __name__ == "__main__":
    main()
