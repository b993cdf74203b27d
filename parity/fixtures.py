"""Find the built-in inputs and recordings, in a checkout or in an installed wheel."""

import json
from pathlib import Path

from parity.errors import InputError
from parity.files import file_sha256


def fixtures_root() -> Path:
    """The directory of the fixtures. Raises InputError when this installation has none."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "_fixtures", package.parent / "fixtures"):
        if (candidate / "inputs" / "manifest.json").is_file():
            return candidate
    raise InputError(f"{package.parent / 'fixtures'}: the built-in inputs are missing; reinstall")


def inputs_root() -> Path:
    """The built-in inputs, laid out as an ADE20K root.

    Raises InputError when a file is not the one in the manifest.
    """
    root = fixtures_root() / "inputs"
    manifest = json.loads((root / "manifest.json").read_text("utf-8"))
    for name, digest in manifest["sha256"].items():
        if file_sha256(root / name) != digest:
            raise InputError(f"{root / name}: is not the file named in manifest.json; restore it")
    return root
