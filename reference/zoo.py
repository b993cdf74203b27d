"""Find the model zoo's metafiles inside the installed mmsegmentation; imports nothing of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from parity.errors import ReferenceUnavailable
from reference.compat import INSTALL_HINT


def zoo_version() -> str:
    """Version of the installed mmsegmentation. Raises ReferenceUnavailable without it."""
    try:
        return importlib.metadata.version("mmsegmentation")
    except importlib.metadata.PackageNotFoundError:
        raise ReferenceUnavailable(f"mmsegmentation is not installed; {INSTALL_HINT}") from None


def metafiles() -> list[Path]:
    """Every ``metafile.yaml``, sorted. Raises ReferenceUnavailable when there is none."""
    spec = importlib.util.find_spec("mmseg")
    if spec is None or spec.origin is None:
        raise ReferenceUnavailable(f"mmseg is not installed; {INSTALL_HINT}")
    package = Path(spec.origin).parent
    # A wheel carries the configs in .mim, a source checkout beside the package.
    for configs in (package / ".mim" / "configs", package.parent / "configs"):
        found = sorted(configs.glob("*/metafile.y*ml"))
        if found:
            return found
    raise ReferenceUnavailable(f"{package}: this mmseg carries no metafiles; reinstall it")
