"""Score label maps, and save predictions for a test server, as ``IoUMetric`` (mmseg 1.2.2)."""

from parity.steps.iou.counts import ClassCounts as ClassCounts
from parity.steps.iou.counts import LabelMap as LabelMap
from parity.steps.iou.counts import intersect_and_union as intersect_and_union
from parity.steps.iou.metric import IoUMetric as IoUMetric
from parity.steps.iou.metric import IoUResult as IoUResult
from parity.steps.iou.metric import class_ratios as class_ratios
from parity.steps.iou.saved import format_prediction as format_prediction
from parity.steps.iou.saved import save_prediction as save_prediction
