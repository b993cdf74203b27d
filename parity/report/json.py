"""A check as JSON, with a format number."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from parity.compare.check import CheckReport

FORMAT = 1


def render_json(report: CheckReport) -> str:
    """The whole report; the same check gives the same bytes. NaN and infinities are strings."""
    document = {"format": FORMAT, "verdict": str(report.verdict), **_plain(report)}
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value
