"""Training with mmengine's own Runner, and a deformable attention op that does not run."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from reference.compat import load_reference

# The C functions of ms_deform_attn_cuda.cu (mmcv 2.1.0) that start its two kernels.
FORWARD_LAUNCH, BACKWARD_LAUNCH = "ms_deformable_im2col_cuda", "ms_deformable_col2im_cuda"


def build_runner(config: Path, *, work_dir: str, changes: Mapping[str, Any] | None = None) -> Any:
    """The Runner that mmseg's ``tools/train.py`` builds; `changes` are its ``--cfg-options``."""
    load_reference()
    from mmengine.config import Config
    from mmengine.runner import Runner

    cfg = Config.fromfile(str(config))
    cfg.launcher = "none"
    cfg.merge_from_dict(dict(changes or {}))
    cfg.work_dir = work_dir
    return Runner.from_cfg(cfg)


def call_before(runner: Any, point: str, action: Callable[..., None]) -> None:
    """Call `action` before the hooks of `point`, with what they get.

    The hook list, which the Runner logs, stays the config's own.
    """
    call_hook = runner.call_hook

    def watched(name: str, **values: Any) -> None:
        if name == point:
            action(**values)
        call_hook(name, **values)

    runner.call_hook = watched


def call_after(runner: Any, point: str, action: Callable[..., None]) -> None:
    """Call `action` after the hooks of `point`, as `call_before` does before them."""
    call_hook = runner.call_hook

    def watched(name: str, **values: Any) -> None:
        call_hook(name, **values)
        if name == point:
            action(**values)

    runner.call_hook = watched


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """mmengine trains there; without a GPU, ``AmpOptimWrapper`` computes as its autocast does.

    It asks for a GPU only when it is made, though what it is made of works on the CPU.
    """
    load_reference()
    from mmengine.optim.optimizer import amp_optimizer_wrapper

    given = mock.patch("mmengine.runner.runner.get_device", return_value=device)
    casts = mock.patch("mmengine.runner.amp.get_device", return_value=device)
    asked = mock.patch.object(amp_optimizer_wrapper, "is_cuda_available", return_value=True)
    with given, casts, asked:
        yield


@contextmanager
def zero_deform_attn(on_launch: Callable[[str], None] = lambda name: None) -> Iterator[None]:
    """``MultiScaleDeformableAttention`` as on a GPU that its kernels were not compiled for.

    The C++ of the op (mmcv 2.1.0 ops/csrc/pytorch/cuda/ms_deform_attn_cuda.cu)
    starts from a zero output and goes on when a launch fails, and mmcv's
    ``MultiScaleDeformableAttnFunction`` from zero gradients. That function runs
    here, on any device, with launches that fail: the output and the gradients
    of value, sampling locations and attention weights are 0. `on_launch` gets
    the name of the C function that would have printed its error.
    """
    load_reference()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mmcv.ops import multi_scale_deform_attn as module

    function = module.MultiScaleDeformableAttnFunction

    def forward(value: torch.Tensor, *args: torch.Tensor, im2col_step: int) -> torch.Tensor:
        on_launch(FORWARD_LAUNCH)
        locations = args[2]
        return value.new_zeros(value.shape[0], locations.shape[1], value.shape[2] * value.shape[3])

    def backward(*args: torch.Tensor, im2col_step: int) -> None:
        on_launch(BACKWARD_LAUNCH)

    def attention(
        value: torch.Tensor, shapes: torch.Tensor, locations: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        output: torch.Tensor = function.apply(
            value, shapes, shapes.prod(1).cumsum(0) - shapes.prod(1), locations, weights, 64
        )
        return output

    launches = SimpleNamespace(ms_deform_attn_forward=forward, ms_deform_attn_backward=backward)
    with mock.patch.multiple(
        module, ext_module=launches, multi_scale_deformable_attn_pytorch=attention
    ):
        yield
