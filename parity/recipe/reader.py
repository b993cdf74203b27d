"""Turn entries of a config into steps of ours, and note what has none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from parity.pipeline import ConfigEntry, Others, Step
from parity.recipe.forms import FORMS, LEFT_OUT, REFUSED, Form, absent
from parity.runs.facts import Source, Unknown
from parity.sample import META_KEYS
from parity.settings.items import Item, lift, plain
from parity.settings.terms import Terms, defaults
from parity.steps.infer import views_of
from parity.steps.mosaic import Pool, mosaic_sample

# Its keys are an option of collate, which packs as well.
_PACK = "PackSegInputs"
_VIEWS = "TestTimeAug"
_MIX = "MultiImageMixDataset"
_WRAPPERS = ("ConcatDataset", "RepeatDataset", _MIX)
# Ways through a TestTimeAug; the zoo has 12.
MOST_VIEWS = 100
_TEST_CFG = {"size": "test_size", "size_divisor": "test_size_divisor"}


@dataclass(frozen=True)
class Uncompared:
    """What of a config has no step here. source: where it is written, if anywhere."""

    what: str
    why: str
    source: Source | None = None

    @property
    def reason(self) -> str:
        """Why not, and where it is written."""
        return self.why if self.source is None else f"{self.why}, {self.source.place}"


class Reader:
    """Turns entries of a config into steps, and notes what it cannot."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.uncompared: list[Uncompared] = []

    def pipeline(self, split: str, at: int = 0) -> list[Step]:
        """From the file to the batch of `split`; of several joined data sets, for that `at`."""
        dataset = self.datasets(split)[at]
        entries = dataset.get("pipeline").parts
        if not entries:
            self.note(dataset, f"{split} pipeline", "the config gives none")
        steps = self.own_steps(dataset, split)
        for mix in reversed(self._mixes(split)):
            steps += self._mixed(mix, tuple(steps), split)
            entries = [*entries, *mix.get("pipeline").parts]
        return [*steps, *self._collate(entries, training=split == "train")] if steps else []

    def own_steps(self, dataset: Item, split: str) -> list[Step]:
        """Those of the pipeline of one data set or wrapper, without what it wraps."""
        skipped = plain(dataset.get("skip_type_keys")) or []
        parts = [part for part in dataset.get("pipeline").parts if part.kind not in skipped]
        return [step for part in parts for step in self._steps(part, split)]

    def unlike(self, split: str) -> list[int]:
        """Which of the joined data sets have a pipeline that none before them has."""
        found = [plain(one.get("pipeline")) for one in self.datasets(split)]
        return [at for at, pipeline in enumerate(found) if pipeline not in found[:at]]

    def datasets(self, split: str) -> list[Item]:
        """The data set of `split`, or the ones that it joins, out of their wrappers."""
        return _leaves(self.terms.item(f"{split}_dataloader", "dataset"))

    def _mixes(self, split: str) -> list[Item]:
        """The wrappers with pipelines of their own around the first data set, outermost first."""
        item, found = self.terms.item(f"{split}_dataloader", "dataset"), []
        while inner := inside(item):
            if item.kind not in _WRAPPERS:
                self.note(item, f"{item.kind} in {split}", "no such wrapper here")
            found += [item] if item.kind == _MIX else []
            item = inner[0]
        return found

    def _mixed(self, mix: Item, before: tuple[Step, ...], split: str) -> list[Step]:
        return with_pool(self.own_steps(mix, split), Others(before))

    def views(self) -> tuple[Step, ...]:
        """From the file to the views of test-time augmentation; nothing where there is none."""
        entries = self.terms.item("tta_pipeline").parts
        where = "test-time augmentation"
        steps: list[Step] = []
        for entry in entries:
            steps += [self._views(entry)] if entry.kind == _VIEWS else self._steps(entry, where)
        if entries and (not steps or steps[-1].function is not views_of):
            self.note(self.terms.item("tta_pipeline"), where, f"does not end in a {_VIEWS}")
            return ()
        return tuple(steps)

    def _views(self, entry: Item) -> Step:
        groups = [group.parts for group in entry.get("transforms").parts]
        preprocessor = self.terms.item("model", "data_preprocessor")
        given = ConfigEntry(
            "views_of", self.entry(entry), {"preprocessor": self.entry(preprocessor)}
        )
        ways = [way for way, _ in zip(product(*groups), range(MOST_VIEWS + 1), strict=False)]
        branches = tuple(tuple(self._view(list(way))) for way in ways if groups)
        known = all(step.function is not absent for steps in branches for step in steps)
        if not branches or not known or len(ways) > MOST_VIEWS:
            self.note(entry, f"{_VIEWS} of {len(ways)} views", "no step here does it")
            return Step(_VIEWS, absent, entry=given)
        return Step("tta_views", views_of, {"subroutines": branches}, entry=given)

    def _view(self, way: list[Item]) -> list[Step]:
        steps = [step for part in way for step in self._steps(part, "test-time augmentation")]
        return [*steps, *self._collate(way, training=False)]

    def _collate(self, entries: list[Item], *, training: bool) -> list[Step]:
        """``PackSegInputs`` and ``SegDataPreProcessor`` as the step after a pipeline."""
        packing = next((entry for entry in entries if entry.kind == _PACK), Item(None))
        keys = self.value(packing.get("meta_keys"))
        packed = {} if keys is None or tuple(keys) == META_KEYS else {"meta_keys": tuple(keys)}
        entry = self.terms.item("model", "data_preprocessor")
        return [
            replace(
                step,
                options={**_for_testing(dict(step.options), training=training), **packed},
                entry=ConfigEntry(
                    "preprocess", self.entry(entry), {"training": training, **packed}
                ),
            )
            for step in self._steps(entry, "model")
        ]

    def _steps(self, entry: Item, where: str) -> list[Step]:
        kind = entry.kind
        if kind == _PACK:
            return []
        if kind in LEFT_OUT:
            self.note(entry, f"{kind} in {where}", LEFT_OUT[kind])
            return []
        given = ConfigEntry("mix" if kind == "RandomMosaic" else "transform", self.entry(entry))
        form = FORMS.get(kind)
        options = None if form is None else self.options(entry, form, where)
        if form is None:
            told = REFUSED.get(kind, "no step here does it")
            self.note(entry, f"{kind or 'an entry'} in {where}", told)
        if form is None or options is None:
            return [Step(kind or "unknown", absent, entry=given)]
        return [Step(form.name, form.function, options, form.run, entry=given)]

    def options(self, entry: Item, form: Form, where: str) -> dict[str, Any] | None:
        """Those of ours; None, and a note, where ours cannot do what the entry asks for."""
        options = {}
        for key, item in entry.fields.items():
            value = self.value(item)
            if key == "type" or key in form.ignored:
                continue
            if isinstance(value, Unknown):
                self.note(item, f"{entry.kind}.{key} in {where}", value.note)
                return None
            if key not in form.fixed:
                if not form.takes(key):
                    self.note(item, f"{entry.kind}.{key} in {where}", "no such option here")
                    return None
                options[form.renamed.get(key, key)] = value
            elif value != form.fixed[key]:
                told = f"{value!r}, and only {form.fixed[key]!r} is done here"
                self.note(item, f"{entry.kind}.{key} in {where}", told)
                return None
        return options

    def entry(self, item: Item) -> dict[str, Any]:
        """What the reference builds: as the config writes it, or in the words of mmseg 1.x."""
        written = self.value(item)
        return dict(written) if isinstance(written, Mapping) else {}

    def value(self, item: Item) -> Any:
        """As the config writes it; a default with tuples, as the reference has it."""
        if self.terms.legacy and item.place is None:
            return self._upgraded(item)
        if item.place is None or self.terms.config is None:
            return _tuples(plain(item))
        written = self.terms.config.get(*item.place)
        if not self.terms.legacy:
            return _tuples(plain(item)) if written is None else written
        if plain(lift(written)) == plain(item):
            return written
        return self._upgraded(item)

    def _upgraded(self, item: Item) -> Any:
        """Entries as they were written; defaults are left to what the reference builds."""
        if item.parts:  # one value, written for a list of it, or a tuple
            alone = item.place is not None and item.parts[0].place == item.place
            return self.value(item.parts[0]) if alone else tuple(map(self.value, item.parts))
        if not item.fields:
            return _tuples(plain(item))
        usual = defaults(item.kind, "mmseg")
        return {
            key: self.value(part)
            for key, part in item.fields.items()
            if part.place is not None or key not in usual or plain(part) != usual[key]
        }

    def note(self, item: Item, what: str, why: str) -> None:
        """Say that `what` is not compared, and why."""
        found = Uncompared(what, why, self.terms.source(item))
        if found not in self.uncompared:
            self.uncompared.append(found)


def with_pool(steps: Iterable[Step], pool: Pool) -> list[Step]:
    """`steps`, of which those of several images take the others from `pool`."""
    return [
        replace(step, options={**step.options, "pool": pool})
        if step.function is mosaic_sample
        else step
        for step in steps
    ]


def inside(item: Item) -> list[Item]:
    """The data sets that a wrapper wraps, or joins."""
    inner = item.get("dataset")
    return item.get("datasets").parts or ([inner] if inner.fields else [])


def _leaves(item: Item) -> list[Item]:
    parts = inside(item)
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [item]


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(part) for part in value)
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return value


def _for_testing(options: dict[str, Any], *, training: bool) -> dict[str, Any]:
    given = options.pop("test_size", None)
    stated: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    renamed = {_TEST_CFG.get(key, key): value for key, value in stated.items()}
    return {**options, **renamed, "training": training}
