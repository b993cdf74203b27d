"""What detectors are given: the run's settings beside those it is compared with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parity.causes.cause import RunContext
from parity.explain.row import Choice
from parity.runs.record import Run
from parity.settings import Terms, differences, terms_of
from parity.settings.items import lift, unplaced


def terms_of_run(run: Run) -> Terms | None:
    """The settings of the run's config, where one was read."""
    return None if run.config is None else terms_of(run.config)


def stated_terms(run: Run) -> Terms | None:
    """The few settings that another program states, for a diff of these alone."""
    given: dict[str, Any] = {}
    crop, precision = run.settings.crop_size.value, run.settings.precision.value
    if crop is not None:
        crops = [{"type": "RandomCrop", "crop_size": list(crop)}]
        given["train_dataloader"] = {"dataset": {"pipeline": crops}}
    if run.settings.max_iters.value is not None:
        given["train_cfg"] = {"max_iters": run.settings.max_iters.value}
    if precision is not None:
        plain = precision.lower() in ("fp32", "float32", "32", "32-true")
        given["optim_wrapper"] = {"type": "OptimWrapper" if plain else "AmpOptimWrapper"}
    return Terms(unplaced(lift(given)), None, stated=True) if given else None


def beside_row(run: Run, mine: Terms | None, choice: Choice) -> RunContext:
    """The run beside a row of the zoo, or beside nothing."""
    expected = terms_of(choice.config) if choice.config is not None else None
    made = RunContext(run, mine, expected, row=choice.row, own=choice.own)
    return _with_differences(made)


def beside_run(run: Run, mine: Terms | None, other: Run) -> RunContext:
    """The run beside another one."""
    made = RunContext(
        run, mine, terms_of_run(other), other=other, expected_name="the other run's config"
    )
    return _with_differences(made)


def _with_differences(context: RunContext) -> RunContext:
    here = context.mine or stated_terms(context.run)
    if here is None or context.expected is None:
        return context
    found = differences(here, context.expected)
    if "loss" not in context.run.curves:  # nothing was trained: it names what is scored
        found = tuple(item for item in found if item.path != "load_from")
    return replace(context, differences=found)


def alone(context: RunContext) -> RunContext:
    """The run beside nothing: what is broken shows by itself."""
    return RunContext(
        context.run, context.mine, parity=context.parity, extensions=context.extensions
    )
