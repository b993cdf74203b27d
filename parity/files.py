"""Files: name one by its content, replace one without ever leaving half of it."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from parity.errors import InputError


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises InputError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
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


def make_folder(path: Path) -> None:
    """Make `path` a folder that can be written to, before work begins whose result goes there.

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


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _write_beside(path: Path, content: bytes) -> Path:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
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
