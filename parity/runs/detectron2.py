"""Output folders of detectron2, which Mask2Former's and MaskFormer's own code writes.

``metrics.json`` (utils/events.py, JSONWriter: one JSON record per line),
``log.txt`` (engine/defaults.py, default_setup) and ``config.yaml``. Iterations
count from 0: the record of iteration 19 is that after 20. The scores are those
of evaluation/sem_seg_evaluation.py and cityscapes_evaluation.py, in percent.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parity.runs.curves import number, step_number
from parity.runs.detectron2_config import state_config
from parity.runs.detectron2_log import LOG_LINE, read_log
from parity.runs.facts import Fact, Source, Unread
from parity.runs.foreign import Foreign, Scores, head, read_yaml
from parity.runs.log_data import LogData
from parity.runs.reading import Reading
from parity.runs.scalars import score_name
from parity.runs.text import Block, decoded, json_values, quoted

METRICS, LOG, CONFIG = "metrics.json", "log.txt", "config.yaml"
_CLASS = re.compile(r"sem_seg/(IoU|ACC)-(.+)", re.S)
_RANK_LOG = re.compile(r"log\.txt\.rank[1-9]\d*")
_NO_CURVE = frozenset({"iteration", "eta_seconds"})


def recognised(files: Sequence[str], reading: Reading) -> bool:
    """Whether `files` hold what detectron2 writes."""
    return bool(_metrics_file(files, reading) or _log_file(files, reading))


def _metrics_file(files: Sequence[str], reading: Reading) -> str | None:
    if METRICS not in files:
        return None
    values, _ = json_values(decoded(head(reading, METRICS).lstrip().partition(b"\n")[0]))
    found = bool(values) and isinstance(values[0], dict) and "iteration" in values[0]
    return METRICS if found else None


def _log_file(files: Sequence[str], reading: Reading) -> str | None:
    """By its name; a file given by itself may have any."""
    name = files[0] if len(files) == 1 else LOG
    found = name in files and LOG_LINE.search(head(reading, name)) is not None
    return name if found else None


def read(files: Sequence[str], reading: Reading) -> Foreign:
    """The run in the folder that holds `files`."""
    document = read_yaml(CONFIG, reading) if CONFIG in files else None
    planned = document.get("SOLVER", "MAX_ITER") if document else None
    last = planned if type(planned) is int else None
    metrics, log = _metrics_file(files, reading), _log_file(files, reading)
    logs = reading.each_start(log, read_log) if log else []
    records = (
        reading.each_start(metrics, lambda source, file: read_metrics(source, file, last))
        if metrics
        else []
    )
    named = {metrics, log, CONFIG}
    taken = frozenset(name for name in files if name in named or _RANK_LOG.fullmatch(name))
    run = Foreign(_starts(records, logs), files=taken)
    if logs:
        _state_environment(run, logs[-1].environment)
    if document is not None:
        state_config(run, document)
    run.state("framework", "detectron2", None, "by the names of its files")
    return run


def _state_environment(run: Foreign, environment: Mapping[str, Fact[str]]) -> None:
    version, world = environment.get("detectron2"), environment.get("World size")
    if version is not None and version.value:
        run.state("framework", f"detectron2 {version.value.split()[0]}", version.source)
    if world is not None and world.value:
        run.state("world_size", int(world.value), world.source)


def _starts(records: Sequence[LogData], logs: Sequence[LogData]) -> list[list[LogData]]:
    """What each start wrote: the last records belong to the last log, and so on backwards."""
    count = max(len(records), len(logs))
    starts: list[list[LogData]] = [[] for _ in range(count)]
    for found in (records, logs):
        for start, data in zip(reversed(starts), reversed(found), strict=False):
            start.append(data)
    return starts


def read_metrics(source: Iterable[Block], file: str, last: int | None) -> list[LogData]:
    """One part per start: a resumed training goes back to the iteration of its checkpoint.

    last: iterations planned; the final scores are recorded under that number.
    """
    reader = _Metrics(file, last)
    for block in source:
        for offset, line in enumerate(block.lines):
            if line.strip():
                reader.take(block.line + offset, line)
    return reader.close()


class _Metrics:
    def __init__(self, file: str, last: int | None) -> None:
        self.parts = [LogData(file)]
        self._file, self._last = file, last
        self._before = self._interval = 0
        self._broken: list[tuple[int, str]] = []

    def take(self, at: int, line: bytes) -> None:
        values, rest = json_values(decoded(line))
        for record in values:
            step = self._step(record) if isinstance(record, dict) else None
            if isinstance(record, dict) and step is not None:
                self._record(at, step, record)
            else:
                self._broken.append((at, quoted(line, 60)))
        if rest:
            self._broken.append((at, quoted(rest.encode("utf-8", "replace"), 60)))

    def close(self) -> list[LogData]:
        if self._broken:
            line, text = self._broken[0]
            reason = f"not a complete record of an iteration: {text!r}"
            self.parts[0].unread.append(Unread(self._file, reason, line, len(self._broken)))
        return [part.finish() for part in self.parts]

    def _step(self, record: Mapping[str, Any]) -> int | None:
        """Iterations done. After the last one the number is that of all, not one less."""
        found = step_number(record.get("iteration"))
        if found is None:
            return None
        after = found == self._last if self._last is not None else found == self._before
        return found if after and "total_loss" not in record else found + 1

    def _record(self, line: int, step: int, record: Mapping[str, Any]) -> None:
        if step < self._before and "total_loss" in record:
            self._start_anew(step, line)
        elif step > self._before and not self._interval:
            self._interval = step - self._before
        self._before = step
        part = self.parts[-1]
        scores = Scores()
        values = [item for item in record.items() if not _takes(scores, *item)]
        renamed = [("loss" if k == "total_loss" else k, v) for k, v in values if k not in _NO_CURVE]
        part.points.add(step, line, renamed)
        if scores.metrics:
            part.add_evaluation(scores.evaluation("val", step, Source(self._file, line), 1.0))

    def _start_anew(self, step: int, line: int) -> None:
        """Where it went on from is not stated here, but records come at even distances."""
        data = LogData(self._file)
        done = step - self._interval
        if done > 0:
            data.resumed_at = Fact(done, Source(self._file, line), "by the first record after it")
        self.parts.append(data)


def _takes(scores: Scores, name: str, value: Any) -> bool:
    """Take `value` when it is a score of semantic segmentation."""
    read = number(value)
    if read is None or not name.startswith("sem_seg/"):
        return False
    of_class = _CLASS.fullmatch(name)
    if of_class is not None:
        (scores.iou if of_class[1] == "IoU" else scores.acc)[of_class[2]] = read
        return True
    # Cityscapes' evaluator calls the mean IoU of all classes IoU.
    known = "mIoU" if name == "sem_seg/IoU" else score_name(name)
    if known is None:
        return False
    scores.metrics[known] = read
    return True
