"""What people get wrong in losses other than cross entropy and those of overlap."""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss import (
    binary,
    depth,
    distance,
    divergence,
    edge,
    entropy,
    focal,
    ohem,
    reduction,
)
from parity.suspects.mistake import Function, made_in, mistake

_IGNORED = "ignored pixels"

limit_mistake = made_in(ohem.ohem_cross_entropy, ohem.ohem_weights)


@mistake(binary.binary_cross_entropy, needs=_IGNORED, avg_non_ignore=True)
def binary_over_valid() -> None:
    """The mean divides by valid elements; the reference by all, unless avg_non_ignore is set."""


@mistake(binary.binary_cross_entropy, needs=_IGNORED)
def binary_ignored_as_background(loss: Function, pred: Any, label: Any, **options: Any) -> Any:
    """Ignored pixels are trained as background; the reference gives them no loss."""
    channels = pred.shape[1]
    planes = [label == index for index in range(channels)]
    known = label.masked_fill(label == options["ignore_index"], 0)
    plain = known if channels == 1 else torch.stack(planes, 1).long()
    return loss(pred, plain, **{**options, "ignore_index": None})


@made_in(binary.binary_cross_entropy)(reduction.mean_by, needs="several channels")
def binary_summed_over_classes(mean_by: Function, loss: Tensor, factor: Any) -> Any:
    """Losses are summed over classes and averaged over pixels; the reference averages over both."""
    return mean_by(loss, factor) * (loss.shape[1] if loss.dim() > 3 else 1)


