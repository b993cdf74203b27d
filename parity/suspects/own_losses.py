"""What people get wrong in the losses of heads of several outputs, of detail and of depths."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from parity.steps.loss import depth, detail, several
from parity.suspects.mistake import Function, made_in, mistake

Losses = dict[str, Tensor]
_IGNORED = "ignored pixels"

shown_mistake = made_in(several.enc_head_loss)
detail_mistake = made_in(detail.stdc_head_loss)
boundary_mistake = made_in(several.pid_head_loss)


@mistake(several.knet_loss)
def last_stage_only(loss: Function, preds: Tensor, label: Tensor, **options: Any) -> Any:
    """Only K-Net's last stage is trained; in the reference all are, the first masks included."""
    last = len(preds) - 1
    return {f"{name[:-1]}{last}": one for name, one in loss(preds[-1:], label, **options).items()}


@mistake(several.knet_loss)
def generating_head_not_trained(loss: Function, *given: Any, **options: Any) -> Losses:
    """K-Net's first masks have no loss; in the reference the generating head is stage 0."""
    found = loss(*given, **options)
    return {name: one for name, one in found.items() if not name.endswith(".s0")}


@mistake(several.knet_loss)
def stages_averaged(loss: Function, preds: Tensor, label: Tensor, **options: Any) -> Losses:
    """The losses of K-Net's stages are averaged; in the reference each counts in full."""
    found = loss(preds, label, **options)
    return {name: one / len(preds) if "loss" in name else one for name, one in found.items()}


@mistake(several.da_head_loss)
def summed_attention_only(loss: Function, preds: Tensor, label: Tensor, **options: Any) -> Losses:
    """Only the sum of DANet's attentions is trained; in the reference each alone is, too."""
    found = loss(preds, label, **options)
    return {name: one for name, one in found.items() if name.startswith("pam_cam")}


@mistake(several.da_head_loss)
def attentions_exchanged(loss: Function, preds: Tensor, label: Tensor, **options: Any) -> Any:
    """DANet's outputs are taken for position, channels, sum; the reference begins with the sum."""
    return loss(preds[[2, 0, 1]], label, **options)


@mistake(several.da_head_loss)
def attentions_as_auxiliary(loss: Function, preds: Tensor, label: Tensor, **options: Any) -> Losses:
    """Each attention alone weighs 0.4 as an auxiliary head would; in the reference it weighs 1."""
    found = loss(preds, label, **options)
    least = {name for name in found if "loss" in name and not name.startswith("pam_cam")}
    return {name: one * 0.4 if name in least else one for name, one in found.items()}


@mistake(several.enc_head_loss)
def se_loss_forgotten(loss: Function, *given: Any, **options: Any) -> Losses:
    """EncNet's semantic loss is left out; the reference trains on the classes in an image."""
    found = loss(*given, **options)
    return {name: one for name, one in found.items() if name != "loss_se"}


@mistake(several.enc_head_loss)
def se_loss_in_full(loss: Function, *given: Any, **options: Any) -> Losses:
    """EncNet's semantic loss weighs 1; in the reference's configs it weighs 0.2."""
    found = loss(*given, **options)
    return {**found, "loss_se": found["loss_se"] / 0.2}


@shown_mistake(several.shown_classes, needs=_IGNORED)
def ignored_pixels_shown(shown: Function, label: Tensor, classes: int) -> Any:
    """Ignored pixels count as the last class of an image; in the reference as none."""
    return shown(label.clamp(max=classes - 1), classes)


@shown_mistake(several.shown_classes)
def classes_by_their_share(shown: Function, label: Tensor, classes: int) -> Any:
    """Classes count by their share of the pixels; in the reference by whether they are there."""
    rows = [image.float().histc(bins=classes, min=0, max=classes - 1) for image in label]
    return torch.stack(rows) / label[0].numel()


@shown_mistake(several.shown_classes, needs="several images")
def classes_of_the_batch(shown: Function, label: Tensor, classes: int) -> Any:
    """Every image is to show the classes of the whole batch; in the reference its own."""
    return shown(label, classes).amax(0, keepdim=True).expand(len(label), -1)


@detail_mistake(detail.detail_targets)
def detail_at_full_size_only(_: Function, label: Tensor, threshold: float = 0.1) -> Any:
    """Detail is that of the full label map; the reference adds that of strides 2 and 4."""
    heights = label.float().unsqueeze(1)
    return detail.detail_at(heights, 1, threshold).squeeze(1).long()


@detail_mistake(detail.detail_targets, needs=_IGNORED)
def ignored_are_no_detail(targets: Function, label: Tensor, threshold: float = 0.1) -> Any:
    """Ignored pixels are taken out of the detail; in the reference 255 is a height like others."""
    return targets(label, threshold).masked_fill(label == 255, 0)


