"""Which result of the model zoo a run is compared with; the settings of both, for detectors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.causes.cause import RunContext
from parity.errors import InputError, ReferenceUnavailable
from parity.runs.datasets import dataset_of
from parity.runs.facts import Config
from parity.runs.record import Run
from parity.settings import Terms, differences, terms_of
from parity.settings.items import lift, unplaced
from parity.text import did_you_mean
from parity.zoo.configs import model_signature
from parity.zoo.places import all_rows, old_name, row_config
from parity.zoo.rows import ScoreRow, may_be

NEAR = 6
_GPUS = re.compile(r"_\d+xb\d+-")


@dataclass(frozen=True)
class Choice:
    """The row, why it is the one, and its config. near: rows of the same method.

    row is None where none fits; `reason` then says why. own: the row that the
    run's config names, which differs from `row` when the user gave another.
    rivals: rows that were nearly chosen instead.
    """

    row: ScoreRow | None
    reason: str
    near: tuple[ScoreRow, ...] = ()
    config: Config | None = None
    own: ScoreRow | None = None
    rivals: tuple[ScoreRow, ...] = ()


def choose(run: Run, against: str = "", terms: Terms | None = None) -> Choice:
    """The row named `against`, else the one that the run's config is of.

    Raises InputError for a name that the zoo does not have, and, when a name is
    given, ReferenceUnavailable without mmsegmentation.
    """
    try:
        rows = all_rows()
    except ReferenceUnavailable as error:
        if against:
            raise
        return Choice(None, f"the zoo cannot be found: {error}")
    if terms is None and run.config is not None:
        terms = terms_of(run.config)
    own, reason, rivals = _own(run, terms, rows)
    if not against:
        return _chosen(run, own, reason, rows, own, rivals)
    return _chosen(run, _named(against, rows), "named by --against", rows, own, ())


def _named(against: str, rows: Sequence[ScoreRow]) -> ScoreRow:
    """The row of this name, of 1.x or 0.x, on any data set. Raises InputError."""
    wanted = against.rpartition("/")[2].removesuffix(".py")
    for row in rows:
        if wanted in (row.name, old_name(row)):
            return row
    near = ", ".join(row.name for row in _similar(wanted, rows)[:3])
    hint = did_you_mean(wanted, (row.name for row in rows), f"near: {near or 'none'}")
    raise InputError(f"--against {against}: no such run and no such zoo result; {hint}")


def _names(run: Run) -> list[str]:
    """What the run's config may be called."""
    files = [f.removesuffix(".py") for f in run.files if "/" not in f and f.endswith(".py")]
    work_dir = run.config.get("work_dir") if run.config is not None else None
    given = [str(work_dir).rstrip("/").rpartition("/")[2]] if isinstance(work_dir, str) else []
    stated = [run.settings.config_name.value] if run.settings.config_name.value else []
    names = [*stated, *files, *given, run.name]
    return list(dict.fromkeys(name.removesuffix(".py") for name in names))


_Found = tuple[ScoreRow | None, str, tuple[ScoreRow, ...]]


def _own(run: Run, terms: Terms | None, rows: Sequence[ScoreRow]) -> _Found:
    named, reason = _by_name(_names(run), rows)
    if run.config is None or terms is None:
        return named, reason or "no config of the run could be read, and its name is no zoo " \
            "config's", ()  # fmt: skip
    if named is not None and _same_model(run.config, named):
        return named, reason, ()
    alike = [row for row in _of_dataset(run, rows) if _same_model(run.config, row, known=True)]
    costs = sorted(((_cost(terms, row), row) for row in alike), key=lambda pair: pair[0])
    if named is not None and (not costs or _cost(terms, named) <= costs[0][0]):
        return named, reason, ()
    if not costs:
        return None, "no row has the run's data set, decode head and backbone", ()
    tied = [row for cost, row in costs if cost == costs[0][0]]
    if len(tied) > 1:
        names = ", ".join(row.name for row in tied[:4])
        return None, f"{len(tied)} rows fit equally: {names}; name one by --against", tuple(tied)
    rivals = tuple(row for cost, row in costs[1:3] if cost <= costs[0][0] + 1)
    reason = "decode head, backbone and data set of the run's config are those of the row"
    return tied[0], reason, rivals + ((named,) if named is not None else ())


def _by_name(names: Sequence[str], rows: Sequence[ScoreRow]) -> tuple[ScoreRow | None, str]:
    for name in names:
        for row in rows:
            if name == row.name:
                return row, f"the run's config is called {name}, as the row's"
            if name == old_name(row):
                return row, f"the run's config is called {name}, as mmseg 0.x called the row's"
    for name in names:
        for row in rows:
            if _GPUS.sub("_", row.name) == _GPUS.sub("_", name):
                return row, f"the run's config is called {name}: the row's but for GPUs and batch"
    return None, ""


def _of_dataset(run: Run, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    name = run.settings.dataset.value
    if name is None and run.config is not None:
        name = dataset_of(run.config).value
    return [row for row in rows if name and may_be(name, row.dataset)]


def _same_model(mine: Config, row: ScoreRow, *, known: bool = False) -> bool:
    """A name alone may lie: where both configs can be read, their models agree."""
    config = row_config(row)
    if config is None:
        return not known
    return model_signature(config) == model_signature(mine)


def _cost(terms: Terms, row: ScoreRow) -> int:
    """How many settings differ that bear on the score."""
    config = row_config(row)
    if config is None:
        return 1_000_000
    return sum(not item.is_bookkeeping for item in differences(terms, terms_of(config)))


def _chosen(
    run: Run,
    row: ScoreRow | None,
    reason: str,
    rows: Sequence[ScoreRow],
    own: ScoreRow | None,
    rivals: tuple[ScoreRow, ...],
) -> Choice:
    if row is None:
        method = run.settings.method.value
        fitting = [row for row in _of_dataset(run, rows) or rows if row.method == method]
        near = _similar(_names(run)[0], fitting or rows)
        return Choice(None, reason, tuple(near[:NEAR]), rivals=rivals)
    same = [
        other
        for other in rows
        if (other.method, other.dataset) == (row.method, row.dataset) and other.name != row.name
    ]
    same.sort(key=lambda other: (abs(other.miou - row.miou), other.name))
    return Choice(row, reason, tuple(same[:NEAR]), row_config(row), own, rivals)


def _similar(name: str, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Rows whose name shares its first word with `name`, most words in common first."""
    words = set(re.split(r"[_-]", name))
    first = re.split(r"[_-]", name)[0]
    found = [row for row in rows if re.split(r"[_-]", row.name)[0] == first]
    return sorted(found, key=lambda row: (-len(words & set(re.split(r"[_-]", row.name))), row.name))


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
