"""What a training was asked for, kept with what it leaves: only the same goes on from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.errors import InputError
from parity.train.settings import TrainingSettings
from parity.train.tally import MISSING, leaves

if TYPE_CHECKING:
    from parity.train.record import TrainOptions

# Besides the config: what every weight comes from, and what only the record of the whole does.
_DECIDING = ("seed", "device", "threads")
_RECORDED = ("side", "lockstep", "iters", "repeat", "precise", "ops")
_TOLD = 3


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
