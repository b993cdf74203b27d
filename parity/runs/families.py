"""The zoo's names for what a config builds; and the package of OpenMMLab that trained it."""

from collections.abc import Mapping
from math import prod
from typing import Any

from parity.runs.facts import Config, Fact, integer, integers, mapping, text

# Decode head -> collection of mmseg's model zoo; a list of heads goes by its last.
_METHODS = {
    "ANNHead": "ANN",
    "APCHead": "APCNet",
    "ASPPHead": "DeepLabV3",
    "CCHead": "CCNet",
    "DAHead": "DANet",
    "DDRHead": "DDRNet",
    "DMHead": "DMNet",
    "DNLHead": "DNLNet",
    "DPTHead": "DPT",
    "DepthwiseSeparableASPPHead": "DeepLabV3+",
    "EMAHead": "EMANet",
    "EncHead": "EncNet",
    "FCNHead": "FCN",
    "FPNHead": "FPN",
    "GCHead": "GCNet",
    "ISAHead": "ISANet",
    "IterativeDecodeHead": "KNet",
    "LRASPPHead": "LRASPP",
    "LightHamHead": "SegNeXt",
    "Mask2FormerHead": "Mask2Former",
    "MaskFormerHead": "MaskFormer",
    "NLHead": "NonLocalNet",
    "OCRHead": "OCRNet",
    "PIDHead": "PIDNet",
    "PSAHead": "PSANet",
    "PSPHead": "PSPNet",
    "PointHead": "PointRend",
    "SETRMLAHead": "SETR",
    "SETRUPHead": "SETR",
    "STDCHead": "STDC",
    "SegformerHead": "Segformer",
    "SegmenterMaskTransformerHead": "Segmenter",
    "SideAdapterCLIPHead": "SAN",
    "UPerHead": "UPerNet",
    "VPDDepthHead": "VPD",
}
# Backbones that give their method its name, whatever the head.
_NAMING_BACKBONES = {
    "BiSeNetV1": "BiSeNetV1",
    "BiSeNetV2": "BiSeNetV2",
    "CGNet": "CGNet",
    "ERFNet": "ERFNet",
    "FastSCNN": "FastSCNN",
    "ICNet": "ICNet",
    "STDCContextPathNet": "STDC",
    "UNet": "UNet",
}
# (embed_dims, depths) -> size, from mmseg's own configs.
_SWIN: dict[Any, str] = {
    (96, (2, 2, 6, 2)): "T",
    (96, (2, 2, 18, 2)): "S",
    (128, (2, 2, 18, 2)): "B",
    (192, (2, 2, 18, 2)): "L",
}
_MIT: dict[Any, str] = {
    (32, (2, 2, 2, 2)): "B0",
    (64, (2, 2, 2, 2)): "B1",
    (64, (3, 4, 6, 3)): "B2",
    (64, (3, 4, 18, 3)): "B3",
    (64, (3, 8, 27, 3)): "B4",
    (64, (3, 6, 40, 3)): "B5",
}
_MSCAN: dict[Any, str] = {
    ((32, 64, 160, 256), (3, 3, 5, 2)): "T",
    ((64, 128, 320, 512), (2, 2, 4, 2)): "S",
    ((64, 128, 320, 512), (3, 3, 12, 3)): "B",
    ((64, 128, 320, 512), (3, 5, 27, 3)): "L",
}
_VIT = {192: "T", 384: "S", 768: "B", 1024: "L"}
_CONVNEXT = {"tiny": "T", "small": "S", "base": "B", "large": "L", "xlarge": "XL"}
_RESNETS = {"ResNet": "R", "ResNetV1c": "R", "ResNetV1d": "R", "ResNeSt": "S", "ResNeXt": "X"}
_TRANSFORMERS = {"VisionTransformer": "ViT", "BEiT": "BEiT", "MAE": "ViT"}


def type_of(config: Any) -> str:
    """The bare class name in a config dict: no scope, no module; "" when it names none."""
    name = config.get("type") if isinstance(config, Mapping) else None
    return name.rpartition(".")[2] if isinstance(name, str) else ""


def model_path(config: Config) -> tuple[str, ...]:
    """Where the segmentor stands: inside the wrapper that test-time augmentation puts around it."""
    wrapped = isinstance(config.get("model", "module"), Mapping)
    return ("model", "module") if wrapped else ("model",)


