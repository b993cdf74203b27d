"""What people get wrong in PointRend's points, SAN's proposals, and what comes of queries."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.mask import assign, cost, infer, loss, point_head, points, side_adapter
from parity.suspects.mistake import Function, made_in, mistake

_CROWDED = "more segments than queries"

point_mistake = made_in(point_head.point_head_loss)
refine_mistake = made_in(point_head.point_head_inference)
proposal_mistake = made_in(side_adapter.san_loss)
query_mistake = made_in(infer.mask2former_inference, infer.maskformer_inference)


@point_mistake(points.doubt_of_classes)
def doubt_of_best_class(_: Function, logits: Tensor, at: Tensor) -> Any:
    """Points are in doubt where the best class is low; in the reference where two are near."""
    return -points.values_at(logits, at).amax(1)


@point_mistake(points.doubt_of_classes)
def doubt_turned_round(doubt: Function, logits: Tensor, at: Tensor) -> Any:
    """The surest points are kept; the reference keeps those of which it is least sure."""
    return -doubt(logits, at)


@point_mistake(points.doubt_of_classes)
def doubt_of_the_map(_: Function, logits: Tensor, at: Tensor) -> Any:
    """Doubt is computed for the map and then sampled; the reference samples the logits first."""
    best = logits.topk(2, dim=1).values
    return points.sample_points(best[:, 1] - best[:, 0], at)


@point_mistake(point_head.labels_at)
def point_labels_bilinear(_: Function, label: Tensor, at: Tensor, aligned: bool) -> Any:
    """Labels at points are sampled bilinearly; in the reference by nearest neighbour."""
    return points.values_at(label.unsqueeze(1).float(), at, align_corners=aligned).squeeze(1).long()


@point_mistake(point_head.labels_at)
def point_labels_y_first(labels_at: Function, label: Tensor, at: Tensor, aligned: bool) -> Any:
    """Labels are taken at (y, x) of the points; the reference has (x, y)."""
    return labels_at(label, at.flip(-1), aligned)


@mistake(point_head.point_head_loss, needs="align_corners", align_corners=False)
def points_never_aligned() -> None:
    """Points are sampled without align_corners; in the reference as the head's config says."""


@mistake(point_head.point_head_loss, importance_sample_ratio=0.0)
def points_drawn_anywhere() -> None:
    """All points are drawn anywhere; three quarters of the reference's are where doubt is."""


@mistake(point_head.point_head_loss)
def coarse_head_cut_off(head_loss: Function, pred: Tensor, *given: Any, **options: Any) -> Any:
    """The points' loss does not train the head before; in the reference it does."""
    return head_loss(pred.detach(), *given, **options)


@refine_mistake(point_head.most_doubtful)
def surest_pixels_refined(most_doubtful: Function, logits: Tensor, count: int) -> Any:
    """The surest pixels are refined; in the reference those whose two best classes are near."""
    return most_doubtful(-logits, count)


@refine_mistake(point_head.most_doubtful)
def pixels_by_their_corner(most_doubtful: Function, logits: Tensor, count: int) -> Any:
    """Pixels are refined at their upper left corners; in the reference at their centres."""
    pixels, at = most_doubtful(logits, count)
    height, width = logits.shape[2:]
    return pixels, at - at.new_tensor([0.5 / width, 0.5 / height])


@refine_mistake(point_head.replaced_at)
def refinement_added(replaced_at: Function, maps: Tensor, pixels: Tensor, values: Tensor) -> Any:
    """Refined logits are added to the enlarged ones; in the reference they replace them."""
    before = maps.flatten(2).gather(2, pixels.unsqueeze(1).expand(-1, maps.shape[1], -1))
    return replaced_at(maps, pixels, values + before)


@mistake(point_head.point_head_inference, subdivision_steps=1)
def refined_once() -> None:
    """A prediction is refined once; in the reference as often as subdivision_steps says."""


@refine_mistake(infer.padded_size, needs="padding")
def refined_without_padding(padded_size: Function, metas: Any) -> Any:
    """A refined prediction has the size before padding; in the reference that with it."""
    return tuple(metas[0]["img_shape"][:2])


@proposal_mistake(side_adapter.number_of_segments, needs="several segments")
def proposals_by_images(count: Function, scores: Tensor, images: Any) -> Any:
    """Mask losses are divided by the number of images; in the reference by that of segments."""
    return scores.new_tensor([len(images)])


@proposal_mistake(side_adapter.number_of_segments, needs=_CROWDED)
def proposals_by_matches(count: Function, scores: Tensor, images: Any) -> Any:
    """Mask losses are divided by the number of matches; SAN's by that of segments."""
    matched = sum(min(len(image.labels), scores.shape[1]) for image in images)
    return scores.new_tensor([max(matched, 1)])


@proposal_mistake(side_adapter.mask_loss)
def proposals_summed_over_points(mask_loss: Function, term: Any, pred: Tensor, *rest: Any) -> Any:
    """Cross entropy of masks is a sum over points; in the reference it is their mean."""
    found = mask_loss(term, pred, *rest)
    return found * pred.shape[1] if term.name == "loss_mask_ce" else found


