"""Output folders of Hugging Face's Trainer.

``trainer_state.json`` (transformers/trainer_callback.py, TrainerState), of the
run or of its checkpoints, of which the latest counts; ``all_results.json`` and
its parts; ``config.json`` of the model. Scores are fractions there.
``training_args.bin`` is a pickle of objects and is not read.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from parity.runs.curves import step_number
from parity.runs.facts import Config, Source, Unread
from parity.runs.foreign import (
    Foreign,
    Scores,
    backbone_like,
    head,
    item_lines,
    metrics_of,
    plain_list,
    read_json,
    text,
    whole,
)
from parity.runs.log_data import LogData
from parity.runs.reading import Reading
from parity.runs.scalars import score_name, split_name

_STATE = re.compile(r"(?:checkpoint-(\d{1,12})/)?trainer_state\.json")
_RESULTS = ("all_results.json", "eval_results.json", "train_results.json")
_ARGUMENTS = re.compile(r"(?:checkpoint-\d+/)?training_args\.bin")
_CLASS = re.compile(r"(?:eval|test)_(iou|accuracy)_(.+)", re.S)
_NO_CURVE = frozenset({"step", "epoch", "total_flos"})
_METHODS = {
    "segformer": "Segformer",
    "mask2former": "Mask2Former",
    "maskformer": "MaskFormer",
    "upernet": "UPerNet",
    "dpt": "DPT",
}


def recognised(files: Sequence[str], reading: Reading) -> bool:
    """Whether `files` hold what the Trainer writes."""
    if any(map(_STATE.fullmatch, files)):
        return True
    return any(file in files and b'"epoch"' in head(reading, file) for file in _RESULTS)


def read(files: Sequence[str], reading: Reading) -> Foreign:
    """The run in the folder that holds `files`."""
    states = sorted(filter(_STATE.fullmatch, files), key=_order)
    state = read_json(states[-1], reading) if states else None
    results = [read_json(name, reading) for name in _RESULTS if name in files]
    arguments = [file for file in files if _ARGUMENTS.fullmatch(file)]
    for file in arguments[:1]:
        reason = "a pickle of Python objects, not read; the settings in it are not known"
        reading.unread.append(Unread(file, reason))
    taken = frozenset({*states, *arguments, *_RESULTS, "config.json"} & set(files))
    run = Foreign([[]], files=taken)
    if state is not None:
        run.starts = [[_history(state, reading)]]
        run.take(state, "max_iters", "max_steps", note="in optimizer steps")
        run.take(state, "samples_per_gpu", "train_batch_size", note="of one process")
    for document in results:
        if document is not None:
            _result(run, document, state)
    config = read_json("config.json", reading) if "config.json" in files else None
    _state_model(run, config)
    return run


def _order(file: str) -> tuple[int, int]:
    """A state of the whole run comes after those of its checkpoints."""
    match = _STATE.fullmatch(file)
    step = match[1] if match else None
    return (1, 0) if step is None else (0, int(step))


def _history(state: Config, reading: Reading) -> LogData:
    """``log_history``: a record of training, or of an evaluation, with its step."""
    data = LogData(state.file)
    broken = 0
    records = plain_list(state.get("log_history"))
    lines = item_lines(state, reading, "step", len(records))
    for line, record in zip(lines, records, strict=True):
        step = step_number(record.get("step")) if isinstance(record, Mapping) else None
        if step is None:
            broken += 1
            continue
        _take(data, step, record, line)
    if broken:
        data.unread.append(Unread(data.file, "a record without a step", count=broken))
    return data.finish()


def _take(data: LogData, step: int, record: Mapping[str, Any], line: int) -> None:
    metrics = metrics_of(record)
    if metrics:
        data.add_evaluation(_evaluation(record, metrics, step, Source(data.file, line or None)))
    if "loss" in record or "eval_loss" in record:
        values = [(k, v) for k, v in record.items() if k not in _NO_CURVE and _logs(k)]
        data.points.add(step, line, values)


def _logs(name: str) -> bool:
    """Whether a value is one of training, or the loss of an evaluation."""
    return name == "eval_loss" or not name.startswith(("eval_", "test_"))


def _evaluation(
    record: Mapping[str, Any], metrics: dict[str, float], step: int | None, source: Source
) -> Any:
    scores = Scores(metrics)
    for name, value in record.items():
        match = _CLASS.fullmatch(name)
        if match is not None and isinstance(value, (int, float)):
            kept = scores.iou if match[1] == "iou" else scores.acc
            kept[match[2]] = float(value)
    for name in ("iou", "accuracy"):
        listed = plain_list(record.get(f"eval_per_category_{name}"))
        kept = scores.iou if name == "iou" else scores.acc
        kept |= {str(i): float(v) for i, v in enumerate(listed) if isinstance(v, (int, float))}
    split = "test" if any(split_name(name) == "test" for name in record) else "val"
    return scores.evaluation(split, step, source)


def _result(run: Foreign, results: Config, state: Config | None) -> None:
    """Final scores, and how many samples there were."""
    source = results.source("train_samples")
    samples = whole(results.get("train_samples"))
    run.state("dataset_size", samples, source, "train_samples")
    steps = whole(state.get("max_steps")) if state else None
    epochs = state.get("num_train_epochs") if state else None
    if samples and steps and isinstance(epochs, (int, float)) and epochs > 0:
        batch = _batch(samples, steps / epochs)
        note = f"{samples} samples in {steps} steps of {epochs} epochs"
        run.state("effective_batch", batch, source, note)
    metrics = metrics_of(results.values)
    if metrics:
        step = whole(state.get("global_step")) if state else None
        data = LogData(results.file)
        place = next((results.source(key) for key in results.values if score_name(key)), source)
        data.add_evaluation(_evaluation(results.values, metrics, step, place))
        run.starts[0].append(data)


def _batch(samples: int, steps: float) -> int | None:
    """The batch with which an epoch takes so many steps, where only one does."""
    near = int(samples / steps)
    fitting = [b for b in range(max(1, near - 2), near + 4) if -(-samples // b) == round(steps)]
    return fitting[0] if len(fitting) == 1 and abs(steps - round(steps)) < 1e-6 else None


def _state_model(run: Foreign, config: Config | None) -> None:
    if config is None:
        run.state("framework", "transformers", None, "by the names of its files")
        return
    version = text(config.get("transformers_version"))
    named = "transformers" if version is None else f"transformers {version}"
    run.state("framework", named, config.source("transformers_version"))
    kind = str(config.get("model_type") or "")
    run.take(config, "method", "model_type", lambda _: _METHODS.get(kind, kind) or None)
    run.take(config, "classes", "id2label", lambda v: len(v) if isinstance(v, Mapping) else None)
    run.take(config, "pretrained", "_name_or_path", lambda path: text(path) or None)
    run.state("backbone", _backbone(config), config.source("model_type"))


def _backbone(config: Config) -> str | None:
    """In the zoo's words, where it has one alike."""
    if config.get("model_type") == "segformer":
        sizes = plain_list(config.get("hidden_sizes"))
        dims = sizes[0] if sizes else None
        depths = plain_list(config.get("depths"))
        return backbone_like(type="MixVisionTransformer", embed_dims=dims, num_layers=depths)
    inner = config.get("backbone_config")
    if isinstance(inner, Mapping) and inner.get("model_type") == "swin":
        dims, depths = inner.get("embed_dim"), plain_list(inner.get("depths"))
        return backbone_like(type="SwinTransformer", embed_dims=dims, depths=depths)
    return None
