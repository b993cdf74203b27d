"""The share of pixels whose class is among the k best.

Reproduces ``accuracy`` (mmseg 1.2.2 mmseg/models/losses/accuracy.py).
"""

from torch import Tensor

from parity.errors import InputError
from parity.steps.loss.reduction import EPS
from parity.steps.loss.refusal import explained


@explained
def accuracy(
    pred: Tensor,
    label: Tensor,
    *,
    topk: int | tuple[int, ...] = 1,
    thresh: float | None = None,
    ignore_index: int | None = None,
) -> Tensor | list[Tensor]:
    """``accuracy`` in percent: float32 ``(1,)``, or a list of them for a tuple `topk`.

    pred: scores ``(N, C, ...)``. label: ``(N, ...)``. thresh: scores up to it are
    wrong; ``(N, C)`` only. No pixel that counts gives 100, since the reference
    adds the same tiny number to both counts; an empty batch gives 0, without
    dimensions. Raises InputError.
    """
    wanted = (topk,) if isinstance(topk, int) else topk
    if not isinstance(wanted, tuple) or not wanted:
        raise InputError(f"topk must be an int or a tuple of ints, got {topk!r}")
    if pred.size(0) == 0:
        found = [pred.new_tensor(0.0) for _ in wanted]
        return found[0] if isinstance(topk, int) else found
    _check_shapes(pred, label, max(wanted))
    scores, classes = pred.topk(max(wanted), dim=1)
    classes = classes.transpose(0, 1)  # (k, N, ...)
    correct = classes.eq(label.unsqueeze(0).expand_as(classes))
    if thresh is not None:
        correct = correct & (scores > thresh).t()
    counted = label.numel()
    if ignore_index is not None:
        valid = label != ignore_index
        correct, counted = correct[:, valid], int(valid.sum())
    scale = 100.0 / (counted + EPS)
    hits = [correct[:k].reshape(-1).float().sum(0, keepdim=True) for k in wanted]
    found = [(hit + EPS) * scale for hit in hits]
    return found[0] if isinstance(topk, int) else found


def _check_shapes(pred: Tensor, label: Tensor, most: int) -> None:
    if pred.ndim != label.ndim + 1 or pred.size(0) != label.size(0):
        raise InputError(
            f"pred {tuple(pred.shape)} and label {tuple(label.shape)} do not fit; "
            f"give (N, C, ...) and (N, ...)"
        )
    if most > pred.size(1):
        raise InputError(f"topk asks for {most} of {pred.size(1)} classes")
