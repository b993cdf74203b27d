"""The command line of ``extract_tables.py``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from parity.errors import InputError, ParityError
from parity.files import standard_output, write_atomically
from parity.scores.data import render_csv, render_json
from parity.scores.html import render_html
from parity.scores.markdown import render_markdown
from parity.scores.pairs import pairs_document
from parity.scores.plot import render_plot
from parity.scores.runs import Explainer, run_rows
from parity.scores.table import ScoreTable, Selection, score_table
from parity.zoo.configs import with_configs
from parity.zoo.merge import merge_readmes
from parity.zoo.pairs import study
from parity.zoo.places import FindZoo, Zoo, checkout_zoo
from parity.zoo.readme import Skipped, read_readmes
from parity.zoo.rows import ScoreRow, dataset_key, find_dataset, read_all_rows

if TYPE_CHECKING:
    from parity.runs.record import Run

FORMATS = {"md": render_markdown, "csv": render_csv, "html": render_html, "json": render_json}
_STDOUT = "-"
DATASET = "ADE20K"
DESCRIPTION = """\
Write every result of mmsegmentation's model zoo on one data set, and your own runs, as one
sorted table. Exit codes: 0 written or up to date, 1 stale (--check), 2 input error; a run that
cannot be read is named, and costs 2, but the table is written without it.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line; the usage is for --help."""
        self.exit(2, f"error: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The options, with their defaults."""
    made = _Parser(prog="extract_tables.py", description=DESCRIPTION, allow_abbrev=False)
    add = made.add_argument
    add("--dataset", metavar="NAME", help=f"any data set of the zoo; default: {DATASET}")
    add("--mmseg", type=Path, metavar="ROOT", help="a source checkout: read its READMEs too")
    what = "own runs, or their parents"
    add("--runs", type=Path, nargs="+", default=[], metavar="DIR", help=what)
    add("--method", default="", metavar="TEXT", help="only where method, backbone or name has TEXT")
    add("--top", type=_positive, metavar="N", help="only the first N of the zoo; own runs stay")
    add("--format", choices=[*FORMATS], help="default: by the suffix of --out, else md")
    add("--out", metavar="FILE", help="file to write, - for standard output; default: by data set")
    what = "instead of the table, what one setting is worth; of every data set without --dataset"
    add("--pairs", action="store_true", help=what)
    add("--plot", type=Path, metavar="FILE", help="also write mIoU by method, as .svg or .png")
    add("--explanations", type=Path, metavar="DIR", help="where the pages about own runs go")
    add("--check", action="store_true", help="write nothing; only say whether --out is stale")
    return made


def _positive(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def main(arguments: Sequence[str], find_zoo: FindZoo) -> int:
    """Run the command. find_zoo: finds the zoo where --mmseg names none."""
    options = parser().parse_args(arguments)
    try:
        with standard_output():
            return _run(options, find_zoo)
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, find_zoo: FindZoo) -> int:
    form = _format(options)
    what, every = ("pairs", "zoo") if options.pairs else ("scores", DATASET)
    out = options.out or default_name(options.dataset or every, form, what=what)
    if options.check and (out == _STDOUT or options.plot is not None):
        raise InputError("--check: compares one file, so give neither --out - nor --plot with it")
    if options.pairs:
        return _write(out, _pairs(options, find_zoo, form), check=options.check)
    table, unread = build(options, find_zoo, out=out)
    text = FORMATS[form](table)
    plot = None if options.plot is None else render_plot(table, options.plot.suffix[1:].lower())
    for item in unread:
        print(f"error: {item}", file=sys.stderr)
    if plot is not None:
        write_atomically(options.plot, plot)
    return max(_write(out, text, check=options.check), 2 * bool(unread))


def _write(out: str, text: str, *, check: bool) -> int:
    """The exit code: 1 for a stale file when `check` only asks."""
    if check:
        return _check(Path(out), text)
    if out == _STDOUT:
        sys.stdout.buffer.write(_bytes(text))
    else:
        write_atomically(Path(out), _bytes(text))
    return 0


