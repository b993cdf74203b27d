"""Turn entries of a config into steps of ours, and note what has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from parity.pipeline import ConfigEntry, Step
from parity.recipe.forms import FORMS, Form, absent
from parity.runs.facts import Source, Unknown
from parity.sample import META_KEYS
from parity.settings.items import Item, plain
from parity.settings.terms import Terms

# What PackSegInputs leaves out unless its config says otherwise is left out by collate.
_PACK = "PackSegInputs"
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

    def pipeline(self, split: str) -> list[Step]:
        """The steps of the data set of `split`; of several joined ones, those of the first."""
        first, *others = self.datasets(split)
        entries = first.get("pipeline").parts
        for other in others:
            if plain(other.get("pipeline")) != plain(first.get("pipeline")):
                self.note(other, f"{split} pipeline", "differs from that of the first data set")
        if not entries:
            self.note(first, f"{split} pipeline", "the config gives none")
        return [step for entry in entries for step in self._steps(entry, split)]

    def datasets(self, split: str) -> list[Item]:
        """The data set of `split`, or the ones that it joins."""
        dataset = self.terms.item(f"{split}_dataloader", "dataset")
        return dataset.get("datasets").parts or [dataset]

    def collate(self, entry: Item, *, training: bool) -> list[Step]:
        """``SegDataPreProcessor`` as the step after a pipeline."""
        return [
            replace(
                step,
                options=_for_testing(dict(step.options), training=training),
                entry=ConfigEntry("preprocess", self.entry(entry), {"training": training}),
            )
            for step in self._steps(entry, "model")
        ]

    def _steps(self, entry: Item, where: str) -> list[Step]:
        kind = entry.kind
        if kind == _PACK:
            if self.value(entry.get("meta_keys")) not in (None, META_KEYS):
                self.note(entry, f"{kind}.meta_keys in {where}", "the usual keys are packed here")
            return []
        given = ConfigEntry("transform", self.entry(entry))
        form = FORMS.get(kind)
        options = None if form is None else self.options(entry, form, where)
        if form is None:
            self.note(entry, f"{kind or 'an entry'} in {where}", "no step here does it")
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
        if item.place is None or self.terms.config is None or self.terms.legacy:
            return _tuples(plain(item))
        written = self.terms.config.get(*item.place)
        return _tuples(plain(item)) if written is None else written

    def note(self, item: Item, what: str, why: str) -> None:
        """Say that `what` is not compared, and why."""
        found = Uncompared(what, why, self.terms.source(item))
        if found not in self.uncompared:
            self.uncompared.append(found)


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
