"""A report as JSON, with a format number, and back again."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from parity.causes.parity_results import ParityResults, StepOutcome
from parity.errors import InputError
from parity.files import open_file
from parity.report.document import FORMAT, Report
from parity.report.references import broken_reference
from parity.text import cut, visible

_ADAPTER = TypeAdapter(Report)
SCHEMA_ID = f"mmseg-parity-report-{FORMAT}"


def render_json(report: Report) -> str:
    """The whole report, one entry per line; NaN and infinities are strings.

    The same report gives the same bytes.
    """
    document = {"format": report.format, **plain(report)}
    lines = [f" {_dump(key)}: {_value(item)}" for key, item in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(item: Any) -> str:
    """One line per entry of a list or mapping."""
    if isinstance(item, list) and item:
        return "[\n  " + ",\n  ".join(map(_dump, item)) + "\n ]"
    if isinstance(item, dict) and item:
        lines = (f"{_dump(key)}: {_dump(entry)}" for key, entry in item.items())
        return "{\n  " + ",\n  ".join(lines) + "\n }"
    return _dump(item)


def _dump(item: Any) -> str:
    return json.dumps(item, allow_nan=False, ensure_ascii=True)


def read_report(path: Path) -> Report:
    """The report in a file that `render_json` wrote.

    Raises InputError when it cannot be read, is of another format, or is not a
    report; the message names the first entry that is wrong.
    """
    try:
        with open_file(path) as stream:
            document = json.load(stream)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise InputError(f"{path}: has no format number; give what parity check --json wrote")
    if "header" in document:
        raise InputError(f"{path}: holds recorded steps, and no report; give a report.json")
    if "findings" in document:
        raise InputError(
            f"{path}: is an answer of parity explain --json, and no report; "
            "parity explain --out DIR writes one"
        )
    if found != FORMAT:
        raise InputError(
            f"{path}: is of format {found}, this version reads {FORMAT}; "
            "make it again with parity check --json"
        )
    try:
        return parse_report(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def parse_report(document: Any) -> Report:
    """A report from its JSON document. Raises InputError that names the first wrong entry."""
    try:
        report = _ADAPTER.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(f"{where}: {first['msg']}; this is no report as it was written") from None
    wrong = broken_reference(report)
    if wrong:
        raise InputError(f"{wrong}; this is no report as it was written")
    return report


def canonical(report: Report, change: Callable[[str], str] = visible) -> Report:
    """`report` as it will be read again, every text in it made visible, cut, and `change`d.

    What ``run`` holds is made visible only: there, paths are welcome.
    """
    document = plain(report)
    run = _map_text(document.pop("run"), visible)
    return parse_report({**_map_text(document, change), "run": run})


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return cut(visible(change(value)))
    if isinstance(value, list):
        return [_map_text(item, change) for item in value]
    if isinstance(value, dict):
        return {
            visible(key): item if key == "png" else _map_text(item, change)
            for key, item in value.items()
        }
    return value


def plain(value: Any) -> Any:
    """Dataclasses as mappings, tuples as lists, numbers that JSON lacks as strings."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


class _Schema(GenerateJsonSchema):
    """Numbers may also be the strings nan, inf and -inf."""

    def float_schema(self, schema: Any) -> JsonSchemaValue:
        return {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]}


def render_schema() -> str:
    """The JSON schema of a report, as published in ``schema.json``."""
    return schema_of(Report, SCHEMA_ID)


def schema_of(kind: Any, name: str) -> str:
    """The JSON schema called `name` of what `plain` makes of a dataclass."""
    schema = TypeAdapter(kind).json_schema(schema_generator=_Schema)
    head = {"$schema": _Schema.schema_dialect, "$id": name}
    return json.dumps({**head, **schema}, indent=1, sort_keys=True) + "\n"


def read_parity(path: Path) -> ParityResults:
    """What ``parity check --json`` wrote. Raises InputError."""
    report = read_report(path)
    if not report.steps:
        raise InputError(f"{path}: this report compared no step; run parity check again")
    steps: dict[str, tuple[StepOutcome, ...]] = {}
    for entry in report.steps:
        outcome = StepOutcome(entry.step, _verdict(entry), entry.first, _diagnosis(entry))
        steps[entry.step] = (*steps.get(entry.step, ()), outcome)
    return ParityResults(path.name, steps)


def _verdict(entry: Any) -> str:
    """Isolated counts: a chained difference may have entered in an earlier step."""
    return str(entry.isolated)


def _diagnosis(entry: Any) -> str:
    return visible(" ".join((entry.diagnosis.text, *entry.diagnosis.evidence)).strip())
