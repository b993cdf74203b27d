"""Trainings by mmengine's Runner in several processes: ``torchrun ranks.py FOLDER``.

A healthy one with parameters that the loss does not reach, then one with a dead layer.
"""

import sys

import torch
from mmengine.model import BaseModel  # noqa: TID251 - a training as people have it
from mmengine.runner import Runner  # noqa: TID251


class Layers(BaseModel):
    """Two layers, of which the second may be dead, and one that is not used."""

    def __init__(self, dead: bool) -> None:
        super().__init__()
        self.one, self.two = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        self.unused, self.dead = torch.nn.Linear(2, 2), dead

    def forward(self, x: torch.Tensor, mode: str) -> dict[str, torch.Tensor]:
        """The loss."""
        two = self.two(x) * (0.0 if self.dead else 1.0)
        return {"loss": (self.one(x) + two).square().sum()}


class Batch(torch.utils.data.Dataset):
    """Inputs of a model by their names."""

    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"x": torch.full((2,), 1.0 + index)}


def train(folder: str, *, dead: bool) -> Runner:
    """Six iterations."""
    guard = {"type": "parity.guard.hook.ParityHook", "zero": 3, "on_error": "stop"}
    wrapper = {"device_ids": None, "broadcast_buffers": False, "find_unused_parameters": True}
    runner = Runner(
        model=Layers(dead),
        work_dir=folder,
        train_dataloader={
            "dataset": Batch(),
            "batch_size": 2,
            "sampler": {"type": "InfiniteSampler"},
            "collate_fn": {"type": "default_collate"},
        },
        train_cfg={"type": "IterBasedTrainLoop", "max_iters": 6},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 1e-9}},
        custom_hooks=[guard],
        launcher="pytorch",
        env_cfg={"dist_cfg": {"backend": "gloo"}},
        cfg={"model_wrapper_cfg": wrapper},
        experiment_name=f"dead-{dead}",
        log_level="ERROR",
    )
    runner.train()
    return runner


torch.cuda.set_device = lambda device: None  # mmengine asks for a GPU in each process
for dead in (False, True):
    trained = train(sys.argv[1], dead=dead)
    (hook,) = [hook for hook in trained.hooks if type(hook).__name__ == "ParityHook"]
    print(f"process {trained.rank}: {len(hook.alarms)} alarms", flush=True)
