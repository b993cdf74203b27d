"""What networks give their heads, for losses of other than the logits of one output.

Small and random for a check of the loss alone; made of the pixels of a batch for one that
goes from the file on, of as many layers and queries as the config has.
"""

from collections.abc import Mapping
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor

from parity.errors import NotExercised
from parity.probes import Probe
from parity.probes.infer import toy_model
from parity.probes.mask import finite_logits
from parity.probes.natural import probe
from parity.sample import DEPTH, EDGE, SEG, Batch
from parity.steps.loss import (
    LossTerm,
    OhemSampler,
    binary_cross_entropy,
    cross_entropy,
    da_head_loss,
    ddr_head_loss,
    depth_head_loss,
    dice_loss,
    enc_head_loss,
    knet_loss,
    ohem_cross_entropy,
    pid_head_loss,
    stdc_head_loss,
)
from parity.steps.loss.several import PID
from parity.steps.mask import MaskWeights, point_head_inference, point_head_loss, san_loss
from parity.steps.mask.side_adapter import SAN

Value = dict[str, Any]
IGNORED = 255
# Of the pixels, by seed. Beside ignored pixels mmseg fails with class weights; seed 1 has none.
SHARES_IGNORED = (0.2, 0.0, 0.3, 1.0)


class Output(NamedTuple):
    """A tensor ``(layers, N, *channels, h, w)``; no layers, or no stride: without these axes."""

    channels: tuple[int, ...]
    layers: int | None = None
    stride: int | None = 8

    def tensor(self, planes: Tensor) -> Tensor:
        """It, of ``(N, layers * channels, h, w)``."""
        size = planes.shape[2:] if self.stride else ()
        found = planes.reshape(len(planes), self.layers or 1, *self.channels, *size)
        return found.movedim(1, 0) if self.layers else found.squeeze(1)

    @property
    def planes(self) -> int:
        """How many channels there are in all."""
        return prod(self.channels) * (self.layers or 1)


def outputs_of(loss: str, *, classes: int, layers: int, queries: int) -> dict[str, Output] | None:
    """What the head with the loss called `loss` gets from its network; None: other heads do."""
    some = Output((classes,))
    queried = {
        "cls_scores": Output((queries, classes + 1), layers, None),
        "mask_preds": Output((queries,), layers, 4),
    }
    found: Mapping[str, dict[str, Output]] = {
        "knet_loss": {"preds": Output((classes,), layers)},
        "da_head_loss": {"preds": Output((classes,), 3)},
        "enc_head_loss": {"pred": some, "se_pred": Output((classes,), stride=None)},
        "stdc_head_loss": {"pred": some},
        "ddr_head_loss": {"context": some, "spatial": some},
        "pid_head_loss": {"detail": some, "pred": some, "boundary": Output((1,))},
        "depth_head_loss": {"pred": Output((1,))},
        "point_head_loss": {"pred": some, "features": Output((classes,), stride=4)},
        "mask2former_loss": queried,
        "maskformer_loss": queried,
        "san_loss": queried,
    }
    return found.get(loss)


def true_maps_of(loss: str) -> Mapping[str, str]:
    """Which of a batch's maps the loss called `loss` is held against, by its argument."""
    found = {
        "pid_head_loss": {"label": SEG, "edge": EDGE},
        "depth_head_loss": {"label": DEPTH},
    }
    return found.get(loss, {"label": SEG})


def network(batch: Batch, *, outputs: Mapping[str, Output], true: Mapping[str, str]) -> Value:
    """`outputs` of the images of a batch, each from weights of its own, and the `true` maps."""
    truths = {name: _stacked(batch, key) for name, key in true.items()}
    found = {name: _seen(batch.images, one, at) for at, (name, one) in enumerate(outputs.items())}
    return {**found, **truths}


def _stacked(batch: Batch, key: str) -> Tensor:
    """The maps `key`; of depths ``(N, 1, H, W)``, of others ``(N, H, W)``."""
    maps = batch.segs if key == SEG else batch.maps.get(key)
    if not isinstance(maps, Tensor):
        raise NotExercised(f"this batch has no stacked {key}")
    return maps[:, None] if key == DEPTH else maps


def _seen(images: Tensor, output: Output, at: int) -> Tensor:
    pixels = images if output.stride else images.mean((2, 3), keepdim=True)
    return output.tensor(toy_model(pixels, classes=output.planes, stride=output.stride or 1)) * (
        1 + at
    )


def make_outputs(
    seed: int, *, loss: str, classes: int | None = None, layers: int = 3, queries: int = 3
) -> Value:
    """Random `outputs_of` a head, of two to six classes unless told, with true maps of any size."""
    rng = RandomState(seed)
    chosen = int(rng.randint(2, 7)) if classes is None else classes
    images, height, width = int(rng.randint(1, 4)), int(rng.randint(1, 9)), int(rng.randint(1, 9))
    outputs = outputs_of(loss, classes=chosen, layers=layers, queries=queries) or {}
    value: Value = {
        name: one.tensor(
            finite_logits(rng, images, one.planes, *((height, width) if one.stride else (1, 1)))
        )
        for name, one in outputs.items()
    }
    shape = (images, int(rng.randint(2, 24)), int(rng.randint(2, 24)))
    return {**value, **_true_maps(rng, loss, shape, chosen, SHARES_IGNORED[seed % 4])}


