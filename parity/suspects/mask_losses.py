"""What people get wrong in the losses of queries."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.mask import assign, loss, targets
from parity.suspects.mistake import Function, made_in

_LAYERS = "several layers"
_IMAGES = "several images"
Losses = dict[str, Tensor]

mistake = made_in(loss.mask2former_loss, loss.maskformer_loss)
mask2former_mistake = made_in(loss.mask2former_loss)
maskformer_mistake = made_in(loss.maskformer_loss)


def _of_pixels(pred: Tensor, target: Tensor, count: Tensor) -> Tensor:
    """Cross entropy of masks ``(M, H, W)``."""
    return loss.mask_cross_entropy_loss(pred.flatten(1), target.flatten(1).float(), count)


@mistake(loss.query_class_loss, needs="queries without a segment", no_object_weight=1.0)
def no_object_weight_forgotten() -> None:
    """ "No object" weighs 1 like any class; in the reference it weighs 0.1."""


@mistake(loss.query_class_loss, needs="queries without a segment", no_object_weight=0.0)
def no_object_not_trained() -> None:
    """Queries without a segment have no class loss; in the reference they learn "no object"."""


@mistake(loss.query_class_loss, needs="queries without a segment")
def class_loss_by_queries(class_loss: Function, scores: Any, classes: Any, **options: Any) -> Any:
    """The class loss is divided by the number of queries; the reference's by their weights' sum."""
    absent = classes == scores.shape[-1] - 1
    weight = torch.where(absent, options.get("no_object_weight", 0.1), 1.0).sum()
    return class_loss(scores, classes, **options) * weight / classes.numel()


@mistake(loss.number_of_masks, needs="more than one mask")
def mask_loss_by_queries(count: Function, scores: Tensor, matches: Sequence[assign.Match]) -> Any:
    """Mask losses are divided by the number of queries; the reference's by that of matches."""
    return scores.new_tensor([scores.shape[0] * scores.shape[1]])


@mistake(loss.number_of_masks, needs="images of several segments")
def mask_loss_by_images(count: Function, scores: Tensor, matches: Sequence[assign.Match]) -> Any:
    """Mask losses are divided by the number of images; the reference's by that of matches."""
    return scores.new_tensor([len(matches)])


@mistake(loss.number_of_masks, needs="an image without a segment beside others")
def empty_image_not_counted(_: Function, scores: Tensor, matches: Sequence[assign.Match]) -> Any:
    """An image without a segment counts for nothing; the reference counts it as one mask."""
    return scores.new_tensor([max(sum(len(match.queries) for match in matches), 1)])


@mistake(loss.mask_dice_loss, eps=1e-12)
def dice_loss_without_smoothing() -> None:
    """The Dice loss is not smoothed; the reference adds 1 above and below."""


@mistake(loss.mask_dice_loss, eps=1e-3)
def dice_loss_class_default() -> None:
    """eps is DiceLoss's default, 0.001; in the reference's configs it is 1."""


@mistake(loss.mask_dice_loss)
def dice_loss_of_squares(dice: Function, pred: Tensor, target: Tensor, count: Tensor) -> Any:
    """The denominator of the Dice loss holds squares; the reference's holds plain sums."""
    soft, target = pred.sigmoid().flatten(1), target.flatten(1).float()
    both = torch.sum(soft * target, 1)
    either = torch.sum(soft * soft, 1) + torch.sum(target * target, 1)
    return loss.mean_of(1 - (2 * both + 1.0) / (either + 1.0), count)


@mistake(loss.mask_dice_loss, needs="several masks")
def dice_loss_over_masks(dice: Function, pred: Tensor, target: Tensor, count: Tensor) -> Any:
    """Overlap is summed over masks; the reference scores each mask."""
    return dice(pred.flatten()[None], target.flatten()[None], count) * len(pred)


@mistake(loss.layered, needs=_LAYERS)
def layers_averaged(layered: Function, *given: Any, **options: Any) -> Losses:
    """The losses of the layers are averaged; in the reference each counts in full."""
    found: Losses = layered(*given, **options)
    return {name: one / len(given[0]) for name, one in found.items()}


@mistake(loss.layered, needs=_LAYERS)
def last_layer_only(layered: Function, *given: Any, **options: Any) -> Any:
    """Only the last layer is trained; in the reference each layer has its losses."""
    scores, masks, images = given
    return layered(scores[-1:], masks[-1:], images, **options)


@mistake(loss.layered, needs=_LAYERS)
def layers_named_from_the_last(layered: Function, *given: Any, **options: Any) -> Any:
    """The first layer is taken for the last; its losses are those without a prefix."""
    scores, masks, images = given
    return layered(scores.flip(0), masks.flip(0), images, **options)


