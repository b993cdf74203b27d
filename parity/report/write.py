"""Write a report into a folder, in any of its formats, and find the latest one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from parity.errors import InputError
from parity.files import write_atomically
from parity.report.document import Report
from parity.report.html import render_html
from parity.report.json import render_json
from parity.report.junit import render_junit
from parity.report.markdown import render_markdown

# Format -> file name and renderer.
FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "json": ("report.json", render_json),
    "markdown": ("report.md", render_markdown),
    "html": ("report.html", render_html),
    "junit": ("report.junit.xml", render_junit),
}


def write_report(
    report: Report, folder: Path, formats: Sequence[str] = tuple(FORMATS)
) -> list[Path]:
    """Write the files of `formats`, each whole or not at all; their paths, in that order.

    All are rendered before the first is written. Raises InputError when the
    folder cannot be written to.
    """
    rendered = [(folder / FORMATS[name][0], FORMATS[name][1](report)) for name in formats]
    for path, text in rendered:
        write_atomically(path, text.encode())
    return [path for path, _ in rendered]


def latest_report(root: Path) -> Path:
    """The HTML report below `root` that was written last. Raises InputError when there is none."""
    found = [path for path in root.rglob("*.html") if path.is_file()] if root.is_dir() else []
    if not found:
        raise InputError(
            f"{root}: holds no HTML report; make one with parity check --out {root}/latest"
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))
