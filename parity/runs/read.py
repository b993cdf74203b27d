"""A training run from its files alone: `read_run`; and the runs below a directory: `find_runs`."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parity.errors import FolderOfRuns, RunFormatError
from parity.runs import detectron2, huggingface, lightning
from parity.runs.checkpoint import find_checkpoints
from parity.runs.facts import Fact, Source
from parity.runs.foreign import Foreign
from parity.runs.joined import Shared, assemble
from parity.runs.reading import Reading
from parity.runs.record import Run
from parity.runs.segments import Loaded, combine, load_start, printed_config
from parity.runs.table import read_csv, read_json
from parity.runs.text import blocks, quoted
from parity.runs.tree import LINK_OUT, Start, Tree, WorkDir, classify, list_tree, open_regular

_Files = Sequence[str]


@dataclass(frozen=True)
class Program:
    """recognised: whether files of a folder are its output. read: the run in them."""

    recognised: Callable[[_Files, Reading], bool]
    read: Callable[[_Files, Reading], Foreign]


PROGRAMS = tuple(
    Program(module.recognised, module.read) for module in (detectron2, huggingface, lightning)
)
READABLE = (
    "a work directory of mmengine or mmcv, an output folder of detectron2, of Hugging Face's "
    "Trainer or of Lightning's CSV logger, a log, or a table with a step column"
)
_DETECTRON2 = {detectron2.METRICS, detectron2.LOG, detectron2.CONFIG}
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_VERSION = re.compile(r"version_\d+")


def looks_written(folder: Path, folders: Sequence[str], files: Sequence[str]) -> bool:
    """Whether `folder`, which holds `folders` and `files`, is output of one, by their names."""
    names = set(files)
    if len(names & _DETECTRON2) > 1 or "trainer_state.json" in names:
        return True
    if "metrics.csv" in names and ("hparams.yaml" in names or _VERSION.fullmatch(folder.name)):
        return True
    saved = filter(_CHECKPOINT.fullmatch, folders)
    return any((folder / name / "trainer_state.json").is_file() for name in saved)


# Runs below a folder are counted up to so many.
MAX_COUNTED = 1_000
MAX_RENAMED = 20
_JSON_LOG = re.compile(rb'\{"(?:(?:env_info|mode)": ?"|(?:base_)?lr": ?[\d.])')
_STAMP = re.compile(r"\d{8}_\d{6}(?:\.log(?:\.json)?)?")


def read_run(
    path: str | Path,
    *,
    console: str | Path | Sequence[str | Path] | None = None,
    configs_root: str | Path | None = None,
    checkpoints: bool = True,
) -> Run:
    """The run in the work directory (or single log, table or console file) `path`.

    console: captured terminal output that lies elsewhere; failures of CUDA code
    are often only there. configs_root: where the bases of configs lie, by
    default those of the installed mmseg. checkpoints: also open the last and
    the best file of weights (their keys and shapes, not their values).

    Raises RunFormatError when `path` holds no run; whatever cannot be read
    within one is listed in `Run.unread`.
    """
    path = Path(path)
    tree = _tree(path)
    reading = Reading(tree, None if configs_root is None else Path(configs_root))
    reading.unread += tree.unread
    consoles = _outside(console)
    parts = _with_renamed_logs(classify(tree.files, name=path.resolve().name), tree)
    wrote = (known for known in PROGRAMS if known.recognised(tree.files, reading))
    program = None if parts.starts else next(wrote, None)
    if not parts.starts:
        _refuse_folder_of_runs(path, allowed=0 if program is None else 1)
    foreign = None if program is None else program.read(tree.files, reading)
    if foreign is not None:
        parts = _beside(foreign, parts)
    elif path.is_file():
        parts = _single(tree.files[0], parts)
    if foreign is None and not parts.is_run and not consoles:
        raise RunFormatError(f"{path}: holds no run that can be read; {_instead(path, tree)}")
    loaded = [load_start(start, reading) for start in parts.starts.values()]
    shared = _shared(parts, consoles, reading, open_checkpoints=checkpoints)
    if foreign is not None:
        loaded, shared.stated = _loaded(foreign), foreign.stated
    loaded = loaded or [_without_start(shared, reading)]
    run = assemble(path, loaded, shared, reading)
    if not (run.curves or run.evaluations or run.environment or run.checkpoints or run.console):
        reasons = "; ".join(f"{item.file}: {item.reason}" for item in run.unread[:3])
        told = f"{path}: tells nothing of a run{reasons and f' ({reasons})'}"
        raise RunFormatError(f"{told}; {_instead(path, tree)}")
    return run


def _instead(path: Path, tree: Tree) -> str:
    """What to give where there is no run to be read."""
    links = [item.file for item in tree.unread if item.reason == LINK_OUT]
    if not links:
        return f"give {READABLE}"
    real = (path / links[0]).resolve()
    return f"links out of it are not followed ({links[0]} to {real}); give the real directory"


def find_runs(root: str | Path) -> Iterator[Path]:
    """Every run directory below `root`, sorted, `root` itself included; runs nest no runs."""
    for folder, folders, files in os.walk(Path(root)):
        stamped = any(map(_STAMP.fullmatch, (*folders, *files)))
        if stamped or looks_written(Path(folder), folders, files):
            folders.clear()
            yield Path(folder)
        folders.sort()


def quote(run: Run, source: Source) -> str:
    """The line that `source` names, as evidence; "" when it names none or is gone."""
    if source.text or source.line is None:
        return source.text
    root = run.path if run.path.is_dir() else run.path.parent
    try:
        with open_regular(root / source.file) as stream:
            for block in blocks(stream):
                index = source.line - block.line
                if index < len(block.lines):
                    return quoted(block.lines[index]) if index >= 0 else ""
    except RunFormatError:
        return ""
    return ""


def _tree(path: Path) -> Tree:
    if path.is_dir():
        return list_tree(path)
    if path.is_file():
        return Tree(path.parent, (path.name,), ())
    raise RunFormatError(f"{path}: no such file or directory; give a work directory")


def _single(file: str, parts: WorkDir) -> WorkDir:
    """A file given by itself: by its name, else by its suffix, else as console output."""
    if parts.starts or parts.shared.of("table") or parts.shared.of("events"):
        return parts
    kind = {".csv": "table", ".json": "table"}.get(Path(file).suffix, "console")
    return WorkDir({}, replace(parts.shared, files={kind: [file]}))


def _with_renamed_logs(parts: WorkDir, tree: Tree) -> WorkDir:
    """JSON logs of mmcv 0.x and mmengine that were given another name, known by how they begin."""
    for file in parts.shared.of("other json")[:MAX_RENAMED]:
        try:
            with tree.open(file) as stream:
                renamed = _JSON_LOG.match(stream.read(64)) is not None
        except RunFormatError:
            continue
        if renamed:
            start = parts.starts.setdefault("", Start(""))
            start.files.setdefault("scalars", []).append(file)
    return parts


def _outside(console: str | Path | Sequence[str | Path] | None) -> list[Path]:
    """Captured output that lies elsewhere. Raises RunFormatError for a file that cannot be read."""
    if console is None:
        return []
    given = [console] if isinstance(console, (str, Path)) else console
    for file in given:
        open_regular(Path(file)).close()
    return [Path(file) for file in given]


def _refuse_folder_of_runs(path: Path, *, allowed: int) -> None:
    """Raise FolderOfRuns where more runs lie below `path`, which is none itself."""
    below = [str(run) for _, run in zip(range(MAX_COUNTED), find_runs(path), strict=False)]
    below = [run for run in below if run != str(path)]
    if len(below) > allowed:
        count = len(below) if len(below) < MAX_COUNTED - 1 else f"at least {len(below)}"
        raise FolderOfRuns(
            f"{path}: is no run itself; there are runs below it, {count} in all, e.g. "
            f"{', '.join(below[:3])}: give one of them"
        )


def _beside(foreign: Foreign, parts: WorkDir) -> WorkDir:
    """Of the other files in a folder of another program, its weights and captured consoles."""
    kept = ("console", "checkpoint", "last checkpoint")
    files = {
        kind: [file for file in parts.shared.of(kind) if file not in foreign.files] for kind in kept
    }
    return WorkDir({}, replace(parts.shared, files=files))


def _loaded(foreign: Foreign) -> list[Loaded]:
    """Its starts as segments, numbered where there are several."""
    several = len(foreign.starts) > 1
    return [
        combine(f"start {number}" if several else "", sources, (), None)
        for number, sources in enumerate(foreign.starts, start=1)
    ]


def _shared(
    parts: WorkDir, consoles: Sequence[Path], reading: Reading, *, open_checkpoints: bool
) -> Shared:
    """Everything that belongs to no single start of the program."""
    files = parts.shared
    printed = [reading.log(file) for file in files.of("console")]
    printed += [reading.log(str(file), outside=file) for file in consoles]
    configs = [(file, reading.config(file)) for file in files.of("named config")]
    shared = Shared(
        consoles=[data for data in printed if data is not None],
        events=reading.events(files.of("events")),
        configs=[(file, config) for file, config in configs if config is not None],
        checkpoints=find_checkpoints(
            _weights(parts), files.of("last checkpoint"), reading, open_them=open_checkpoints
        ),
    )
    for file in files.of("table"):
        _read_table(file, shared, reading)
    return shared


def _read_table(file: str, shared: Shared, reading: Reading) -> None:
    if file.endswith(".csv"):
        data = reading.data(read_csv, file)
        shared.tables += [] if data is None else [data]
        return
    try:
        with reading.tree.open(file) as stream:
            data, stated = read_json(stream, file=file)
    except RunFormatError as error:
        reading.failed(file, error)
        return
    reading.unread += data.unread
    reading.files.append(file)
    shared.tables.append(data)
    place, note = Source(file), "stated in the table"
    shared.stated |= {key: Fact(value, place, note) for key, value in stated.items()}


def _without_start(shared: Shared, reading: Reading) -> Loaded:
    """What tables, event files and consoles tell where no start left files of its own."""
    sources = [*shared.tables, *shared.events, *shared.consoles]
    shared.tables, shared.events, shared.consoles = [], [], []
    return combine("", sources, (), printed_config(sources, reading))


def _weights(parts: WorkDir) -> list[str]:
    starts = [file for start in parts.starts.values() for file in start.of("checkpoint")]
    return sorted({*parts.shared.of("checkpoint"), *starts})