@mistake(loss.layered, needs=_LAYERS)
def matched_once_for_all_layers(layered: Function, *given: Any, **options: Any) -> Any:
    """The first layer's matching serves all layers; in the reference each is matched anew."""
    known: dict[int, assign.Match] = {}
    match = options["match"]

    def kept(scores: Tensor, masks: Tensor, image: targets.Segments) -> assign.Match:
        if id(image) not in known:
            known[id(image)] = match(scores, masks, image)
        return known[id(image)]

    return layered(*given, **{**options, "match": kept})


@mistake(loss.layer_loss, needs=_IMAGES)
def losses_averaged_over_images(layer_loss: Function, *given: Any, **options: Any) -> Losses:
    """Losses are taken image by image and averaged; the reference takes all masks together."""
    scores, masks, images = given
    each = [
        layer_loss(scores[[at]], masks[[at]], [image], **options) for at, image in enumerate(images)
    ]
    return {name: sum(one[name] for one in each) / len(each) for name in each[0]}


@mistake(loss.layer_loss)
def matched_costs_trained(layer_loss: Function, *given: Any, **options: Any) -> Any:
    """Gradients flow through the matching: what matched pairs cost by class is trained as well."""
    scores, _, images = given
    matches: list[assign.Match] = []

    def noted(*of: Any) -> assign.Match:
        matches.append(options["match"](*of))
        return matches[-1]

    losses = layer_loss(*given, **{**options, "match": noted})
    costs = [
        -of.softmax(-1)[match.queries, image.labels[match.segments]].sum()
        for of, image, match in zip(scores, images, matches, strict=True)
    ]
    return {**losses, "loss_cls": losses["loss_cls"] + sum(costs)}


@mistake(loss.layer_loss)
def loss_weights_exchanged(layer_loss: Function, *given: Any, **options: Any) -> Any:
    """The loss weights of class and mask are exchanged; Mask2Former's are 2, 5 and 5."""
    classes, mask, dice = options["weights"]
    return layer_loss(*given, **{**options, "weights": assign.MaskWeights(mask, classes, dice)})


@mistake(loss.layer_loss, weights=assign.MaskWeights(1.0, 1.0, 1.0))
def loss_weights_1() -> None:
    """All losses weigh 1; Mask2Former's weigh 2, 5 and 5."""


@mask2former_mistake(loss.mask_cross_entropy_loss, needs="several points")
def mask_loss_summed(cross_entropy: Function, pred: Tensor, target: Tensor, count: Tensor) -> Any:
    """The mask loss is a sum over points; the reference's is their mean."""
    return cross_entropy(pred, target, count) * pred.shape[1]


@mask2former_mistake(loss.layered, compared=loss.at_pixels, mask_loss=_of_pixels)
def trained_at_pixels() -> None:
    """Masks are trained at every pixel; Mask2Former trains them at points it draws."""


@mask2former_mistake(loss.layered, needs=_LAYERS)
def all_layers_matched_first(layered: Function, *given: Any, **options: Any) -> Any:
    """All layers are matched before the first loss; in the reference each right before its own."""
    scores, masks, images = given
    layers = zip(scores, masks, strict=True)
    each = [of for layer in layers for of in zip(*layer, images, strict=True)]
    matches = iter([options["match"](*of) for of in each])
    return layered(*given, **{**options, "match": lambda *_: next(matches)})


@maskformer_mistake(loss.mask_focal_loss, alpha=0.75)
def focal_loss_alpha_swapped() -> None:
    """alpha weighs pixels outside of a segment; in the reference those inside."""


@maskformer_mistake(loss.mask_focal_loss)
def focal_loss_is_cross_entropy(_: Function, *given: Tensor) -> Any:
    """The mask loss is cross entropy; MaskFormer's in the reference is focal."""
    return _of_pixels(*given)


@maskformer_mistake(loss.mask_focal_loss, needs="several pixels")
def focal_loss_summed(focal: Function, pred: Tensor, target: Tensor, count: Tensor) -> Any:
    """The mask loss is a sum over pixels; the reference's is their mean."""
    return focal(pred, target, count) * pred.shape[-2] * pred.shape[-1]


@maskformer_mistake(loss.at_pixels, needs="masks of another size than the label map")
def segments_reduced(at_pixels: Function, pred: Tensor, target: Tensor) -> Any:
    """Segments are reduced to the masks' size; the reference enlarges the masks for its loss."""
    small = F.interpolate(target.unsqueeze(1).float(), pred.shape[-2:], mode="nearest")
    return pred, small.squeeze(1).long()
