"""Every probe, and the steps that follow the data pipelines when a model is there.

The network between collate and loss is no step: both sides call the same fixed
function of the pixels, with as many classes as ADE20K and an output stride of 8.
"""

from __future__ import annotations

from functools import partial

from parity.pipeline import Step
from parity.probes import Probe
from parity.probes import collate as collates
from parity.probes import deform_attn as attentions
from parity.probes import infer as infers
from parity.probes import iou as ious
from parity.probes import logits as logit_probes
from parity.probes import loss as losses
from parity.probes import optim as optims
from parity.probes import schedule as schedules
from parity.probes.natural import step_of
from parity.steps.collate import MEAN, STD, collate
from parity.steps.infer import inference
from parity.steps.iou import IoUMetric
from parity.steps.logits import postprocess_logits, resize_logits
from parity.steps.loss import decode_head_loss

ADE20K_CLASSES = 150

PROBES: tuple[Probe, ...] = (
    *collates.PROBES,
    *logit_probes.PROBES,
    *infers.PROBES,
    *losses.PROBES,
    *ious.PROBES,
    *schedules.PROBES,
    *optims.PROBES,
    *attentions.PROBES,
)

_NETWORK = partial(infers.toy_model, classes=ADE20K_CLASSES, stride=8)
_NORMALISE = {"mean": MEAN, "std": STD}


def train_tail(crop_size: tuple[int, int]) -> tuple[Step, ...]:
    """From a training sample to its loss and gradient."""
    return (
        step_of("collate", collate, {**_NORMALISE, "size": crop_size}),
        step_of("logits", resize_logits, {"model": _NETWORK}),
        step_of("loss", decode_head_loss),
    )


def val_tail() -> tuple[Step, ...]:
    """From a validation sample to its IoU."""
    return (
        step_of("collate", collate, {**_NORMALISE, "training": False}),
        step_of("infer", inference, {"model": _NETWORK}),
        step_of("postprocess", postprocess_logits),
        step_of("iou", IoUMetric, {"num_classes": ADE20K_CLASSES}),
    )
