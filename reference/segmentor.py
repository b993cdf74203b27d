"""A real ``EncoderDecoder`` around any callable, for what surrounds the network."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from parity.steps.logits import Segmentation
from reference.compat import load_reference


def build_segmentor(
    model: Callable[[Any], torch.Tensor],
    *,
    out_channels: int,
    align_corners: bool = False,
    threshold: float | None = None,
    test_cfg: dict[str, Any] | None = None,
    data_preprocessor: nn.Module | None = None,
) -> Any:
    """``EncoderDecoder`` whose backbone passes images on and whose head's forward is `model`.

    Everything else, the head's ``predict`` and ``predict_by_feat`` included, is mmseg's.
    """
    load_reference()
    from mmengine.config import ConfigDict
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.models.segmentors import EncoderDecoder

    class Head(BaseDecodeHead):  # type: ignore[misc]  # mmseg has no types
        def forward(self, inputs: Any) -> torch.Tensor:
            return model(inputs)

    head = {
        "type": Head,
        "in_channels": 1,
        "channels": 1,
        "num_classes": out_channels,
        "out_channels": out_channels,
        "threshold": threshold,
        "align_corners": align_corners,
    }
    # A head draws weights, here for a layer that never runs.
    with torch.random.fork_rng(devices=[]), quiet():
        return EncoderDecoder(
            backbone={"type": nn.Identity},
            decode_head=head,
            test_cfg=ConfigDict(test_cfg or {"mode": "whole"}),
            data_preprocessor=data_preprocessor,
        )


def to_segmentations(samples: Sequence[Any]) -> list[Segmentation]:
    """The logits and prediction that mmseg put into its data samples."""
    return [Segmentation(item.seg_logits.data, item.pred_sem_seg.data) for item in samples]


@contextmanager
def quiet() -> Iterator[None]:
    """Without mmseg's advice on thresholds, sizes and two-dimensional predictions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
