"""The model zoo inside the installed mmsegmentation; finding it imports nothing of it."""

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from parity.errors import ReferenceUnavailable
from parity.zoo.places import Zoo, zoo_metafiles
from reference.compat import INSTALL_HINT, load_reference


def zoo_version() -> str:
    """Version of the installed mmsegmentation. Raises ReferenceUnavailable without it."""
    try:
        return importlib.metadata.version("mmsegmentation")
    except importlib.metadata.PackageNotFoundError:
        raise ReferenceUnavailable(f"mmsegmentation is not installed; {INSTALL_HINT}") from None


def installed_zoo() -> Zoo:
    """The zoo that came with the installed package. Raises ReferenceUnavailable without one."""
    spec = importlib.util.find_spec("mmseg")
    if spec is None or spec.origin is None:
        raise ReferenceUnavailable(f"mmseg is not installed; {INSTALL_HINT}")
    package = Path(spec.origin).parent
    # A wheel carries the configs in .mim, a source checkout beside the package.
    for configs in (package / ".mim" / "configs", package.parent / "configs"):
        found = zoo_metafiles(configs)
        if found:
            return Zoo(zoo_version(), configs, found)
    raise ReferenceUnavailable(f"{package}: this mmseg carries no metafiles; reinstall it")


def metafiles() -> list[Path]:
    """Every ``metafile.yaml``, sorted. Raises ReferenceUnavailable when there is none."""
    return list(installed_zoo().metafiles)


def zoo_config(config: str) -> dict[str, Any]:
    """A config of the zoo, e.g. ``configs/ann/ann_....py``, as mmengine itself loads it."""
    load_reference()
    from mmengine.config import Config

    loaded: dict[str, Any] = Config.fromfile(installed_zoo().root / config).to_dict()
    return loaded
