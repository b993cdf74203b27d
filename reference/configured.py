"""What a config builds, live: its transforms and preprocessor as mmengine's registries make them.

An entry is the config's own dict, read without executing the file it stands in.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.random import RandomState
from torch import Tensor

from parity.listing import Listing
from parity.sample import META_KEYS, Batch, DataInfo, Sample
from parity.steps.mask.infer import Layers
from reference.collate import batch_of, batch_of_packed
from reference.compat import load_reference
from reference.generator import global_stream
from reference.listing import listing
from reference.loss.head import base_head, loss_by_feat
from reference.loss.own import loss_of, own_head
from reference.mask.build import head_of
from reference.mask.heads import queried_loss
from reference.mosaic import mixed
from reference.results import to_results, to_sample
from reference.segmentor import quiet

Entry = Mapping[str, Any]


def data_list(value: str, rng: RandomState | None = None, *, entry: Entry) -> Listing:
    """What the data set that `entry` asks for lists below the root `value`."""
    return listing({**entry, "data_root": value})


def made(kind: str) -> Callable[..., Sample]:
    """The transform `kind` as a step: what it is done to, a generator, and its options."""

    def run(value: DataInfo | Sample, rng: RandomState | None = None, **options: Any) -> Sample:
        return transform(value, rng or RandomState(0), entry={"type": kind, **options})

    return run


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


def mix(
    sample: Sample,
    rng: RandomState,
    *,
    entry: Entry,
    infos: Sequence[DataInfo],
    entries: Sequence[Entry],
) -> Sample:
    """The transform of several images that `entry` asks for; the others go through `entries`."""
    load_reference()
    from mmseg.registry import TRANSFORMS

    with quiet():
        steps = [TRANSFORMS.build(copy.deepcopy(dict(one))) for one in entries]

    def fetch(index: int) -> dict[str, Any]:
        results = infos[index].as_dict()
        for step in steps:
            results = step(results)
        return results

    return mixed(sample, rng, count=len(infos), fetch=fetch, entry=entry)


def preprocess(
    sample: Sample,
    rng: RandomState,
    *,
    entry: Entry,
    training: bool,
    meta_keys: Sequence[str] = META_KEYS,
) -> Batch:
    """``PackSegInputs`` and ``pseudo_collate``, then the preprocessor that `entry` asks for."""
    load_reference()
    from mmseg.registry import MODELS

    built = MODELS.build(copy.deepcopy(dict(entry)))
    return batch_of([sample], built, training=training, meta_keys=meta_keys)


def views_of(sample: Sample, rng: RandomState, *, entry: Entry, preprocessor: Entry) -> list[Batch]:
    """The ``TestTimeAug`` that `entry` asks for, each view through the preprocessor."""
    load_reference()
    from mmseg.registry import MODELS, TRANSFORMS

    with quiet():
        built = TRANSFORMS.build(copy.deepcopy(dict(entry)))
    with global_stream(rng):
        found = built(to_results(sample))
    packed = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    prepare = MODELS.build(copy.deepcopy(dict(preprocessor)))
    return [batch_of_packed([one], prepare, training=False) for one in packed]


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
