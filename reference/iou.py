"""``IoUMetric`` (mmseg), live: counts, scores, printed table and saved predictions."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from parity.sample import UInt8Array
from parity.steps.iou import ClassCounts, IoUResult, LabelMap
from reference.compat import load_reference


class IoUMetric:
    """``IoUMetric``; options as there, the classes' names being the data set's.

    printed: the table as logged by the last `compute`.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        *,
        class_names: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        load_reference()
        from mmseg.evaluation import IoUMetric as Metric

        with _quiet_log():
            self.metric = Metric(ignore_index=ignore_index, **options)
        names = [str(index) for index in range(num_classes)] if class_names is None else class_names
        self.metric.dataset_meta = {"classes": tuple(names)}
        self.printed = ""

    def update(self, pred: LabelMap, label: LabelMap, *, name: str | None = None) -> None:
        """``process`` of one image."""
        maps = {"pred_sem_seg": pred, "gt_sem_seg": label}
        sample = {key: {"data": _tensor(value)} for key, value in maps.items()}
        self.metric.process({}, [sample])

    def merge(self, other: IoUMetric) -> None:
        """What ``collect_results`` does: join the lists of images."""
        self.metric.results += other.metric.results

    def compute(self) -> IoUResult:
        """``evaluate``. Its float32 counts are converted exactly; its list is kept."""
        images = list(self.metric.results)
        with _quiet_log(), _kept_tables() as tables, self._kept_counts() as counted:
            # The mean of a column that is NaN throughout.
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
            summary = self.metric.evaluate(len(images))
        self.metric.results[:] = images
        [table] = tables
        self.printed = table.get_string()
        names, *columns = zip(*table.rows, strict=True)
        per_class = dict(zip(table.field_names[1:], map(np.array, columns), strict=True))
        return IoUResult(_counts(counted.call_args.args[:4]), summary, per_class, names)

    def _kept_counts(self) -> Any:
        real = self.metric.total_area_to_metrics
        return mock.patch.object(self.metric, "total_area_to_metrics", wraps=real)


def intersect_and_union(
    pred: LabelMap,
    label: LabelMap,
    *,
    num_classes: int,
    ignore_index: int = 255,
    name: str = "image",
) -> ClassCounts:
    """``IoUMetric.intersect_and_union``; its float32 counts are converted exactly.

    Labels get the dtype of the prediction first, as ``process`` gives it to them: a uint8
    label of 255 would equal an ignore_index of -1.
    """
    load_reference()
    from mmseg.evaluation import IoUMetric as Metric

    predicted = _tensor(pred).squeeze()
    maps = (predicted, _tensor(label).squeeze().to(predicted))
    return _counts(Metric.intersect_and_union(*maps, num_classes, ignore_index))


def class_ratios(
    counts: ClassCounts, *, iou_metrics: str | Sequence[str] = ("mIoU",), **options: Any
) -> dict[str, NDArray[np.float32]]:
    """``IoUMetric.total_area_to_metrics``, of counts as float32 tensors."""
    load_reference()
    from mmseg.evaluation import IoUMetric as Metric

    areas = [torch.from_numpy(column).float() for column in asdict(counts).values()]
    return dict(Metric.total_area_to_metrics(*areas, metrics=iou_metrics, **options))


def save_prediction(
    pred: LabelMap, img_path: str | Path, output_dir: str | Path, *, reduce_zero_label: bool
) -> Path:
    """``process`` with ``format_only`` and ``output_dir``."""
    load_reference()
    from mmseg.evaluation import IoUMetric as Metric

    with _quiet_log():
        metric = Metric(format_only=True, output_dir=str(output_dir))
    metric.dataset_meta = {"classes": ()}
    sample = {
        "pred_sem_seg": {"data": _tensor(pred)},
        "img_path": str(img_path),
        "reduce_zero_label": reduce_zero_label,
    }
    metric.process({}, [sample])
    [path] = Path(output_dir).glob(f"{Path(img_path).stem}.png")
    return path


def format_prediction(pred: LabelMap, *, reduce_zero_label: bool) -> UInt8Array:
    """The pixels of the file that ``process`` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_prediction(pred, "x.jpg", folder, reduce_zero_label=reduce_zero_label)
        with Image.open(path) as image:
            return np.array(image)


def _tensor(values: LabelMap) -> torch.Tensor:
    """A copy as ``(1, H, W)``, the shape mmseg packs label maps in."""
    tensor = torch.as_tensor(values).clone()
    return tensor if tensor.ndim == 3 else tensor[None]


def _counts(areas: Iterable[torch.Tensor]) -> ClassCounts:
    """Whole float32 numbers as int64, without rounding."""
    return ClassCounts(*(area.double().numpy().astype(np.int64) for area in areas))


@contextmanager
def _kept_tables() -> Iterator[list[Any]]:
    """Collect the tables the metric prints; their cells are nowhere else."""
    import mmseg.evaluation.metrics.iou_metric as module

    real, tables = module.PrettyTable, []

    def kept() -> Any:
        tables.append(real())
        return tables[-1]

    with mock.patch.object(module, "PrettyTable", kept):
        yield tables


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Without the metric's own log, a table per evaluation; filters for warnings end with it."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    before, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logger.disabled = before
