"""Opens the files of one run, and keeps what could not be read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from parity.errors import RunFormatError
from parity.runs.config import MAX_BYTES, read_config
from parity.runs.console import FailureFinder
from parity.runs.facts import Config, Unread
from parity.runs.log import read_log
from parity.runs.log_data import LogData
from parity.runs.nodes import Work
from parity.runs.record import Message
from parity.runs.scalars import read_scalars
from parity.runs.tensorboard import read_events
from parity.runs.text import BLOCK_BYTES, Block, blocks, entries
from parity.runs.tree import Tree, open_regular, read_bounded

Reader = Callable[..., LogData]
T = TypeVar("T")
MAX_CONFIGS = 60


@dataclass
class Reading:
    """Collects over all files of a run. findings: known failure lines, of any text file.

    work: what its configs may still cost together.
    """

    tree: Tree
    configs_root: Path | None = None
    unread: list[Unread] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    findings: list[Message] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    _configs: dict[bytes, Config] = field(default_factory=dict)

    def log(self, file: str, *, outside: Path | None = None) -> LogData | None:
        """A text log, or captured console output; `outside`: where it lies if not in the run."""
        finder = FailureFinder(file)

        def read(stream: BinaryIO, *, file: str) -> LogData:
            return read_log(entries(finder.watch(blocks(stream))), file=file)

        data = self.data(read, file, outside)
        if data is not None and not data.logger and file.endswith(".log"):
            self.unread.append(Unread(file, "no entry of mmengine or mmcv in it"))
        self.findings += finder.findings()
        return data

    def scalars(self, file: str, *, split: str = "val") -> LogData | None:
        """JSON lines. split: what evaluations were made on."""
        return self.data(lambda s, *, file: read_scalars(blocks(s), file=file, split=split), file)

    def is_copy(self, file: str, others: Sequence[str]) -> bool:
        """Whether `file` holds the same bytes as one of `others`; mmengine writes scalars twice."""
        for other in others:
            try:
                if self.tree.size(file) == self.tree.size(other) and self._equal(file, other):
                    self.files.append(file)
                    return True
            except (RunFormatError, OSError):
                continue  # whoever reads it says why it cannot be read
        return False

    def _equal(self, left: str, right: str) -> bool:
        with self.tree.open(left) as a, self.tree.open(right) as b:
            while block := a.read(BLOCK_BYTES):
                if block != b.read(BLOCK_BYTES):
                    return False
            return not b.read(1)

    def events(self, files: Sequence[str]) -> list[LogData]:
        """TensorBoard's event files."""
        found = [self.data(read_events, file) for file in files]
        return [data for data in found if data is not None]

    def config(self, file: str) -> Config | None:
        """The config in `file`; of several files with one text, the first."""
        path = self.tree.root / file
        try:
            text = read_bounded(path, MAX_BYTES, inside=self.tree.root)
            if text not in self._configs and len(self._configs) >= MAX_CONFIGS:
                raise RunFormatError(f"one of more than {MAX_CONFIGS} different configs; not read")
            if text not in self._configs:
                self._configs[text] = read_config(
                    path,
                    tree=self.tree.root,
                    configs_root=self.configs_root,
                    name=file,
                    work=self.work,
                )
            if not self._configs[text].values:
                raise RunFormatError("defines nothing")
        except RunFormatError as error:
            self.failed(file, error)
            return None
        self.files.append(file)
        return self._configs[text]

    def failed(self, file: str, error: Exception) -> None:
        """List `file` as unread."""
        self.unread.append(Unread(file, str(error).removeprefix(f"{self.tree.root}/")))

    def each_start(
        self, file: str, read: Callable[[Iterable[Block], str], list[LogData]]
    ) -> list[LogData]:
        """What each start of another program wrote into one `file`."""
        finder = FailureFinder(file)
        parts = self._opened(lambda stream: read(finder.watch(blocks(stream)), file), file) or []
        self.findings += finder.findings()
        self.unread += [item for data in parts for item in data.unread]
        return parts

    def data(self, read: Reader, file: str, outside: Path | None = None) -> LogData | None:
        """What `read` makes of a table, or of another file of values."""
        data = self._opened(lambda stream: read(stream, file=file), file, outside)
        self.unread += [] if data is None else data.unread
        return data

    def _opened(
        self, read: Callable[[BinaryIO], T], file: str, outside: Path | None = None
    ) -> T | None:
        """What `read` makes of a file that is not empty; None, and listed, where it cannot."""
        try:
            with open_regular(outside) if outside else self.tree.open(file) as stream:
                if not stream.peek(1):  # type: ignore[attr-defined]
                    raise RunFormatError(f"{file}: empty")
                found = read(stream)
        except (RunFormatError, OSError) as error:
            self.failed(file, error)
            return None
        self.files.append(file)
        return found
