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
from parity.probes import mask as masks
from parity.probes import optim as optims
from parity.probes import schedule as schedules
from parity.probes.natural import step_of
from parity.steps.collate import MEAN, STD, collate_sample
from parity.steps.infer import infer_batch
from parity.steps.iou import evaluate_batch
from parity.steps.logits import postprocess_batch, train_logits
from parity.steps.loss import decode_head_loss

ADE20K_CLASSES = 150

PROBES: tuple[Probe, ...] = (
    *collates.PROBES,
    *logit_probes.PROBES,
    *infers.PROBES,
    *losses.PROBES,
    *masks.PROBES,
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
        Step("collate", collate_sample, {**_NORMALISE, "size": crop_size}),
        Step("logits", train_logits, {"model": _NETWORK}),
        step_of("loss", decode_head_loss),
    )


def val_tail() -> tuple[Step, ...]:
    """From a validation sample to its IoU."""
    return (
        Step("collate", collate_sample, {**_NORMALISE, "training": False}),
        Step("infer", infer_batch, {"model": _NETWORK}),
        Step("postprocess", postprocess_batch),
        Step("iou", evaluate_batch, {"num_classes": ADE20K_CLASSES}),
    )
