"""Which package of OpenMMLab a run was trained with: mmseg, mmdet, mmpose, ..."""

from __future__ import annotations

from collections.abc import Mapping

from parity.runs.facts import Config, Fact
from parity.runs.families import model_path, type_of

# By the line with its version in the environment block of a log.
_VERSIONS = {
    "MMSegmentation": "mmseg",
    "MMDetection": "mmdet",
    "MMPose": "mmpose",
    "MMRotate": "mmrotate",
    "MMPreTrain": "mmpretrain",
    "MMClassification": "mmpretrain",
    "MMDetection3D": "mmdet3d",
    "MMAction2": "mmaction",
    "MMOCR": "mmocr",
    "MMYOLO": "mmyolo",
    "MMEditing": "mmagic",
    "MMagic": "mmagic",
    "MMTracking": "mmtrack",
    "MMSelfSup": "mmselfsup",
}
# Loggers of packages that others build on; their names say nothing.
_COMMON = frozenset({"", "mmengine", "mmcv"})
_RENAMED = {"mmcls": "mmpretrain", "mmedit": "mmagic"}
_MODELS = {
    "mmseg": "EncoderDecoder CascadeEncoderDecoder DepthEstimator SiamEncoderDecoder",
    "mmpretrain": "ImageClassifier TimmClassifier HuggingFaceClassifier",
    "mmpose": "TopDown BottomUp TopdownPoseEstimator BottomupPoseEstimator PoseLifter",
    "mmrotate": "OrientedRCNN RotatedRetinaNet RotatedFCOS RoITransformer S2ANet R3Det",
    "mmdet3d": "VoxelNet MVXFasterRCNN CenterPoint VoteNet PointRCNN SMOKEMono3D",
    "mmaction": "Recognizer2D Recognizer3D RecognizerGCN",
    "mmdet": (
        "ATSS CascadeRCNN CenterNet DETR DINO DeformableDETR FCOS FasterRCNN GFL HybridTaskCascade "
        "Mask2Former MaskFormer MaskRCNN PanopticFPN RTMDet RetinaNet SOLO SOLOv2 YOLOV3 YOLOX"
    ),
}
_BY_MODEL = {name: scope for scope, names in _MODELS.items() for name in names.split()}


def scope_of(config: Config | None, logger: str, environment: Mapping[str, Fact[str]]) -> Fact[str]:
    """By the config's own word, the name of the logger, the log's versions, or the model."""
    stated = Fact[str]() if config is None else config.fact("default_scope")
    if isinstance(stated.value, str):
        return Fact(_RENAMED.get(stated.value, stated.value), stated.source)
    if logger not in _COMMON:
        return Fact(_RENAMED.get(logger, logger), note="by the name of the logger")
    for name, scope in _VERSIONS.items():
        if name in environment:
            return Fact(scope, environment[name].source, f"the log gives a version of {name}")
    return _by_model(config)


def _by_model(config: Config | None) -> Fact[str]:
    if config is None:
        return Fact(note="neither a config nor the log names a package of OpenMMLab")
    path = model_path(config)
    written = str(config.get(*path, "type") or "")
    named = written.partition(".")[0] if written.startswith("mm") else ""
    scope = named or _BY_MODEL.get(type_of(config.get(*path)))
    if not scope:
        return Fact(note=f"{config.file} names no package of OpenMMLab")
    return Fact(scope, config.source(*path, "type"), f"by the model, {written}")
