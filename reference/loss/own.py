"""Heads of mmseg that compute their loss in a way of their own: the real class, a tiny network.

What the network gives comes from outside: ``forward`` of the head is replaced.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from reference.compat import load_reference
from reference.loss.head import base_head
from reference.segmentor import quiet

Entry = Mapping[str, Any]

_ONE = {"in_channels": 1, "in_index": 0, "channels": 1}
_LIST = {"in_channels": [1], "in_index": [0], "channels": 1}
# What a class is built with in the place of its config's: as few channels as it takes.
TINY: Mapping[str, Mapping[str, Any]] = {
    "DAHead": {**_ONE, "pam_channels": 1},
    "EncHead": {**_LIST, "num_codes": 1, "add_lateral": False},
    "STDCHead": {**_ONE, "num_convs": 1},
    "DDRHead": {"in_channels": 2, "channels": 1, "in_index": 0},
    "PIDHead": {"in_channels": 4, "channels": 1, "in_index": 0},
    "PointHead": {**_LIST, "num_fcs": 1},
    "VPDDepthHead": {
        **{"in_channels": [16, 1, 1, 1], "embed_dim": 1, "feature_dim": 16},
        **{"num_deconv_layers": 1, "num_deconv_filters": [1]},
    },
}
_SAN: Mapping[str, Mapping[str, Any]] = {
    "san_cfg": {
        **{"in_channels": 3, "clip_channels": 1, "embed_dims": 12, "fusion_index": [0]},
        "cfg_encoder": {"num_encode_layer": 0, "num_heads": 1, "mlp_ratio": 1},
        "cfg_decoder": {
            **{"num_heads": 1, "num_layers": 1, "embed_channels": 1, "mlp_channels": 1},
            **{"num_mlp": 1, "rescale": False},
        },
    },
    "maskgen_cfg": {"num_layers": 0, "embed_dims": 1, "out_dims": 1},
}


def own_head(entry: Entry, *, queries: int | None = None) -> Any:
    """The head that `entry` asks for, with as small a network as it can have.

    queries: how many masks it proposes, where it proposes any.
    """
    load_reference()
    from mmengine.config import ConfigDict
    from mmseg.registry import MODELS

    chosen = copy.deepcopy(dict(entry))
    kind = str(chosen["type"]).rpartition(".")[2]
    with quiet(), torch.random.fork_rng():  # about two classes and one channel
        if kind == "IterativeDecodeHead":
            return _iterative(MODELS.get(kind), chosen["kernel_generate_head"])
        if kind == "SideAdapterCLIPHead":
            numbers = {
                "san_cfg": {"num_queries": queries},
                "maskgen_cfg": {"sos_token_num": queries},
            }
            for name, tiny in _SAN.items():
                chosen[name] = {**chosen[name], **tiny, **numbers[name]}
        return MODELS.build(ConfigDict({**chosen, **TINY.get(kind, {})}))


def _iterative(kind: Any, inner: Entry) -> Any:
    """K-Net's head without stages, around a generating head that is nothing but its base."""
    head = kind.__new__(kind)
    nn.Module.__init__(head)
    head.kernel_generate_head = base_head(inner)
    return head


def loss_of(
    head: Any, outputs: Mapping[str, Any], label: Tensor, train_cfg: Entry, **maps: Tensor
) -> dict[str, Tensor]:
    """``loss`` of a head whose network gives `outputs`.

    label: ``(N, H, W)``, of depths ``(N, 1, H, W)``. maps: other true ones, such as ``edge``.
    """
    from mmengine.config import ConfigDict

    given = list(outputs.values())
    head.forward = _forward(type(head).__name__, given)
    samples = [
        _sample(truth, **{name: one[at] for name, one in maps.items()})
        for at, truth in enumerate(label)
    ]
    with quiet():  # about alignment
        found: dict[str, Tensor] = head.loss(
            *_inputs(head, outputs), samples, ConfigDict(train_cfg)
        )
    return found


def _forward(kind: str, given: list[Any]) -> Callable[..., Any]:
    """What the head's network gives, in the form in which it does."""
    if kind in ("IterativeDecodeHead", "DAHead"):  # stacked here
        return lambda *_: list(given[0])
    if kind == "SideAdapterCLIPHead":
        return lambda *_: (given[1], given[0])  # masks first
    if kind == "PointHead":
        return lambda fine, coarse: fine + coarse
    return lambda *_: given[0] if len(given) == 1 else tuple(given)


def _inputs(head: Any, outputs: Mapping[str, Any]) -> tuple[Any, ...]:
    """What comes before the samples: features, and of a cascade the logits before."""
    if type(head).__name__ == "PointHead":
        return [outputs["features"]], outputs["pred"]
    return (None,)


def _sample(label: Tensor, edge: Tensor | None = None) -> Any:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    if label.is_floating_point():
        return SegDataSample(gt_depth_map=PixelData(data=label))
    maps = {} if edge is None else {"gt_edge_map": PixelData(data=edge[None])}
    return SegDataSample(gt_sem_seg=PixelData(data=label[None]), **maps)
