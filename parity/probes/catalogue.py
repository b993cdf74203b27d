"""Every probe, and the steps that follow the data pipelines when a model is there.

The network between collate and loss is no step: both sides call the same fixed
function of the pixels, with as many classes as ADE20K and an output stride of 8.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from parity.pipeline import Step
from parity.probes import Probe, augment, data, heads
from parity.probes import collate as collates
from parity.probes import deform_attn as attentions
from parity.probes import dino as dinos
from parity.probes import infer as infers
from parity.probes import iou as ious
from parity.probes import logits as logit_probes
from parity.probes import loss as losses
from parity.probes import mask as masks
from parity.probes import optim as optims
from parity.probes import schedule as schedules
from parity.probes.natural import step_of
from parity.steps.collate import MEAN, STD, collate
from parity.steps.infer import inference, predict_views
from parity.steps.iou import IoUMetric
from parity.steps.logits import postprocess_logits, resize_logits
from parity.steps.loss import decode_head_loss

ADE20K_CLASSES = 150

_FILES = (
    *(collates, logit_probes, infers, losses, masks, heads),
    *(ious, schedules, optims, attentions, dinos),
)
PROBES: tuple[Probe, ...] = tuple(probe for file in _FILES for probe in file.PROBES)
DATA_PROBES: tuple[Probe, ...] = (*data.PROBES, *augment.PROBES)

_NORMALISE = {"mean": MEAN, "std": STD}


def train_tail(crop_size: tuple[int, int]) -> tuple[Step, ...]:
    """From a training sample to its loss and gradient."""
    collated = step_of("collate", collate, {**_NORMALISE, "size": crop_size})
    return (collated, *tail_of_training(ADE20K_CLASSES, step_of("loss", decode_head_loss)))


def val_tail() -> tuple[Step, ...]:
    """From a validation sample to its IoU."""
    collated = step_of("collate", collate, {**_NORMALISE, "training": False})
    return (collated, *tail_of_testing(ADE20K_CLASSES, {}, {}))


def tail_of_training(channels: int, loss: Step) -> tuple[Step, ...]:
    """From a batch to its loss and gradient; the network gives `channels` logits a pixel."""
    return (step_of("logits", resize_logits, {"model": _network(channels)}), loss)


def tail_of_testing(
    channels: int, options: Mapping[str, Any], metric: Mapping[str, Any] | None
) -> tuple[Step, ...]:
    """From a batch to its segmentations, and to their IoU where `metric` has its options."""
    aligned = {"align_corners": options["align_corners"]} if options else {}
    chosen = {**options, "num_classes": channels} if options else {}
    steps = (
        step_of("infer", inference, {"model": _network(channels), **chosen}),
        step_of("postprocess", postprocess_logits, aligned),
    )
    if metric is None:
        return steps
    return (*steps, step_of("iou", IoUMetric, {"num_classes": max(channels, 2), **metric}))


def tail_of_views(channels: int, options: Mapping[str, Any]) -> Step:
    """From the views of test-time augmentation to their merged segmentation."""
    return Step(
        "tta",
        predict_views,
        {"model": _network(channels), **options, "num_classes": channels},
    )


def _network(channels: int) -> Any:
    return partial(infers.toy_model, classes=channels, stride=8)
