"""Traces on disk: arrays as safetensors, everything else as JSON; nothing is executed on load."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray

from parity.compare.rng import Draw, GeneratorState
from parity.compare.trace import StepRecord, Trace
from parity.errors import InputError
from parity.files import file_sha256, write_atomically
from parity.sample import Batch, DataInfo, Meta, Sample
from parity.steps.logits import Segmentation
from parity.steps.optim.accumulate import Accumulation
from parity.steps.optim.clip import Clipped

FORMAT = 1
# The dataclasses and named tuples a trace may hold; a name outside these lists is refused on load.
_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (Sample, Batch, DataInfo)}
_NAMED: dict[str, type] = {cls.__name__: cls for cls in (Segmentation, Clipped, Accumulation)}
# Paths below the inputs are stored relative to them.
ROOT_MARK = "{inputs}"
_PLAIN_TYPES = (bool, int, str, type(None))


class _Writer:
    """Turns values into JSON and collects their arrays."""

    def __init__(self, inputs: Path) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self._inputs = str(inputs)

    def encode(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return {"array": self._keep(value)}
        if isinstance(value, np.generic):
            return {"numpy": str(value.dtype), "value": self.encode(value.item())}
        if isinstance(value, str):
            return value.replace(self._inputs, ROOT_MARK)
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, _PLAIN_TYPES):
            return value
        return self._container(value)

    def _tensor(self, value: torch.Tensor) -> dict[str, Any]:
        name = str(value.dtype).removeprefix("torch.")
        plain = value.detach().cpu().contiguous()
        array = (plain.view(torch.int16) if name == "bfloat16" else plain).numpy()
        return {"tensor": self._keep(array), "dtype": name}

    def _keep(self, array: NDArray[Any]) -> str:
        """The key of `array`: its content, so that what several steps share is stored once."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        text = f"{array.dtype.str}{array.shape}".encode()
        key = hashlib.sha256(text + array.tobytes()).hexdigest()[:20]
        self.arrays[key] = array
        return key

    def _container(self, value: Any) -> Any:
        if is_dataclass(value) and type(value).__name__ in _CLASSES:
            items = {item.name: self.encode(getattr(value, item.name)) for item in fields(value)}
            return {"class": type(value).__name__, "items": items}
        if isinstance(value, Mapping):
            tag = "meta" if isinstance(value, Meta) else "mapping"
            pairs = [[name, self.encode(item)] for name, item in value.items()]
            return {tag: pairs}
        if isinstance(value, (list, tuple)):
            encoded = [self.encode(item) for item in value]
            if type(value).__name__ in _NAMED:
                return {"named": type(value).__name__, "items": encoded}
            return {"tuple" if isinstance(value, tuple) else "list": encoded}
        raise InputError(f"a trace cannot hold a {type(value).__name__}")


class _Reader:
    """The inverse of _Writer."""

    def __init__(self, arrays: dict[str, NDArray[Any]], inputs: Path) -> None:
        self._arrays = arrays
        self._inputs = str(inputs)

    def decode(self, node: Any) -> Any:
        if isinstance(node, str):
            return node.replace(ROOT_MARK, self._inputs)
        if not isinstance(node, dict):
            return node
        if "array" in node:
            return self._arrays[node["array"]]
        if "tensor" in node:
            tensor = torch.from_numpy(self._arrays[node["tensor"]])
            return tensor.view(torch.bfloat16) if node["dtype"] == "bfloat16" else tensor
        if "numpy" in node:
            return np.dtype(node["numpy"]).type(self.decode(node["value"]))
        if "float" in node:
            return float(node["float"])
        return self._container(node)

    def _container(self, node: dict[str, Any]) -> Any:
        if "class" in node:
            items = {name: self.decode(item) for name, item in node["items"].items()}
            return _CLASSES[node["class"]](**items)
        if "meta" in node:
            return Meta(**{name: self.decode(item) for name, item in node["meta"]})
        if "mapping" in node:
            return {name: self.decode(item) for name, item in node["mapping"]}
        if "named" in node:
            return _NAMED[node["named"]](*map(self.decode, node["items"]))
        decoded = [self.decode(item) for item in node["tuple" if "tuple" in node else "list"]]
        return tuple(decoded) if "tuple" in node else decoded