def method_of(config: Config) -> Fact[str]:
    """The zoo's collection, e.g. "Mask2Former"; the head's class where the zoo has none."""
    path = model_path(config)
    backbone = type_of(config.get(*path, "backbone"))
    if backbone in _NAMING_BACKBONES:
        return Fact(_NAMING_BACKBONES[backbone], config.source(*path, "backbone", "type"))
    heads = config.get(*path, "decode_head")
    listed = isinstance(heads, (list, tuple)) and bool(heads)
    head = type_of(heads[-1] if listed else heads)
    if not head:
        return Fact(note=f"{config.file} names no decode head")
    index = (len(heads) - 1,) if listed else ()
    source = config.source(*path, "decode_head", *index, "type")
    if type_of(config.get(*path, "neck")) == "JPU":
        return Fact("FastFCN", source)
    return Fact(_METHODS.get(head, head), source)


def backbone_of(config: Config) -> Fact[str]:
    """The zoo's name, e.g. "Swin-S" or "R-50-D8"; the class where there is no rule for it."""
    path = (*model_path(config), "backbone")
    given = mapping(config.get(*path), ".".join(path))
    if not type_of(given):
        return Fact(note=f"{config.file} names no backbone")
    inner = given.get("backbone_cfg") or given.get("context_cfg")
    chosen = inner if isinstance(inner, Mapping) and type_of(inner) in _RESNETS else given
    return Fact(_backbone_name(chosen), config.source(*path, "type"))


def _backbone_name(given: Mapping[Any, Any]) -> str:
    kind = type_of(given)
    if kind in _RESNETS:
        return _resnet_name(kind, given)
    if kind == "SwinTransformer":
        dims, depths = _size(given, "embed_dims") or 96, _size(given, "depths") or (2, 2, 6, 2)
        return f"Swin-{_SWIN.get((dims, depths), f'{dims}')}"
    if kind == "MixVisionTransformer":
        dims = _size(given, "embed_dims")
        return f"MIT-{_MIT.get((dims, _size(given, 'num_layers')), f'{dims}')}"
    if kind == "MSCAN":
        dims = _size(given, "embed_dims")
        return f"MSCAN-{_MSCAN.get((dims, _size(given, 'depths')), f'{dims}')}"
    if kind in _TRANSFORMERS:
        dims = _size(given, "embed_dims") or 768
        return f"{_TRANSFORMERS[kind]}-{_VIT.get(dims, f'{dims}')}"
    if kind == "ConvNeXt":
        arch = text(given.get("arch", "tiny"), "backbone.arch")
        return f"ConvNeXt-{_CONVNEXT.get(arch, arch)}"
    if kind == "PoolFormer":
        return f"PoolFormer-{text(given.get('arch', 's12'), 'backbone.arch').upper()}"
    if kind == "HRNet":
        return _hrnet_name(given)
    depth = integer(given.get("depth"), "backbone.depth")
    return kind + ("" if depth is None else f"-{depth}")


def _size(given: Mapping[Any, Any], key: str) -> Any:
    """A number, or several as a tuple; None where there is none. Raises RunFormatError."""
    value = given.get(key)
    several = isinstance(value, (list, tuple))
    return (integers if several else integer)(value, f"backbone.{key}")


def _resnet_name(kind: str, given: Mapping[Any, Any]) -> str:
    """E.g. R-50-D8: depth, and the output stride of the last stage."""
    strides = integers(given.get("strides", (1, 2, 2, 2)), "backbone.strides")
    stride = f"-D{4 * prod(strides)}" if strides and len(strides) < 9 else ""
    depth = integer(given.get("depth"), "backbone.depth")
    return f"{_RESNETS[kind]}-{'?' if depth is None else depth}{stride}"


def _hrnet_name(given: Mapping[Any, Any]) -> str:
    extra = mapping(given.get("extra"), "backbone.extra")
    stage = mapping(extra.get("stage4"), "backbone.extra.stage4")
    widths = integers(stage.get("num_channels"), "num_channels") or ("?",)
    blocks = integers(stage.get("num_blocks"), "num_blocks")
    return f"HRNetV2p-W{widths[0]}{'-Small' if blocks == (2, 2, 2, 2) else ''}"


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