def _pairs(options: argparse.Namespace, find_zoo: FindZoo, form: str) -> str:
    others = ("runs", "method", "top", "plot", "explanations")
    given = [name for name in others if getattr(options, name)]
    if form != "md" or given:
        what = f"--{given[0]}" if given else f"--format {form}"
        raise InputError(f"--pairs: gives Markdown of the zoo alone, so leave {what} out")
    zoo = find_zoo() if options.mmseg is None else checkout_zoo(options.mmseg)
    rows: Sequence[ScoreRow] = read_all_rows(zoo.metafiles)
    if options.dataset:
        name = find_dataset(options.dataset, [row.dataset for row in rows])
        rows = [row for row in rows if row.dataset == name]
    return pairs_document(study(with_configs(rows, zoo.configs), zoo.configs), zoo.version)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _format(options: argparse.Namespace) -> str:
    suffix = Path(options.out or "").suffix[1:].lower()
    if options.format:
        return str(options.format)
    if suffix and suffix not in FORMATS:
        raise InputError(
            f"--out {options.out}: .{suffix} is no format; give --format, one of "
            f"{', '.join(FORMATS)}"
        )
    return suffix or "md"


def default_name(dataset: str, form: str, *, what: str = "scores") -> str:
    """``ade20_scores.md`` for ADE20K, ``cityscapes_scores.csv`` and so on for the others."""
    key = dataset_key(dataset)
    return f"{'ade20' if key == 'ade20k' else key}_{what}.{form}"


def _check(path: Path, text: str) -> int:
    try:
        stale = path.read_bytes() != _bytes(text)
    except FileNotFoundError:
        stale = True
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    print(f"{path} is {'stale; run python extract_tables.py' if stale else 'up to date'}")
    return int(stale)


def build(
    options: argparse.Namespace, find_zoo: FindZoo, *, out: str
) -> tuple[ScoreTable, list[Skipped]]:
    """The table that `options` ask for, and the runs that could not be read."""
    zoo = find_zoo() if options.mmseg is None else checkout_zoo(options.mmseg)
    rows, dataset, skipped = zoo_rows(zoo, options.dataset or DATASET)
    runs, unread = read_runs(options.runs)
    folder = options.explanations
    if folder is None and out != _STDOUT:
        folder = Path(out).parent / f"{Path(out).stem}_runs"
    whole = not (options.method or options.top)
    start = Path() if out == _STDOUT else Path(out).parent
    explain = Explainer(folder, start, write=not options.check)
    own, left_out = run_rows(runs, dataset=dataset, explain=explain)
    table = score_table(
        rows,
        own,
        dataset=dataset,
        version=zoo.version,
        origin=zoo.origin,
        skipped=[*skipped, *unread, *left_out],
        selection=Selection(options.method, options.top),
        detailed=bool(zoo.readmes),
        study=study([row for row in rows if row.source == "metafile"], zoo.configs)
        if whole
        else None,
    )
    return table, unread


def zoo_rows(zoo: Zoo, name: str) -> tuple[list[ScoreRow], str, tuple[Skipped, ...]]:
    """The zoo's results on the data set `name`, how the zoo calls it, and what was left out.

    Raises InputError for a data set it does not have.
    """
    rows: Sequence[ScoreRow] = read_all_rows(zoo.metafiles)
    skipped: tuple[Skipped, ...] = ()
    if zoo.readmes:
        merged = merge_readmes(rows, read_readmes(zoo.readmes, root=zoo.root))
        rows, skipped = merged.rows, merged.skipped
    dataset = find_dataset(name, [row.dataset for row in rows])
    chosen = [row for row in rows if row.dataset == dataset]
    return with_configs(chosen, zoo.configs), dataset, skipped


def read_runs(paths: Sequence[Path]) -> tuple[Iterator[tuple[str, Run]], list[Skipped]]:
    """The runs in and below `paths`, read one by one, and those that could not be.

    The list fills while the runs are read. Raises InputError for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"--runs {path}: no such directory; give a work directory")
    unread: list[Skipped] = []
    return _each_run(paths, unread), unread


def _each_run(paths: Sequence[Path], unread: list[Skipped]) -> Iterator[tuple[str, Run]]:
    if not paths:
        return
    # Imported only now: it needs torch, which takes longer to load than the table to write.
    from parity.runs.read import find_runs, read_run  # noqa: PLC0415

    seen: set[Path] = set()
    for path in paths:
        for found in list(find_runs(path)) or [path]:
            if found.resolve() in seen:
                continue
            seen.add(found.resolve())
            try:
                yield str(found), read_run(found)
            except InputError as error:
                unread.append(Skipped(str(found), None, str(error).removeprefix(f"{found}: ")))
