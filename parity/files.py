"""Files: read one that may be anything, name one by its content, replace one whole."""

import errno
import hashlib
import io
import os
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from parity.errors import InputError

# O_NONBLOCK: opening a pipe that has no writer must not wait for one.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_file(path: str | Path) -> BinaryIO:
    """A regular file for reading. Raises InputError for a pipe or a device, and OSError."""
    handle = os.open(path, _READ)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise InputError(f"{path}: a pipe, socket or device; give a regular file")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises InputError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open_file(path) as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by a complete file; a crash leaves the old one.

    Raises InputError when the folder cannot be written to.
    """
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Replace several files by complete ones; what cannot be written leaves all old ones.

    Raises InputError, which names the file.
    """
    temporary: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            with _named(path):
                temporary[path] = _write_beside(path, content)
        for path, written in temporary.items():
            with _named(path):
                written.replace(path)
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """`path`, made a folder that can be written to, before work begins whose result goes there.

    Raises InputError when it cannot be one.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written to: {error.strerror}; give another folder"
        ) from error
    return path


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _write_beside(path: Path, content: bytes) -> Path:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "a pipe, socket or device, which cannot be replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        written.chmod(0o644)  # mkstemp makes 0600
    except OSError:
        written.unlink(missing_ok=True)
        raise
    return written


class _Output(io.FileIO):
    """Standard output; what nobody reads any more, or cannot be written, is dropped."""

    failed: OSError | None = None

    def write(self, data: Any, /) -> int:
        """As of a file."""
        if self.failed is None:
            try:
                return super().write(data)
            except BrokenPipeError as error:  # `| head`: the reader has seen enough
                self.failed = error
            except OSError as error:
                self.failed = error
                raise
        return len(data)


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """A block that imports, which takes seconds: Ctrl-C ends the process without a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


@contextmanager
def standard_output() -> Iterator[None]:
    """Prints of this block outlive their readers. Raises InputError where the disk is full."""
    raw = None
    try:
        with _outliving("stderr"), _outliving("stdout") as raw:
            yield
    finally:
        failed = None if raw is None else raw.failed
        if failed is not None and not isinstance(failed, BrokenPipeError):
            told = f"standard output: cannot be written: {failed.strerror}"
            raise InputError(told) from failed


@contextmanager
def _outliving(name: str) -> Iterator[_Output | None]:
    """The stream ``sys.name``, so that what is printed to it cannot fail; None where it is none."""
    old = getattr(sys, name)
    try:
        raw = _Output(old.fileno(), "w", closefd=False)
    except (OSError, ValueError, AttributeError):  # no file, as in a test
        yield None
        return
    old.flush()
    buffered = name == "stdout" and not raw.isatty()
    new = io.TextIOWrapper(
        io.BufferedWriter(raw), old.encoding, old.errors, line_buffering=not buffered
    )
    setattr(sys, name, new)
    try:
        yield raw
    finally:
        setattr(sys, name, old)
        with suppress(OSError):
            new.flush()
