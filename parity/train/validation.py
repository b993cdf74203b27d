"""Validation in plain PyTorch: a config's data, inference and score, by our own steps.

Reproduces ``ValLoop`` (mmengine 0.10.7 runner/loops.py) with ``EncoderDecoder.predict``
and ``IoUMetric`` of mmseg 1.2.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import SequentialSampler

from parity.errors import InputError
from parity.recipe import Recipe
from parity.sample import Batch
from parity.steps.collate import collate
from parity.steps.infer import predict
from parity.steps.iou import ClassCounts, class_ratios, intersect_and_union
from parity.steps.iou.metric import summarise
from parity.steps.logits import postprocess_logits
from parity.train.data import Samples, data_loader, dataset_of
from parity.train.losses import defined_by

Values = Mapping[str, Any]
# Logits of the whole segmentor ``(N, C, H, W)``, from images and their metas.
OwnLogits = Callable[[nn.Module, Tensor, tuple[Any, ...]], Tensor]


@dataclass(frozen=True)
class ValidationPlan:
    """How a config validates.

    inference, metric: options of `predict` and of the IoU. interval: iterations between two.
    """

    dataset: Samples
    collate: Values
    batch_size: int
    workers: int
    inference: Values
    threshold: float | None
    metric: Values
    interval: int


def validation_plan(
    recipe: Recipe, values: Values, *, epoch_length: int | None = None
) -> ValidationPlan | None:
    """What `values` ask of a validation; None without one. Raises InputError.

    epoch_length: iterations of an epoch, where the training is counted in epochs.
    """
    loader = values.get("val_dataloader")
    if not loader:
        return None
    _insist(recipe, loader)
    assert recipe.head is not None  # `_insist` has asked for these
    assert recipe.test_cfg is not None
    assert recipe.metric is not None
    decoding = recipe.terms.item("model", "decode_head").parts[-1]
    metric = {**recipe.metric, "num_classes": recipe.head.channels}
    inference = {**recipe.test_cfg, "align_corners": recipe.head.align_corners}
    if inference["mode"] == "slide":
        inference["num_classes"] = recipe.head.channels
    return ValidationPlan(
        dataset_of(recipe, "val"),
        recipe.val[-1].options,
        int(loader.get("batch_size", 1)),
        loader.get("num_workers", 0),
        inference,
        decoding.get("threshold").value,
        metric,
        int(values["train_cfg"].get("val_interval", 1 if epoch_length else 1000))
        * (epoch_length or 1),
    )


def _insist(recipe: Recipe, loader: Values) -> None:
    kind = recipe.terms.item("val_dataloader", "sampler").kind
    if kind != "DefaultSampler" or loader["sampler"].get("shuffle"):
        raise InputError(f"{recipe.name}: validation in the order of {kind} is not done here")
    for part in recipe.uncompared:
        if "val" in part.what or "score" in part.what or "inference" in part.what:
            raise InputError(f"{recipe.name}: {part.what}: {part.reason}; --interval 0 leaves it")


class Validation:
    """Of one model, as often as it is asked for."""

    def __init__(self, plan: ValidationPlan, model: nn.Module, own: OwnLogits, *, seed: int):
        self.plan, self.model, self.own = plan, model, own
        self.loader = data_loader(
            plan.dataset,
            SequentialSampler(plan.dataset),
            batch_size=plan.batch_size,
            workers=plan.workers,
            seed=seed,
        )

    def start_workers(self) -> None:
        """As the first validation does, once for all; it draws a seed for them."""
        if self.plan.workers:
            iter(self.loader)

    @torch.no_grad()
    def score(self, device: str) -> dict[str, Any]:
        """The rounded scores in percent, as mmseg logs them; and `areas`, which they are of.

        areas: int64 ``(images, 4, classes)``: pixels of intersection, union, prediction, label.
        """
        self.model.eval()
        counts = [count for samples, _ in self.loader for count in self._counts(samples, device)]
        total = sum(counts[1:], start=counts[0])
        options = {key: self.plan.metric[key] for key in _RATIOS if key in self.plan.metric}
        summary = summarise(class_ratios(total, **options))
        scores: dict[str, Any] = {name: float(value) for name, value in summary.items()}
        return {**scores, "areas": torch.from_numpy(np.stack([_areas(one) for one in counts]))}

    def _counts(self, samples: Any, device: str) -> list[ClassCounts]:
        batch = collate(samples, **self.plan.collate)
        images, metric = batch.images.to(device), self.plan.metric
        given = {"num_classes": metric["num_classes"], "ignore_index": metric["ignore_index"]}
        assert batch.segs is not None
        return [
            intersect_and_union(found.prediction.cpu(), label, **given)
            for found, label in zip(self._predicted(images, batch), batch.segs, strict=True)
        ]

    def _predicted(self, images: Tensor, batch: Batch) -> Any:
        plan = self.plan
        if predicts_itself(self.model):
            logits = self.own(self.model, images, batch.metas)
            aligned = plan.inference["align_corners"]
            return postprocess_logits(
                logits, batch.metas, align_corners=aligned, threshold=plan.threshold
            )
        return predict(
            self.logits, images, metas=batch.metas, threshold=plan.threshold, **plan.inference
        )

    def logits(self, images: Tensor) -> Tensor:
        """Of the last decode head, small, from normalised images ``(N, 3, H, W)``."""
        model: Any = self.model
        features = model.backbone(images)
        if getattr(model, "neck", None) is not None:
            features = model.neck(features)
        head = model.decode_head
        heads = head if isinstance(head, nn.ModuleList) else [head]
        found: Tensor = heads[0].forward(features)
        for one in heads[1:]:
            found = one.forward(features, found)
        return found


_RATIOS = ("iou_metrics", "nan_to_num", "beta")
_PLAIN = frozenset({"BaseDecodeHead", "BaseCascadeDecodeHead"})


def predicts_itself(model: nn.Module) -> bool:
    """Whether a head of `model` makes its prediction otherwise than mmseg's base class."""
    names = ("predict", "predict_by_feat")
    return any(defined_by(_last_head(model), name) not in _PLAIN for name in names)


def own_predictions(model: nn.Module) -> tuple[str, ...]:
    """The prediction of a head, where it is not ours."""
    kind = type(_last_head(model)).__name__
    return (f"the prediction of decode_head ({kind})",) if predicts_itself(model) else ()


def _last_head(model: nn.Module) -> nn.Module:
    head = model.decode_head
    assert isinstance(head, nn.Module)
    return head[-1] if isinstance(head, nn.ModuleList) else head


def _areas(counts: ClassCounts) -> np.ndarray[Any, Any]:
    return np.stack([counts.intersect, counts.union, counts.pred, counts.label])
