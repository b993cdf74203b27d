"""A config as mmengine dumps it, and the classes that mmseg's data sets name."""

from collections.abc import Mapping
from typing import Any

from reference.compat import load_reference


def config_text(values: Mapping[str, Any], *, wrapped: bool = True) -> str:
    """What ``Config.dump`` writes and logs print. wrapped: through yapf, as it is by default."""
    load_reference()
    from mmengine.config import Config

    text: str = Config(dict(values), format_python_code=wrapped).pretty_text
    return text


def class_names(dataset: str) -> tuple[str, ...]:
    """The classes of one of mmseg's data set classes, in order."""
    load_reference()
    from mmseg.registry import DATASETS

    return tuple(DATASETS.get(dataset).METAINFO["classes"])