def make_coarse(seed: int, *, classes: int | None = None) -> Value:
    """What a PointHead gets in testing: logits, features, and metas with and without padding."""
    value = make_outputs(seed, loss="point_head_loss", classes=classes)
    height, width = value.pop("label").shape[1:]
    meta: dict[str, Any] = {"img_shape": (height, width)}
    if seed % 2:
        meta["pad_shape"] = (height + 3, width + 1)
    return {**value, "metas": [meta] * len(value["pred"])}


def _true_maps(
    rng: RandomState, loss: str, shape: tuple[int, ...], classes: int, ignored: float
) -> Value:
    """Labels of rectangles, a share of them ignored; depths; boundaries."""
    if loss == "depth_head_loss":
        depth = rng.uniform(0, 80, (shape[0], 1, *shape[1:]))
        depth[rng.random_sample(depth.shape) < 0.2] = 0
        return {"label": torch.from_numpy(depth).float()}
    images, height, width = shape
    blocks = rng.randint(0, classes, (images, -(-height // 3), -(-width // 3)))
    label = blocks.repeat(3, 1).repeat(3, 2)[:, :height, :width]
    label[rng.random_sample(shape) < ignored] = IGNORED
    maps = {"label": torch.from_numpy(np.ascontiguousarray(label))}
    if loss == "pid_head_loss":
        maps["edge"] = torch.from_numpy(rng.choice([0, 0, 0, 1, IGNORED], shape))
    return maps


CE = LossTerm("loss_ce", cross_entropy, {"loss_weight": 0.4})
VALID = LossTerm("loss_ce", cross_entropy, {"avg_non_ignore": True})
BCE = LossTerm("loss_ce", binary_cross_entropy)
DICE = LossTerm("loss_dice", dice_loss, {"loss_weight": 3.0})
DETAIL = {"losses": (BCE, DICE), "align_corners": True}
FEW = LossTerm("loss_ohem", ohem_cross_entropy, {"thresh": 0.4, "min_kept": 20})
HARD = {"losses": (FEW, LossTerm("loss_ce", ohem_cross_entropy, {"min_kept": 5}))}
OF_PID = {"losses": (CE, FEW, PID[2], FEW), "align_corners": True}
SAMPLED = {"sampler": OhemSampler(thresh=0.7, min_kept=20), "align_corners": True}
POINTS = {"num_points": 40, "importance_sample_ratio": 0.6, "align_corners": True}
PROPOSALS = {
    **{"layers": (2, 7), "num_points": 30, "oversample_ratio": 2.5},
    **{"cost_weights": MaskWeights(3.0, 1.0, 2.0), "losses": (SAN[1], SAN[2], SAN[0])},
}
EXACT = {"se_loss": LossTerm("loss_se", binary_cross_entropy, {"reduction": "sum"})}

PROBES: tuple[Probe, ...] = tuple(
    probe(name, function, partial(make_outputs, loss=function.__name__), **options)
    for name, function, options in (
        ("loss_knet", knet_loss, {"losses": (CE,)}),
        ("loss_knet_sampled", knet_loss, SAMPLED),
        ("loss_da", da_head_loss, {}),
        ("loss_da_valid", da_head_loss, {"losses": (VALID, DICE)}),
        ("loss_enc", enc_head_loss, {}),
        ("loss_enc_sum", enc_head_loss, {**EXACT, "losses": (CE,)}),
        ("loss_stdc", stdc_head_loss, DETAIL),
        ("loss_stdc_high", stdc_head_loss, {"boundary_threshold": 3.0}),
        ("loss_ddr", ddr_head_loss, {}),
        ("loss_ddr_few", ddr_head_loss, HARD),
        ("loss_pid", pid_head_loss, {}),
        ("loss_pid_few", pid_head_loss, OF_PID),
        ("loss_depth", depth_head_loss, {}),
        ("loss_depth_aligned", depth_head_loss, {"align_corners": True}),
        ("loss_point", point_head_loss, {}),
        ("loss_point_few", point_head_loss, {**POINTS, "losses": (VALID, CE)}),
        ("loss_san", san_loss, {"num_points": 200}),
        ("loss_san_few", san_loss, PROPOSALS),
    )
)

REFINED = {"subdivision_steps": 3, "subdivision_num_points": 9, "align_corners": True}
PROBES += (
    probe("point_infer", point_head_inference, make_coarse, subdivision_num_points=40),
    probe("point_infer_few", point_head_inference, make_coarse, **REFINED),
)