@mistake(binary.binary_cross_entropy)
def binary_of_softmax(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Softmax is taken before the binary loss; the reference's loss takes logits."""
    return loss(pred.softmax(1), label, **options)


@mistake(entropy.mask_cross_entropy, needs="masks of other classes than 0")
def mask_of_class_0(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Every mask is held against channel 0; the reference takes the channel of its class."""
    return loss(pred, label, **{**options, "mask_class": torch.zeros_like(options["mask_class"])})


@mistake(focal.focal_loss, needs="an alpha other than 0.5")
def focal_alpha_swapped(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """alpha weighs the negatives; in the reference it weighs the positives."""
    alpha = options.get("alpha", 0.5)
    turned = [1 - one for one in alpha] if isinstance(alpha, list) else 1 - alpha
    return loss(pred, label, **{**options, "alpha": turned})


@mistake(focal.focal_loss)
def focal_without_alpha(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """There is no alpha; the reference weighs positives by alpha and negatives by 1 - alpha."""
    weight = 2 * options.get("loss_weight", 1.0)
    return loss(pred, label, **{**options, "alpha": 0.5, "loss_weight": weight})


@mistake(focal.focal_loss, gamma=1.0)
def focal_gamma_1() -> None:
    """gamma is 1; the reference's default is 2."""


@mistake(focal.focal_loss, needs="pixels of the ignored class", ignore_index=-1)
def focal_ignored_counted() -> None:
    """Ignored pixels are trained; the reference gives them no loss."""


@mistake(focal.focal_loss)
def focal_of_softmax(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Probabilities are softmax's, of the true class alone; the reference's sigmoid's, of each."""
    alpha, gamma = options.get("alpha", 0.5), options.get("gamma", 2.0)
    if isinstance(alpha, list) or options.get("reduction", "mean") != "mean":
        return loss(pred, label, **options)
    classes, ignored = label.argmax(1), options.get("ignore_index", 255)
    each = F.cross_entropy(pred, classes, reduction="none", ignore_index=ignored)
    return options.get("loss_weight", 1.0) * (alpha * (1 - (-each).exp()) ** gamma * each).mean()


@mistake(edge.boundary_loss, needs="edges and other pixels, not equally many")
def boundary_weights_swapped(_: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Edges weigh as their own share; the reference weighs them by that of the other pixels."""
    edges, plains = (label == 1).float(), (label == 0).float()
    share = edges.sum() / (edges + plains).sum()
    return _at_edges(pred, label, edges * share + plains * (1 - share), **options)


@mistake(edge.boundary_loss, needs="edges and other pixels")
def boundary_unweighted(_: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Edges and other pixels weigh alike; the reference gives the rarer ones more weight."""
    return _at_edges(pred, label, (label < 2).float(), **options)


@limit_mistake(ohem.probability_limit, needs="a pixel at the limit of the kept ones")
def ohem_limit_included(limit: Function, ranked: Tensor, kept: int, thresh: float) -> Any:
    """The pixel at the limit is kept, too; the reference keeps those below it."""
    found = torch.as_tensor(limit(ranked, kept, thresh), dtype=ranked.dtype)
    return torch.nextafter(found, torch.full_like(found, torch.inf))


@limit_mistake(ohem.probability_limit, needs="fewer than min_kept pixels below the threshold")
def ohem_min_kept_ignored(limit: Function, ranked: Tensor, kept: int, thresh: float) -> Any:
    """Only pixels below the threshold are kept; the reference keeps at least min_kept."""
    return thresh


@limit_mistake(ohem.probability_limit, needs="more than min_kept pixels below the threshold")
def ohem_threshold_ignored(limit: Function, ranked: Tensor, kept: int, thresh: float) -> Any:
    """Always min_kept pixels are kept; the reference keeps all that are below the threshold."""
    return ranked[min(kept, ranked.numel() - 1)]


@made_in(ohem.ohem_cross_entropy)(
    ohem.probability_limit, needs="fewer than min_kept pixels below the threshold"
)
def ohem_one_fewer(limit: Function, ranked: Tensor, kept: int, thresh: float) -> Any:
    """One pixel fewer than min_kept is kept."""
    return limit(ranked, kept - 1, thresh)


@mistake(ohem.ohem_cross_entropy, needs="easy pixels")
def ohem_mean_over_valid(_: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """The hard pixels' losses are divided by all valid pixels; the reference's by the hard ones."""
    losses, valid = _each_pixel(pred, label, options)
    if not bool(valid.any()):
        return pred.new_tensor(0.0)
    own = ohem.own_probability(pred, label, options.get("ignore_index", 255))
    kept, thresh = max(1, options.get("min_kept", 100_000)), options.get("thresh", 0.7)
    hard = own < ohem.probability_limit(own[valid].sort()[0], kept, thresh)
    return options.get("loss_weight", 1.0) * losses[valid & hard].sum() / valid.sum()


@mistake(ohem.ohem_cross_entropy, needs="more pixels than min_kept")
def ohem_mean_of_largest(_: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """The mean is over the min_kept largest losses; the reference goes by probabilities."""
    losses, valid = _each_pixel(pred, label, options)
    if not bool(valid.any()):
        return pred.new_tensor(0.0)
    kept = min(max(1, options.get("min_kept", 100_000)), int(valid.sum()))
    return options.get("loss_weight", 1.0) * losses[valid].topk(kept).values.mean()


@mistake(ohem.ohem_cross_entropy, needs="ignored pixels among the min_kept hardest")
def ohem_ignored_among_kept(_: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """The largest losses of all pixels are kept; the reference's are those of valid pixels."""
    losses = _each_pixel(pred, label, options)[0].flatten()
    hard = losses[losses > -math.log(options.get("thresh", 0.7))]
    kept = min(max(1, options.get("min_kept", 100_000)), losses.numel())
    chosen = hard if hard.numel() >= kept else losses.topk(kept).values
    return options.get("loss_weight", 1.0) * chosen.mean()


@made_in(ohem.ohem_weights)(ohem.summed_losses, needs="more pixels than min_kept")
def ohem_easiest_kept(unreduced: Function, *arguments: Any) -> Any:
    """The smallest losses are kept; the reference keeps the largest."""
    return -unreduced(*arguments)


@mistake(ohem.ohem_weights, needs="several images")
def ohem_kept_per_batch(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """min_kept counts pixels of the batch; the reference multiplies it by the number of images."""
    kept = max(options["min_kept"] // len(label), 2)
    return loss(pred, label, **{**options, "min_kept": kept})


@mistake(divergence.kl_div_loss)
def kl_of_logarithms(_: Function, pred: Tensor, label: Tensor, *, temperature: float = 1.0) -> Any:
    """The first argument is a logarithm, as torch's kl_div expects; the reference's is none."""
    soft, target = (pred / temperature).log_softmax(1), (label / temperature).softmax(1)
    loss = F.kl_div(soft, target, reduction="none") * temperature**2
    return loss.flatten(1).mean(1)


@mistake(divergence.kl_div_loss, needs="a temperature other than 1")
def kl_without_squared_temperature(loss: Function, *given: Any, **options: Any) -> Any:
    """The result is not multiplied by the squared temperature; the reference's is."""
    return loss(*given, **options) / options.get("temperature", 1.0) ** 2


@mistake(depth.si_log_loss, needs="depth maps with holes")
def si_log_of_holes(_: Function, pred: Tensor, label: Tensor, *, loss_weight: float = 1.0) -> Any:
    """Pixels without a depth count; the reference leaves them out."""
    ratio = (label.clamp(min=1e-6).log() - pred.clamp(min=1e-6).log()).flatten(1)
    loss = torch.sqrt(ratio.square().mean(1) - 0.5 * ratio.mean(1).square())
    return loss_weight * loss.mean()


@mistake(depth.si_log_loss)
def si_log_without_root(loss: Function, *of: Any, loss_weight: float = 1.0, **named: Any) -> Any:
    """The root is left out; the reference takes the root of each image's variance."""
    return loss_weight * loss(*of, **named, reduction="none").square().mean()


@made_in(distance.hausdorff_loss)(distance.distances_to_background)
def hausdorff_of_background(distances: Function, label: Tensor, dtype: torch.dtype) -> Any:
    """Errors weigh by the distance to the foreground; the reference's by that to the background."""
    return distances(label == 0, dtype)


def _at_edges(pred: Tensor, label: Tensor, weight: Tensor, *, loss_weight: float = 1.0) -> Tensor:
    loss = F.binary_cross_entropy_with_logits(pred.squeeze(1), label.float(), weight)
    return loss_weight * loss


def _each_pixel(pred: Tensor, label: Tensor, options: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """The cross entropy of each pixel, and which ones are not ignored."""
    weights = reduction.class_weight_for(pred, options.get("class_weight"))
    ignored = options.get("ignore_index", 255)
    return entropy.pixel_losses(pred, label, weights, ignored), label != ignored
