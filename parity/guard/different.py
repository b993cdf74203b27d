"""What a derived config does otherwise than its original, whatever is accumulated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.recipe.queries import KINDS
from parity.settings import Terms
from parity.settings.items import Item, walk

_BATCHED = frozenset({"SyncBN", "BN", "BN2d"})
# SAN's: mmseg 1.2.2 decode_heads/san_head.py; the others': mmdet 3.3.0 maskformer_head.py.
_BY_MASKS = KINDS | {"SideAdapterCLIPHead"}


def stays_different(terms: Terms, gpus: int, meant: int, batch: int, factor: int) -> Iterator[str]:
    """In words, beside the config of `terms` that takes `meant` samples a step on its GPUs.

    batch: images at a time in each of `gpus` processes; factor: how often for a step.
    """
    model = walk(terms.item("model"))
    kinds = {item.kind for _, item in model}
    still = {"backbone"} if terms.get("model", "backbone", "norm_eval") else set()
    norms = {item.kind for path, item in model if not still.intersection(path)} & _BATCHED
    if norms:
        yield from _of_norms("SyncBN" in norms, gpus, meant, batch, factor)
    if kinds.intersection(_BY_MASKS) and factor > 1:
        yield (
            f"losses of masks are divided by the masks of {batch * gpus} images at a time; over "
            "the original's GPUs by the mean of all of theirs: images of few masks weigh more"
        )
    own = terms.get("train_dataloader", "batch_size")
    counted = [f"{path[0]}.{item.kind}" for path, item in model if _is_counted(path, item)]
    if batch != own and counted:
        yield (
            f"{', '.join(dict.fromkeys(counted))}: over {batch} images at a time, {own} in the "
            "original, which is not the mean over them"
        )
    if factor > 1:
        yield (
            f"max_iters, the schedule, the intervals of validation and checkpoints, and the names "
            f"of checkpoints count micro-batches, {factor} to an optimizer step"
        )
        hooks = [part.kind for part in terms.item("custom_hooks").parts]
        if hooks:
            yield f"{', '.join(hooks)}: called after each micro-batch, not each step"
    yield f"order of images and random draws: {gpus} process{'es' if gpus > 1 else ''}"


def _of_norms(synced: bool, gpus: int, meant: int, batch: int, factor: int) -> Iterator[str]:
    over = batch * gpus if synced else batch
    if synced and over < meant:
        told = "SyncBN becomes BN in one process" if gpus == 1 else "SyncBN"
        yield f"{told}: statistics over {over} images, {meant} in the original"
    if factor > 1:
        yield f"running statistics of batch norms are updated {factor} times in an optimizer step"


def _is_counted(path: Sequence[str], item: Item) -> bool:
    """Whether a loss is no mean over all pixels: over those that count, or of sets of pixels."""
    if item.kind == "OHEMPixelSampler":
        return True
    plain = item.kind == "CrossEntropyLoss" and not item.get("avg_non_ignore").value
    written = item.place is not None  # by default heads of mmdet have losses that they do not use
    return (
        written and any(key.startswith("loss_") for key in path) and bool(item.kind) and not plain
    )
