"""What a training was asked for, kept with what it leaves: only the same goes on from there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.errors import InputError
from parity.train.ported import Port
from parity.train.settings import TrainingSettings
from parity.train.tally import MISSING, leaves

# Besides the config: what every weight comes from, and what only the record of the whole does.
_DECIDING = ("seed", "device", "threads")
_RECORDED = ("side", "lockstep", "iters", "repeat", "precise", "ops")
_TOLD = 3


BOTH, REFERENCE, CANDIDATE = "both", "reference", "candidate"


@dataclass(frozen=True)
class TrainOptions:
    """How to train. lockstep: iterations that are compared in everything, of `iters` in all.

    work_dir: holds those of both sides; ours is written only to `keep` it, with a
    checkpoint every `interval` iterations. resume: go on from the checkpoints there.
    port: a user's own model for our side. repeat: `side` trains twice, or where both do, the
    reference. precise: what differs is held to the reference in float64; asks for `teacher`.
    ops: once more up to where the sides part, with the operations there; log_at: in this
    iteration, and no further.
    """

    side: str = BOTH
    lockstep: int = 20
    iters: int = 20
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    teacher: bool = False
    work_dir: Path = Path("work_dir")
    keep: bool = False
    interval: int = 0
    resume: bool = False
    port: Port | None = None
    repeat: bool = False
    precise: bool = False
    ops: bool = False
    log_at: int | None = None


def asked_for(
    settings: TrainingSettings, options: TrainOptions, *, recorded: bool = False
) -> dict[str, Any]:
    """All that decides the weights of a training, in plain values (tuples are lists).

    recorded: also what decides what is told of it. The built-in images have no root, for
    they lie elsewhere every time.
    """
    config = json.dumps(settings.values, default=repr)
    if settings.spare:
        config = config.replace(json.dumps(settings.spare)[1:-1], "(built-in images)")
    port = options.port
    return {
        "config": json.loads(config),
        "model": None if port is None else [port.text, dict(port.given)],
        "teacher": options.teacher or options.precise,
        **{key: getattr(options, key) for key in _DECIDING + _RECORDED * recorded},
    }


def insist_on_same(file: Path, kept: Any, asked: Mapping[str, Any]) -> None:
    """Raises InputError that names what differs where `file` is of another training."""
    if not isinstance(kept, Mapping):
        raise InputError(
            f"{file}: does not say how it was trained, so that --resume cannot go on from it; "
            f"give another --out"
        )
    before, now = dict(leaves(kept)), dict(leaves(asked))
    apart = [
        f"{path} was {before.get(path, MISSING)!r:.60}, and is {now.get(path, MISSING)!r:.60}"
        for path in (*now, *(path for path in before if path not in now))
        if before.get(path, MISSING) != now.get(path, MISSING)
    ]
    if apart:
        more = [f"and {len(apart) - _TOLD} more"] if len(apart) > _TOLD else []
        told = "; ".join([*apart[:_TOLD], *more])
        raise InputError(
            f"{file}: was trained otherwise: {told}; ask as before, or give another --out"
        )
