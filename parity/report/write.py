"""Write a report into a folder, in any of its formats, and find the latest one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from parity.errors import InputError
from parity.files import write_together
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
    """Write the files of `formats`, all or none; their paths, in that order.

    Raises InputError when the folder cannot be written to.
    """
    rendered = {folder / FORMATS[name][0]: FORMATS[name][1](report).encode() for name in formats}
    write_together(rendered)
    return list(rendered)


def latest_report(root: Path) -> Path:
    """The HTML report below `root` that was written last. Raises InputError when there is none."""
    if root.is_file():
        raise InputError(f"{root}: is a file; give the folder below which to look for reports")
    found = [path for path in root.rglob("*.html") if path.is_file()] if root.is_dir() else []
    if not found:
        raise InputError(
            f"{root}: holds no HTML report; make one with parity check --out {root}/latest"
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))
