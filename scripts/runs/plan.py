"""Every training: those whose run directories are kept, and those that only give figures."""

from dataclasses import dataclass, field
from typing import Any

MASK2FORMER = "mask2former_r18-tiny_1xb2-400_ade20k-64x64"
FCN = "fcn_r18-tiny-gn_1xb2-60_ade20k-64x64"
# Pretrained weights by the config they come from.
PRETRAINED = {
    "resnet18-tiny": "fcn_r18-tiny_1xb8-200_pretrain",
    "resnet18-tiny-gn": "fcn_r18-tiny-gn_1xb8-200_pretrain",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One training. changes: as ``--cfg-options``. stop: before iteration `stop_at`.

    buffered: what C prints comes out as redirected output does, in blocks that
    end anywhere, and not line by line as on a terminal. processes: trained
    together, as by ``torchrun``.
    """

    config: str
    seed: int = 0
    changes: dict[str, Any] = field(default_factory=dict)
    dead: bool = False
    stop: str = ""
    stop_at: int = 0
    buffered: bool = False
    processes: int = 1


@dataclass(frozen=True, kw_only=True)
class WorkDirectory:
    """Trainings in one work directory, and what of it is kept beside logs and configs."""

    name: str
    parts: tuple[Part, ...]
    console: bool = False
    checkpoints: bool = True


def one(
    name: str, config: str, *, console: bool = False, checkpoints: bool = True, **options: Any
) -> WorkDirectory:
    """A run of one training."""
    part = Part(config=config, **options)
    return WorkDirectory(name=name, parts=(part,), console=console, checkpoints=checkpoints)


# Pairs from the same seeds, for the figures.
HEALTHY = (
    one("healthy", MASK2FORMER, seed=0),
    one("healthy-1", MASK2FORMER, seed=1),
    one("healthy-2", MASK2FORMER, seed=2),
)
DEAD = (
    one("dead-kernel-checkpoint", MASK2FORMER, seed=0, dead=True),
    one("dead-kernel-both", MASK2FORMER, seed=1, dead=True, console=True, buffered=True),
    one("dead-kernel-console", MASK2FORMER, seed=2, dead=True, console=True, checkpoints=False),
)
KEPT = (
    HEALTHY[0],
    *DEAD,
    one("healthy-fcn", FCN, console=True),
    one("effective-batch", "fcn_r18-tiny-gn_8xb2-60_ade20k-64x64", seed=1),
    one("truncated-run", FCN, stop="file-size", stop_at=47),
    # mmengine prints what load_from could not match, and logs what a backbone's weights could not.
    one("keys-unmatched-console", f"{FCN}-load-from", console=True),
    one("keys-unmatched-log", f"{FCN}-other-names"),
    one("reduce-zero", f"{FCN}-labels-from-0"),
    one("syncbn-reverted", "fcn_r18-tiny_1xb2-60_ade20k-64x64"),
    WorkDirectory(
        name="resume",
        parts=(
            Part(config=FCN, stop="interrupt", stop_at=43),
            Part(config=FCN, changes={"load_from": "work_dirs/resume/iter_30.pth"}),
        ),
    ),
)
