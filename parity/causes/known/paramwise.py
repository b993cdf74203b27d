"""Parameter groups other than the zoo's."""

from __future__ import annotations

from typing import Any

from parity.causes.cause import Cause, Effect, RunContext, Verdict
from parity.causes.options import Path, differs
from parity.runs.facts import Config


def _read(config: Config) -> tuple[Any, Path]:
    wrapper = config.get("optim_wrapper")
    wrapper = wrapper if isinstance(wrapper, dict) else {}
    found = {key: wrapper.get(key) for key in ("paramwise_cfg", "constructor")}
    return found, ("optim_wrapper", "paramwise_cfg")


def _detect(context: RunContext) -> Verdict:
    return differs(context, _read, "parameter groups")


CAUSE = Cause(
    id="paramwise",
    title="Parameter groups differ",
    mechanism=(
        "lr_mult, decay_mult or the layer decay are missing or differ, so parts of the "
        "model train with other rates."
    ),
    effects=(Effect("MAE loses about 2 points", "facebookresearch/mae#52", low=-2.0, high=-2.0),),
    fix=(
        "Copy paramwise_cfg and the optimizer's constructor from the zoo's config, and "
        "compare the groups."
    ),
    detect=_detect,
    step="optim_groups",
)