def save_traces(
    folder: Path, name: str, traces: dict[str, Trace], *, header: dict[str, Any], inputs: Path
) -> None:
    """Write `traces` as ``<name>.safetensors`` and ``<name>.json``, both or neither usable.

    header: what to state about the recording (versions, options). inputs: the
    root below which input files lie; their paths are stored relative to it.
    """
    writer = _Writer(inputs)
    cases = {case: _encode_trace(writer, trace) for case, trace in traces.items()}
    folder.mkdir(parents=True, exist_ok=True)
    tensors = folder / f"{name}.safetensors"
    write_atomically(tensors, safetensors.numpy.save(writer.arrays))
    document = {"format": FORMAT, "sha256": file_sha256(tensors), "header": header}
    write_atomically(folder / f"{name}.json", _document(document, cases).encode())


def _document(head: dict[str, Any], cases: dict[str, Any]) -> str:
    """JSON with one case a line, so that a change shows as the cases that it changes."""
    lines = [f" {json.dumps(case)}: {_compact(node)}" for case, node in cases.items()]
    return f'{_compact(head)[:-1]},\n"cases":{{\n' + ",\n".join(lines) + "\n}}\n"


def _compact(node: Any) -> str:
    return json.dumps(node, separators=(",", ":"))


def load_traces(
    folder: Path, name: str, *, inputs: Path
) -> tuple[dict[str, Trace], dict[str, Any]]:
    """Read what `save_traces` wrote: traces by case name, and the header.

    Raises InputError when a file is missing, broken, of another format, or when
    the two files do not belong together.
    """
    document_path, tensors = folder / f"{name}.json", folder / f"{name}.safetensors"
    try:
        document = json.loads(document_path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{document_path}: no such recording; make it with: parity record"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{document_path}: cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{document_path}: not a recording of format {FORMAT}; record again")
    if file_sha256(tensors) != document.get("sha256"):
        raise InputError(f"{tensors}: is not the file {document_path.name} names; record again")
    try:
        reader = _Reader(safetensors.numpy.load_file(tensors), inputs)
        cases = {case: _decode_trace(reader, node) for case, node in document["cases"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{document_path}: is damaged ({error!r}); record again") from error
    return cases, document["header"]


def _encode_trace(writer: _Writer, trace: Trace) -> dict[str, Any]:
    return {
        "seed": trace.seed,
        "start": writer.encode(trace.steps[0].input),
        "steps": [_encode_step(writer, step) for step in trace.steps],
    }


def _encode_step(writer: _Writer, step: StepRecord) -> dict[str, Any]:
    unchanged = step.state_after == step.state_before
    return {
        "name": step.name,
        "output": writer.encode(step.output),
        "draws": [[draw.name, draw.arguments, draw.value] for draw in step.draws],
        "state": None if unchanged else _encode_state(writer, step.state_after),
        "error": step.error,
    }


def _encode_state(writer: _Writer, state: GeneratorState) -> list[Any]:
    return [writer.encode(state.key), state.position, state.has_gauss, state.cached_gaussian]


def _decode_trace(reader: _Reader, node: dict[str, Any]) -> Trace:
    value = reader.decode(node["start"])
    state = GeneratorState.of(np.random.RandomState(node["seed"]))
    records = []
    for step in node["steps"]:
        after = state
        if step["state"] is not None:
            words, *rest = step["state"]
            after = GeneratorState(reader.decode(words), *rest)
        output = reader.decode(step["output"])
        draws = tuple(Draw(*draw) for draw in step["draws"])
        records.append(StepRecord(step["name"], value, state, output, after, draws, step["error"]))
        value, state = output, after
    return Trace(node["seed"], tuple(records))
