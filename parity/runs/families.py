"""The zoo's names for what a config builds: method, backbone, data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from parity.runs.facts import Config, Fact

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
    name = config.get("type", "") if isinstance(config, Mapping) else ""
    return str(name).rpartition(".")[2]


def last_of(value: Any) -> Any:
    """The last of a list, as is otherwise."""
    return value[-1] if isinstance(value, (list, tuple)) and value else value


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
    head = type_of(last_of(heads))
    if not head:
        return Fact(note=f"{config.file} names no decode head")
    index = (len(heads) - 1,) if isinstance(heads, (list, tuple)) else ()
    source = config.source(*path, "decode_head", *index, "type")
    if type_of(config.get(*path, "neck")) == "JPU":
        return Fact("FastFCN", source)
    return Fact(_METHODS.get(head, head), source)


def backbone_of(config: Config) -> Fact[str]:
    """The zoo's name, e.g. "Swin-S" or "R-50-D8"; the class where there is no rule for it."""
    path = (*model_path(config), "backbone")
    given = config.get(*path)
    if not isinstance(given, Mapping) or not type_of(given):
        return Fact(note=f"{config.file} names no backbone")
    inner = given.get("backbone_cfg") or given.get("context_cfg")
    chosen = inner if isinstance(inner, Mapping) and type_of(inner) in _RESNETS else given
    return Fact(_backbone_name(chosen), config.source(*path, "type"))


def _backbone_name(given: Mapping[str, Any]) -> str:
    kind = type_of(given)
    dims, depths = given.get("embed_dims"), _plain(given.get("depths"))
    if kind in _RESNETS:
        return _resnet_name(kind, given)
    if kind == "SwinTransformer":
        return f"Swin-{_SWIN.get((dims or 96, depths or (2, 2, 6, 2)), f'{dims}')}"
    if kind == "MixVisionTransformer":
        return f"MIT-{_MIT.get((dims, _plain(given.get('num_layers'))), f'{dims}')}"
    if kind == "MSCAN":
        return f"MSCAN-{_MSCAN.get((_plain(dims), depths), f'{dims}')}"
    if kind in _TRANSFORMERS:
        return f"{_TRANSFORMERS[kind]}-{_VIT.get(dims or 768, f'{dims}')}"
    if kind == "ConvNeXt":
        arch = given.get("arch", "tiny")
        return f"ConvNeXt-{_CONVNEXT.get(str(arch), str(arch))}"
    if kind == "PoolFormer":
        return f"PoolFormer-{str(given.get('arch', 's12')).upper()}"
    if kind == "HRNet":
        return _hrnet_name(given)
    return kind + (f"-{given['depth']}" if "depth" in given else "")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _resnet_name(kind: str, given: Mapping[str, Any]) -> str:
    """E.g. R-50-D8: depth, and the output stride of the last stage."""
    strides = given.get("strides", (1, 2, 2, 2))
    whole = isinstance(strides, Sequence) and all(type(step) is int for step in strides)
    stride = f"-D{4 * prod(strides)}" if whole else ""
    return f"{_RESNETS[kind]}-{given.get('depth', '?')}{stride}"


def _hrnet_name(given: Mapping[str, Any]) -> str:
    stage = (given.get("extra") or {}).get("stage4", {})
    widths = stage.get("num_channels", ("?",)) if isinstance(stage, Mapping) else ("?",)
    small = "-Small" if _plain(stage.get("num_blocks")) == (2, 2, 2, 2) else ""
    return f"HRNetV2p-W{widths[0]}{small}"