@detail_mistake(detail.detail_at)
def detail_on_both_sides(_: Function, heights: Tensor, stride: int, threshold: float) -> Any:
    """Pixels below their neighbours are detail, too; in the reference only those above them."""
    steep = F.conv2d(heights, _kernel(), stride=stride, padding=1).abs()
    return (F.interpolate(steep, heights.shape[2:], mode="nearest") > threshold).float()


@detail_mistake(detail.detail_at)
def detail_of_four_neighbours(_: Function, heights: Tensor, stride: int, threshold: float) -> Any:
    """Detail is seen against 4 neighbours; in the reference against all 8."""
    cross = torch.tensor([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])
    steep = F.conv2d(heights, cross[None, None], stride=stride, padding=1)
    return (F.interpolate(steep, heights.shape[2:], mode="nearest") > threshold).float()


@detail_mistake(detail.detail_at, needs="an odd label map")
def detail_enlarged_bilinearly(_: Function, heights: Tensor, stride: int, threshold: float) -> Any:
    """Detail of strides 2 and 4 is enlarged bilinearly; in the reference by nearest neighbour."""
    steep = F.conv2d(heights, _kernel(), stride=stride, padding=1).clamp(min=0)
    size = heights.shape[2:]
    return (F.interpolate(steep, size, mode="bilinear", align_corners=False) > threshold).float()


def _kernel() -> Tensor:
    return torch.tensor([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]])[None, None]


@mistake(several.ddr_head_loss)
def branches_exchanged(loss: Function, context: Any, spatial: Any, *given: Any, **o: Any) -> Any:
    """DDRNet's two outputs are exchanged; the reference's first is that of the context."""
    return loss(spatial, context, *given, **o)


@mistake(several.ddr_head_loss)
def spatial_branch_not_trained(loss: Function, *given: Any, **options: Any) -> Losses:
    """DDRNet's spatial branch has no loss; in the reference it has one of its own."""
    found = loss(*given, **options)
    return {name: one for name, one in found.items() if name != "loss_spatial"}


@mistake(several.ddr_head_loss)
def spatial_loss_in_full(loss: Function, *given: Any, **options: Any) -> Losses:
    """DDRNet's spatial loss weighs 1; in the reference's configs it weighs 0.4."""
    found = loss(*given, **options)
    return {**found, "loss_spatial": found["loss_spatial"] / 0.4}


@mistake(several.pid_head_loss)
def detail_and_context_exchanged(loss: Function, *outputs: Tensor, **given: Any) -> Any:
    """PIDNet's outputs P and I are exchanged; the reference's first is P."""
    given |= dict(zip(("detail", "pred", "boundary", "label", "edge"), outputs, strict=False))
    return loss(**given | {"detail": given["pred"], "pred": given["detail"]})


@boundary_mistake(several.at_boundaries)
def boundary_threshold_half(_: Function, label: Tensor, boundary: Tensor, ignore_index: int) -> Any:
    """Boundaries begin at a probability of 0.5; in the reference at 0.8."""
    return label.masked_fill(boundary[:, 0].sigmoid() <= 0.5, ignore_index)


@boundary_mistake(several.at_boundaries)
def boundary_of_logits(_: Function, label: Tensor, boundary: Tensor, ignore_index: int) -> Any:
    """Logits above 0.8 are boundaries; the reference takes their sigmoid first."""
    return label.masked_fill(boundary[:, 0] <= 0.8, ignore_index)


@boundary_mistake(several.at_boundaries)
def boundary_loss_everywhere(at_boundaries: Function, label: Tensor, *_: Any) -> Any:
    """PIDNet's loss at boundaries is taken everywhere; in the reference where D is sure of one."""
    return label


@boundary_mistake(several.at_boundaries)
def inside_of_boundaries(_: Function, label: Tensor, boundary: Tensor, ignore_index: int) -> Any:
    """PIDNet's loss at boundaries is taken away from them; in the reference at them."""
    return label.masked_fill(boundary[:, 0].sigmoid() > 0.8, ignore_index)


@mistake(depth.depth_head_loss, needs="depths of another size than the true ones")
def depth_truth_shrunk(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """True depths are shrunk to the predicted ones; the reference enlarges the prediction."""
    return loss(pred, F.interpolate(label, pred.shape[2:], mode="nearest"), **options)


@mistake(depth.depth_head_loss, needs="depths of another size than the true ones")
def depth_enlarged_by_nearest(loss: Function, pred: Tensor, label: Tensor, **options: Any) -> Any:
    """Depths are enlarged by nearest neighbour; in the reference bilinearly."""
    return loss(F.interpolate(pred, label.shape[2:], mode="nearest"), label, **options)


@mistake(depth.depth_head_loss, needs="depths of another size than the true ones")
def depth_corners_flipped(loss: Function, *given: Any, **options: Any) -> Any:
    """align_corners is the other way round than the config says when depths are enlarged."""
    return loss(*given, **{**options, "align_corners": not options.get("align_corners", False)})