@proposal_mistake(side_adapter.mask_loss)
def proposals_dice_default(mask_loss: Function, term: Any, *given: Tensor) -> Any:
    """The Dice loss of masks is that of squares; SAN's configs ask for plain sums."""
    if term.name != "loss_mask_dice":
        return mask_loss(term, *given)
    pred, target, count = given
    return term.function(pred, target, avg_factor=count, **{**term.options, "naive_dice": False})


@proposal_mistake(side_adapter.proposal_losses, needs="an image without a segment")
def points_drawn_for_nothing(proposals: Function, *given: Any, **options: Any) -> Any:
    """An image without a segment draws points to match at; SAN's in the reference does not."""
    match = options["match"]

    def drawing(scores: Tensor, masks: Tensor, image: Any) -> Any:
        if len(image.labels) == 0:
            points.draw_points(1, 12544)
        return match(scores, masks, image)

    return proposals(*given, **{**options, "match": drawing})


@proposal_mistake(side_adapter.proposal_losses)
def proposals_matched_by_class(proposals: Function, *given: Any, **options: Any) -> Any:
    """Proposals are matched by their classes alone; in the reference by class, mask and overlap."""

    def match(scores: Tensor, masks: Tensor, image: Any) -> Any:
        found = options["match"](scores, masks, image)  # with its draws
        if len(image.labels) == 0:
            return found
        return assign.assign_queries(cost.class_cost(scores, image.labels))

    return proposals(*given, **{**options, "match": match})


@proposal_mistake(loss.by_layer, needs="several layers")
def supervised_layers_dropped(by_layer: Function, found: Any, layers: Any = None) -> Any:
    """Only the last layer of proposals is trained; in the reference each supervised one is."""
    return dict(found[-1])


@query_mistake(infer.class_probabilities)
def no_object_is_a_class(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is summed as one more class; the reference leaves it out."""
    return scores.softmax(dim=-1)


@query_mistake(infer.class_probabilities)
def softmax_without_no_object(class_probabilities: Function, scores: Tensor) -> Any:
    """The softmax is over the classes alone; in the reference "no object" has its share."""
    return scores[..., :-1].softmax(dim=-1)


@query_mistake(infer.class_probabilities)
def classes_without_softmax(class_probabilities: Function, scores: Tensor) -> Any:
    """Class logits weigh the masks; the reference takes their softmax first."""
    return scores[..., :-1]


@query_mistake(infer.class_probabilities)
def no_object_first(class_probabilities: Function, scores: Tensor) -> Any:
    """ "No object" is taken to be the first channel; in the reference it is the last."""
    return scores.softmax(dim=-1)[..., 1:]


@query_mistake(infer.query_logits)
def masks_without_sigmoid(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """Mask logits are summed as they are; the reference takes their sigmoid first."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@query_mistake(infer.query_logits, needs="a size other than the masks'")
def sigmoid_before_resize(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """The sigmoid is taken before masks are resized; the reference takes it afterwards."""
    soft = masks.sigmoid()
    resized = F.interpolate(soft, size=size, mode="bilinear", align_corners=False)
    return torch.einsum("bqc,bqhw->bchw", infer.class_probabilities(scores), resized)


@query_mistake(infer.query_logits, needs="a size other than the masks'")
def masks_corners_aligned(query_logits: Function, scores: Tensor, masks: Tensor, size: Any) -> Any:
    """Masks are resized with align_corners=True; the reference's heads do so with False."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=True)
    return query_logits(scores, resized, size)


@query_mistake(infer.query_logits, needs="several queries")
def best_query_only(_: Function, scores: Tensor, masks: Tensor, size: tuple[int, int]) -> Any:
    """Each pixel has the probability of its best query; the reference sums over queries."""
    resized = F.interpolate(masks, size=size, mode="bilinear", align_corners=False).sigmoid()
    classes = infer.class_probabilities(scores)
    return torch.einsum("bqc,bqhw->bqchw", classes, resized).amax(1)


@query_mistake(needs="several layers")
def first_layer_predicts(inference: Function, cls_scores: Any, mask_preds: Any, metas: Any) -> Any:
    """The first decoder layer's queries predict; in the reference the last one's."""
    return inference(cls_scores[:1], mask_preds[:1], metas)


@mistake(infer.mask2former_inference, needs="padding")
def predicted_without_padding(inference: Function, *given: Any, **named: Any) -> Any:
    """Masks are resized to the size before padding; Mask2Former's to that with it."""
    return infer.maskformer_inference(*given, **named)


@mistake(infer.maskformer_inference, needs="padding")
def predicted_with_padding(inference: Function, *given: Any, **named: Any) -> Any:
    """Masks are resized to the size with padding; MaskFormer's to that before it."""
    return infer.mask2former_inference(*given, **named)
