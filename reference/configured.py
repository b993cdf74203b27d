"""What a config builds, live: its transforms and preprocessor as mmengine's registries make them.

An entry is the config's own dict, read without executing the file it stands in.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from numpy.random import RandomState
from torch import Tensor

from parity.sample import Batch, DataInfo, Sample
from parity.steps.mask.infer import Layers
from reference.collate import batch_of
from reference.compat import load_reference
from reference.generator import global_stream
from reference.loss.head import base_head, loss_by_feat
from reference.loss.own import loss_of, own_head
from reference.mask.build import head_of
from reference.mask.heads import queried_loss
from reference.results import to_results, to_sample
from reference.segmentor import quiet

Entry = Mapping[str, Any]


def transform(value: DataInfo | Sample, rng: RandomState, *, entry: Entry) -> Sample:
    """The transform that `entry` asks for, on an entry of a data set or on a sample."""
    load_reference()
    from mmseg.registry import TRANSFORMS

    with quiet():
        built = TRANSFORMS.build(copy.deepcopy(dict(entry)))
    info = value if isinstance(value, DataInfo) else value.info
    results = value.as_dict() if isinstance(value, DataInfo) else to_results(value)
    with global_stream(rng):
        return to_sample(built(results), info)


def preprocess(sample: Sample, rng: RandomState, *, entry: Entry, training: bool) -> Batch:
    """``PackSegInputs`` and ``pseudo_collate``, then the preprocessor that `entry` asks for."""
    load_reference()
    from mmseg.registry import MODELS

    return batch_of([sample], MODELS.build(copy.deepcopy(dict(entry))), training=training)


def head_loss(pred: Tensor, label: Tensor, *, entry: Entry) -> dict[str, Tensor]:
    """``loss_by_feat`` of the head that `entry` asks for, without its layers.

    Raises InputError for a class that computes its loss in a way of its own.
    """
    return loss_by_feat(base_head(entry), pred, label)


def own_loss(
    *, label: Tensor, entry: Entry, train_cfg: Entry | None = None, **outputs: Tensor
) -> dict[str, Tensor]:
    """``loss`` of the head that `entry` asks for, whose network gives `outputs`.

    train_cfg: that of the model. A tensor that is ``edge`` is true, and no output.
    """
    maps = {name: outputs.pop(name) for name in ("edge",) if name in outputs}
    queries = outputs["cls_scores"].shape[2] if "cls_scores" in outputs else None
    return loss_of(own_head(entry, queries=queries), outputs, label, train_cfg or {}, **maps)


def query_loss(
    cls_scores: Layers, mask_preds: Layers, label: Tensor, *, entry: Entry
) -> dict[str, Tensor]:
    """``loss_by_feat`` of the Mask2FormerHead or MaskFormerHead that `entry` asks for."""
    queries, channels = cls_scores[0].shape[1:]
    kind = str(entry["type"]).rpartition(".")[2]
    head = head_of(kind, copy.deepcopy(dict(entry)), queries, channels - 1)
    return queried_loss(head, cls_scores, mask_preds, label, entry.get("ignore_index", 255))
